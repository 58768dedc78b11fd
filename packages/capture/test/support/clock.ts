import type { ReplayClock } from '../../src/index.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** A clock that stands still until it is advanced. */
export class TestClock implements ReplayClock {
  readonly slept: number[] = []
  #now = 1000
  #timers: Set<Timer> = new Set()

  now = (): number => this.#now

  setTimer = (callback: () => void, delay: number): Timer => {
    const timer = { at: this.#now + delay, callback }
    this.#timers.add(timer)
    return timer
  }

  clearTimer = (timer: unknown): void => {
    this.#timers.delete(timer as Timer)
  }

  sleep = (delay: number): void => {
    this.slept.push(delay)
    this.#now += delay
  }

  get timers(): number {
    return this.#timers.size
  }

  /** Advances by `milliseconds`, and runs the callbacks that are due. */
  advance(milliseconds: number): void {
    this.#now += milliseconds
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now) continue
      this.#timers.delete(timer)
      timer.callback()
    }
  }
}
