import type { Pace } from './pace.ts'

const Phase = { Warming: 0, Paused: 1, Running: 2, Over: 3 } as const

/**
 * The memory that the threads of a handler share with the measuring thread. Each counts its own packets and notes when
 * it had the first and when it answered the last, on the clock of the machine.
 */
export class SharedClock {
  readonly buffer: SharedArrayBuffer
  readonly phase: Int32Array
  readonly packets: Int32Array
  readonly first: Float64Array
  readonly last: Float64Array
  readonly systemCalls: Float64Array
  readonly checksums: Float64Array

  constructor(threads: number, buffer: SharedArrayBuffer = new SharedArrayBuffer(8 + threads * 40)) {
    this.buffer = buffer
    this.phase = new Int32Array(buffer, 0, 1)
    this.first = new Float64Array(buffer, 8, threads)
    this.last = new Float64Array(buffer, 8 + threads * 8, threads)
    this.systemCalls = new Float64Array(buffer, 8 + threads * 16, threads)
    this.checksums = new Float64Array(buffer, 8 + threads * 24, threads)
    this.packets = new Int32Array(buffer, 8 + threads * 32, threads)
  }

  get seen(): number {
    return this.packets.reduce((sum, packets) => sum + packets, 0)
  }

  /** Has every thread wait before it looks at another packet. */
  pause(): void {
    Atomics.store(this.phase, 0, Phase.Paused)
  }

  /** Counts from here. */
  run(): void {
    this.packets.fill(0)
    this.first.fill(0)
    this.last.fill(0)
    this.resume()
  }

  /** Ends a pause within the warm-up: the first packet after it takes the branch that the measurement takes. */
  rehearse(): void {
    this.first.fill(0)
    this.resume()
  }

  /** Ends a pause. */
  resume(): void {
    Atomics.store(this.phase, 0, Phase.Running)
    Atomics.notify(this.phase, 0)
  }

  end(): void {
    Atomics.store(this.phase, 0, Phase.Over)
  }

  waitWhilePaused(): void {
    while (Atomics.load(this.phase, 0) === Phase.Paused) Atomics.wait(this.phase, 0, Phase.Paused)
  }

  get isOver(): boolean {
    return Atomics.load(this.phase, 0) === Phase.Over
  }
}

/** Milliseconds of the machine's monotonic clock, the same in every thread. */
export function machineTime(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6
}

/** The pace of one thread. Its batches are flushed as they end, so that the last moment is that of an answer. */
export class SharedPace implements Pace {
  #clock: SharedClock
  #index: number
  #systemCalls: () => number
  #checksum: () => number

  constructor(clock: SharedClock, index: number, systemCalls: () => number, checksum: () => number) {
    this.#clock = clock
    this.#index = index
    this.#systemCalls = systemCalls
    this.#checksum = checksum
  }

  get isOver(): boolean {
    return this.#clock.isOver
  }

  /** Not known to a thread. */
  get left(): number {
    return Number.POSITIVE_INFINITY
  }

  received(): void {
    this.#clock.waitWhilePaused()
    if (this.#clock.first[this.#index] === 0) this.#clock.first[this.#index] = machineTime()
  }

  answered(packets: number, flush: () => void): void {
    flush()
    const index = this.#index
    this.#clock.last[index] = machineTime()
    this.#clock.systemCalls[index] = this.#systemCalls()
    this.#clock.checksums[index] = this.#checksum()
    Atomics.add(this.#clock.packets, index, packets)
  }
}
