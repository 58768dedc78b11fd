import { TransportError } from '@ringlink/transport'

/** A timer of a {@link VirtualClock}. */
export interface VirtualTimer {
  /** when it is due, in the clock's milliseconds */
  readonly due: number
  readonly pending: boolean
  /** Cancels the timer. Does nothing if it was cancelled or has run. */
  cancel(): void
}

/**
 * A clock that advances only on command. Timers run inside {@link advance}, ordered by due time, and then by when they
 * were set.
 */
export class VirtualClock {
  /** milliseconds since the kernel was made */
  now = 0
  #timers: ScheduledTimer[] = []

  /** The due time of the next timer; `undefined` if there is none. */
  get nextDue(): number | undefined {
    return this.#timers[0]?.due
  }

  /** Runs `action` after `delay` milliseconds. */
  schedule(delay: number, action: () => void): VirtualTimer {
    const timer = new ScheduledTimer(this.now + Math.max(0, delay), action, (it) => this.#remove(it))
    let index = this.#timers.length
    while (index > 0 && (this.#timers[index - 1] as ScheduledTimer).due > timer.due) index--
    this.#timers.splice(index, 0, timer)
    return timer
  }

  /** Lets `milliseconds` pass. Throws code `ARGUMENT` for going back. */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0 && milliseconds < Number.POSITIVE_INFINITY)) {
      throw new TransportError(
        'ARGUMENT',
        'advance',
        `milliseconds must be a finite number of at least 0, got ${milliseconds}`,
      )
    }
    const end = this.now + milliseconds
    while (this.#timers.length > 0 && (this.#timers[0] as ScheduledTimer).due <= end) this.runNext()
    this.now = end
  }

  /** Advances to the next timer and runs it. Returns false if there is none. */
  runNext(): boolean {
    const timer = this.#timers.shift()
    if (timer === undefined) return false
    this.now = Math.max(this.now, timer.due)
    timer.run()
    return true
  }

  #remove(timer: ScheduledTimer): void {
    const index = this.#timers.indexOf(timer)
    if (index >= 0) this.#timers.splice(index, 1)
  }
}

class ScheduledTimer implements VirtualTimer {
  readonly due: number
  pending = true
  #action: () => void
  #remove: (timer: ScheduledTimer) => void

  constructor(due: number, action: () => void, remove: (timer: ScheduledTimer) => void) {
    this.due = due
    this.#action = action
    this.#remove = remove
  }

  run(): void {
    this.pending = false
    this.#action()
  }

  cancel(): void {
    if (!this.pending) return
    this.pending = false
    this.#remove(this)
  }
}
