import { type QueueCounters, type QueueStats, StopFlag } from '@ringlink/client'
import { isNetlinkError, NetlinkError } from '@ringlink/codec'
import { createEmitter, type Emitter } from '@ringlink/transport'
import type { FanOutErrorCode } from '../errors.ts'
import { type FanOutIncidents, sumStats } from './channel.ts'
import { FanOutLane } from './lane.ts'
import { type CheckedFanOutOptions, checkFanOutOptions, type FanOutOptions } from './options.ts'

/**
 * A Worker failed, or ended by itself; `cause` is its error. If it could, it closed its queue as `Queue.close()` does;
 * if not, the kernel dropped the waiting packets.
 */
export class WorkerError extends NetlinkError {
  declare readonly code: FanOutErrorCode
  /** the queue that it answered */
  readonly queue: number

  constructor(queue: number, cause: Error) {
    super('WORKER_FAILED', `the Worker of queue ${queue} failed: ${cause.message}`, { cause })
    this.name = 'WorkerError'
    this.queue = queue
  }
}

/** Events of a fan-out. Packets are never delivered as events; each event carries a count. */
export type FanOutEvents = {
  /** the kernel could not deliver `lost` messages of a queue */
  overrun: (queue: number, lost: number) => void
  /** `verdicts` of a queue came too late */
  late: (queue: number, verdicts: number) => void
  /** `packets` of a queue were larger than a frame */
  truncated: (queue: number, packets: number) => void
  /** `messages` of a queue could not be parsed */
  malformed: (queue: number, messages: number) => void
  /** a Worker failed; with `onFailure: 'close'` the others are being closed */
  failed: (error: WorkerError) => void
}

/** The counters of one queue of a fan-out. */
export interface FanOutQueueStats extends QueueStats {
  readonly number: number
  /** kind of its transport */
  readonly transport: string | undefined
  /** the kernel's last counters, once the queue is closed */
  readonly counters: QueueCounters | undefined
}

export interface FanOutStats {
  readonly queues: readonly FanOutQueueStats[]
  /** the sum over all queues */
  readonly total: QueueStats
}

/** Queues that Workers answer, one each. */
export class FanOut implements AsyncDisposable {
  readonly queues: readonly number[]
  readonly events: Emitter<FanOutEvents> = createEmitter()
  #lanes: readonly FanOutLane[]
  #stop = new StopFlag()
  #onFailure: 'close' | 'continue'
  #isOpen = false
  #failure: WorkerError | undefined
  #ended: Promise<void>
  #done: Promise<void>

  /**
   * Called by {@link fanOut}, which waits until the queues are bound. Throws code `ARGUMENT` when data cannot be
   * copied.
   */
  constructor({ queues, onFailure, closeTimeout, signal: _signal, ...options }: CheckedFanOutOptions) {
    this.queues = queues
    this.#onFailure = onFailure
    const stop = this.#stop.buffer
    this.#lanes = queues.map((number) => {
      const onIncidents = (incidents: FanOutIncidents) => this.#tell(number, incidents)
      return new FanOutLane({ number, stop, ...options }, { closeTimeout, onIncidents })
    })
    this.#ended = this.#waitForAll()
    this.#done = this.#ended
    // Until it is open, the caller of fanOut gets the error.
    this.#ended.catch(() => {})
  }

  /**
   * Settles when all Workers are gone: resolves after `close()`, rejects with code `WORKER_FAILED` when one failed.
   * Await it (or `close()`, which returns it): otherwise a failure is an unhandled rejection, which ends the process.
   */
  get done(): Promise<void> {
    return this.#done
  }

  /** The current counters of the queues: at most one batch old, or a tenth of a second when idle. */
  stats(): FanOutStats {
    const queues = this.#lanes.map(({ number, words, transport, counters }) => ({
      ...sumStats([words]),
      number,
      transport,
      counters,
    }))
    return { queues, total: sumStats(this.#lanes.map(({ words }) => words)) }
  }

  /**
   * Makes every Worker finish its batch and close its queue, as `Queue.close()` does: packets without a verdict get the
   * `unanswered` one. A Worker that does not end within `closeTimeout` is terminated. Returns {@link done}. Idempotent.
   */
  close(): Promise<void> {
    this.#begin()
    return this.done
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * Resolves when all queues are bound. If one cannot be bound, closes the others and rejects with its error. An abort
   * ends all Workers and rejects with the signal's reason.
   */
  async open(signal: AbortSignal | undefined): Promise<void> {
    const onAbort = () => {
      this.#stop.stop()
      for (const lane of this.#lanes) lane.abandon()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    await Promise.all(this.#lanes.map(({ opened }) => opened))
    signal?.removeEventListener('abort', onAbort)
    if (signal?.aborted === true) {
      this.#begin()
      await this.#ended.catch(() => {})
      throw signal.reason
    }
    if (this.#failure === undefined && this.#lanes.every(({ transport }) => transport !== undefined)) {
      this.#isOpen = true
      this.#done = this.#ended.then(() => {})
      return
    }
    this.#begin()
    await this.#ended.catch((error: WorkerError) => {
      throw isNetlinkError(error.cause) ? error.cause : error
    })
  }

  /** Stops all Workers. */
  #begin(): void {
    this.#stop.stop()
    for (const lane of this.#lanes) lane.endInTime()
  }

  async #waitForAll(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => this.#waitFor(lane)))
    if (this.#failure !== undefined) throw this.#failure
  }

  async #waitFor({ number, ended }: FanOutLane): Promise<void> {
    const cause = await ended
    if (cause === undefined) return
    const error = new WorkerError(number, cause)
    this.#failure ??= error
    if (this.#onFailure === 'close' || !this.#isOpen) this.#begin()
    this.events.emit('failed', error)
  }

  #tell(queue: number, { overrun, late, truncated, malformed }: FanOutIncidents): void {
    if (overrun > 0) this.events.emit('overrun', queue, overrun)
    if (late > 0) this.events.emit('late', queue, late)
    if (truncated > 0) this.events.emit('truncated', queue, truncated)
    if (malformed > 0) this.events.emit('malformed', queue, malformed)
  }
}

/**
 * Answers queues with Workers, one each, so that they use all cores. The verdict function is in a separate module, see
 * `FanOutModule`; options of `openQueue` apply to every queue. Resolves when all queues are bound. Rejects with
 *
 * - the error of `openQueue`, for the first queue that cannot be bound, and the signal's reason
 * - `ARGUMENT` and `VALUE_RANGE` for invalid options, before a Worker is started: an `OptionError` whose `path` names
 *   it
 * - `ARGUMENT` for `data` that cannot be copied to a Worker, and for a module without `onPackets`
 * - `WORKER_FAILED` when the module cannot be loaded, or its `setup` fails; `cause` says why
 *
 * Nothing is left open after a rejection.
 */
export async function fanOut(options: FanOutOptions): Promise<FanOut> {
  const checked = checkFanOutOptions(options)
  checked.signal?.throwIfAborted()
  const fan = new FanOut(checked)
  await fan.open(checked.signal)
  return fan
}
