import { constants } from 'node:os'
import { output } from '../terminal/output.ts'

/** Milliseconds within which a second signal is ignored: a terminal and npx both send one for a single Ctrl-C. */
const SAME_WISH = 1000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** When a program should end: at a signal, after the time of --seconds, or when its output is no longer read. */
export class Stop {
  /** resolves when the program should end */
  readonly requested: Promise<void>
  isRequested = false
  /** a signal for functions that take one; aborted when the program should end */
  readonly signal: AbortSignal
  #resolve: () => void = () => {}
  #controller = new AbortController()
  #requestedAt = 0

  constructor(seconds?: number) {
    this.signal = this.#controller.signal
    this.requested = new Promise((resolve) => {
      this.#resolve = resolve
    })
    for (const signal of SIGNALS) process.on(signal, () => this.#onSignal(signal))
    output.onGone(() => this.request())
    if (seconds !== undefined) setTimeout(() => this.request(), seconds * 1000).unref()
  }

  request(): void {
    if (this.isRequested) return
    this.isRequested = true
    this.#requestedAt = performance.now()
    this.#resolve()
    this.#controller.abort()
  }

  #onSignal(signal: (typeof SIGNALS)[number]): void {
    // The time to end after the first signal is bounded; a later signal ends the program in unforeseen cases.
    if (this.isRequested && performance.now() - this.#requestedAt > SAME_WISH) {
      process.exit(128 + constants.signals[signal])
    }
    this.request()
  }
}
