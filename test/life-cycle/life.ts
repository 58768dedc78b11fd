import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Namespace } from '@ringlink/test-support/namespace'
import type { QueueCounters, QueueStats } from 'ringlink'

export const stages = ['opened', 'waiting', 'reading', 'holding', 'closing'] as const
export const ways = ['socket', 'ring', 'ring with a kernel thread'] as const
export type Way = (typeof ways)[number]

/** What `openTransport` is given for each. */
export const transportOptions = {
  socket: { ring: false },
  ring: { ring: true },
  'ring with a kernel thread': { ring: true, kernelThread: true },
} as const

/** What a process does. */
export interface Life {
  readonly stage: (typeof stages)[number]
  readonly end: 'close' | 'process.exit' | 'throw' | 'reject' | 'loop' | 'fill' | 'signal'
  readonly transport: Way
  readonly inWorker: boolean
  /** of its queue */
  readonly number: number
  /** of the traffic that it queues */
  readonly port: number
}

/** What a process that closes its queue prints. */
export interface Account {
  readonly stats: QueueStats
  readonly counters: QueueCounters | undefined
}

/** A process of program.ts in a namespace. */
export class Subject {
  readonly child: ChildProcess
  /** resolves with the exit code or the signal */
  readonly ended: Promise<number | string>
  errors = ''
  readonly #lines: unknown[] = []
  #arrived: () => void = () => {}

  /** @param wrap words before the command, as of `sh -c` */
  constructor(program: string, namespace: Namespace, life: Life, wrap: readonly string[] = []) {
    const words = ['--net', `--target=${namespace.pid}`, '--', ...wrap, process.execPath, program, JSON.stringify(life)]
    this.child = spawn('nsenter', words, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.child.stderr?.on('data', (text) => {
      this.errors += text
    })
    const lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })
    lines.on('line', (line) => {
      this.#lines.push(JSON.parse(line))
      this.#arrived()
    })
    this.ended = new Promise((resolve) =>
      this.child.once('close', (code, signal) => resolve(code ?? signal ?? 'nothing')),
    )
    void this.ended.then(() => this.#arrived())
  }

  /** What it prints next. Rejects if it ends before. */
  async next(): Promise<unknown> {
    while (this.#lines.length === 0) {
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`it has ended: ${this.errors}`)
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
    return this.#lines.shift()
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }
}
