import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Worker, WorkerOptions } from 'node:worker_threads'
import type { QueueCounters } from '@ringlink/client'
import { TransportError } from '@ringlink/transport'
import {
  COUNTERS_SIZE,
  type FanOutIncidents,
  type FanOutMessage,
  type FanOutWorkerData,
  unpackError,
} from './channel.ts'

export interface LaneSettings {
  /** milliseconds */
  readonly closeTimeout: number
  readonly onIncidents: (incidents: FanOutIncidents) => void
}

/** One Worker of a fan-out, from start to exit. */
export class FanOutLane {
  readonly number: number
  /** the counters that it stores */
  readonly words: Float64Array
  /** kind of its transport, once it is open */
  transport: string | undefined
  /** the kernel's last counters, once it is closed */
  counters: QueueCounters | undefined
  /** Resolves when its queue is bound, or it has failed. */
  readonly opened: Promise<void>
  /** Resolves when its thread has ended, to its error if it failed. */
  readonly ended: Promise<Error | undefined>
  #worker: Worker
  #settings: LaneSettings
  #onOpened: () => void = () => {}
  #isClosed = false
  #isGone = false
  #failure: Error | undefined
  #timer: NodeJS.Timeout | undefined

  /** Throws code `ARGUMENT` when the data cannot be copied. */
  constructor(data: Omit<FanOutWorkerData, 'counters'>, settings: LaneSettings) {
    this.number = data.number
    this.#settings = settings
    const counters = new SharedArrayBuffer(COUNTERS_SIZE)
    this.words = new Float64Array(counters)
    const workerData: FanOutWorkerData = { ...data, counters }
    this.#worker = startWorker(workerData)
    this.opened = new Promise((resolve) => {
      this.#onOpened = resolve
    })
    this.ended = new Promise((resolve) => {
      this.#worker.on('message', (message: FanOutMessage) => this.#onMessage(message))
      this.#worker.on('error', (error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error))
      })
      this.#worker.on('exit', (code) => {
        this.#isGone = true
        clearTimeout(this.#timer)
        if (!this.#isClosed) this.#failure ??= new Error(`it ended by itself, with exit code ${code}`)
        this.#onOpened()
        resolve(this.#failure)
      })
    })
  }

  /** Terminates the Worker unless it ends by itself within the timeout, which begins now. Idempotent. */
  endInTime(): void {
    if (this.#isGone) return
    const { closeTimeout } = this.#settings
    this.#timer ??= setTimeout(() => {
      if (!this.#isClosed) this.#failure ??= new Error(`it did not end within ${closeTimeout} ms, and was terminated`)
      void this.#worker.terminate()
    }, closeTimeout)
  }

  /**
   * Ends it in time where its queue is bound, and at once where it is not: what its module waits for may never come.
   */
  abandon(): void {
    if (this.transport !== undefined) this.endInTime()
    else if (!this.#isGone) void this.#worker.terminate()
  }

  #onMessage(message: FanOutMessage): void {
    switch (message.type) {
      case 'open':
        this.transport = message.transport
        this.#onOpened()
        break
      case 'incidents':
        this.#settings.onIncidents(message.incidents)
        break
      case 'closed':
        this.#isClosed = true
        this.counters = message.counters
        this.endInTime()
        break
      case 'failed':
        this.#failure ??= unpackError(message.error)
        // Resources that the module left open must not delay the report of the failure.
        this.endInTime()
        break
    }
  }
}

function startWorker(workerData: FanOutWorkerData): Worker {
  if (!existsSync(entry)) {
    const advice = isSource ? 'build it: npm run build' : 'a bundler must leave ringlink and @ringlink/* external'
    const text = `the file of ringlink's Worker is missing, expected at ${fileURLToPath(entry)}: ${advice}`
    throw new TransportError('ARGUMENT', 'fan out', text)
  }
  // Node loads what Workers need when it is imported, a tenth of the time that importing ringlink takes.
  const { Worker } = process.getBuiltinModule('node:worker_threads')
  try {
    return new Worker(entry, { workerData, name: `queue ${workerData.number}`, ...entryOptions })
  } catch (cause) {
    if (!(cause instanceof Error) || cause.name !== 'DataCloneError') throw cause
    const text = `an option or data cannot be copied to a Worker: ${cause.message}`
    throw new TransportError('ARGUMENT', 'fan out', text)
  }
}

// Next to this file in the built package. The sources also use the built file, because a Worker runs JavaScript, and
// without the options of this process it would not find the sources of the other packages.
const isSource = import.meta.url.endsWith('.ts')
const entry = new URL(isSource ? '../../dist/fan-out/worker.js' : './fan-out/worker.js', import.meta.url)
const entryOptions: WorkerOptions = isSource ? { execArgv: [] } : {}
