import { readSync, writeSync } from 'node:fs'
import type { Arguments } from './arguments.ts'
import type { HandlerCounts, HandlerReport, Pace } from './pace.ts'

/** Writes a line to the runner, at once. */
export function say(line: string): void {
  writeSync(1, `${line}\n`)
}

/** Blocks this thread, with everything that is pending on it, until the runner has written a line. */
export function waitForLine(): void {
  const byte = Buffer.alloc(1)
  while (readSync(0, byte, 0, 1, null) === 1 && byte[0] !== 0x0a) {}
}

/** How often the measurement is rehearsed while the handler is warmed. */
const REHEARSALS = 2

type Phase = 'warming' | 'armed' | 'running' | 'over'

/** Packets between two looks at the clock. */
const CLOCK_INTERVAL = 16

/**
 * The messages of a handler to the runner and its measurements of itself, for a process with one thread that handles
 * packets; bench/README.md has the protocol. The JIT is warmed by the packets before `WARM`, which are not counted. A
 * third of them is a rehearsal of the measurement: a branch that is taken for the first time throws away the compiled
 * code around it, and that must not happen while it counts.
 */
export class Meter implements Pace {
  #phase: Phase = 'warming'
  #warm: number
  #count: number
  #window: number
  #counts: () => HandlerCounts
  #before: HandlerCounts | undefined
  #cpu: NodeJS.CpuUsage | undefined
  #start = 0
  #seen = 0
  #checked = 0
  #until = 0
  #rehearsed = 0
  #isRehearsal = false

  constructor(args: Arguments, counts: () => HandlerCounts) {
    this.#warm = args.number('warm', 0)
    this.#count = args.number('count', 0)
    this.#window = args.number('window', 1.2) * 1000
    this.#counts = counts
  }

  get isOver(): boolean {
    return this.#phase === 'over'
  }

  get left(): number {
    if (this.#phase === 'warming') return this.#warm - this.#seen
    if (this.#isRehearsal || this.#phase !== 'running' || this.#count === 0) return Number.POSITIVE_INFINITY
    return this.#count - this.#seen
  }

  ready(): void {
    say('READY')
    if (this.#warm === 0) this.#pause()
  }

  received(): void {
    if (this.#phase !== 'armed') return
    this.#phase = 'running'
    this.#before = this.#counts()
    this.#cpu = process.cpuUsage()
    this.#checked = this.#seen
    this.#start = performance.now()
  }

  answered(packets: number, flush: () => void): void {
    this.#seen += packets
    if (this.#phase === 'running') {
      const isComplete = this.#until > 0 && this.#seen >= this.#until
      if (!isComplete && this.#seen - this.#checked < CLOCK_INTERVAL) return
      this.#checked = this.#seen
      if (!isComplete && (this.#count > 0 || performance.now() - this.#start < this.#window)) return
      flush()
      this.#report()
    } else if (this.#phase === 'warming') {
      this.#warming(flush)
    }
  }

  #warming(flush: () => void): void {
    if (this.#rehearsed < REHEARSALS && this.#seen >= (this.#warm * (this.#rehearsed + 1)) / (REHEARSALS + 2)) {
      flush()
      this.#rehearsed++
      this.#isRehearsal = true
      this.#until = this.#seen + this.#warm / (2 * (REHEARSALS + 2))
      this.#phase = 'armed'
    } else if (this.#seen >= this.#warm) {
      flush()
      this.#pause()
    }
  }

  #pause(): void {
    say('WARM')
    waitForLine()
    this.#seen = 0
    this.#until = this.#count
    this.#phase = 'armed'
  }

  #report(): void {
    const seconds = (performance.now() - this.#start) / 1000
    const { user, system } = process.cpuUsage(this.#cpu)
    const { systemCalls, errors, lost, checksum } = this.#counts()
    const before = this.#before?.systemCalls ?? null
    if (this.#isRehearsal) {
      this.#isRehearsal = false
      this.#phase = 'warming'
      return
    }
    const report: HandlerReport = {
      packets: this.#seen,
      seconds,
      user: user / 1e6,
      system: system / 1e6,
      systemCalls: systemCalls === null || before === null ? null : systemCalls - before,
      errors,
      lost,
      checksum,
    }
    this.#phase = 'over'
    say(JSON.stringify(report))
  }
}
