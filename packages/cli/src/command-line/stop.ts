import { constants } from 'node:os'
import { output } from '../terminal/output.ts'

/** Milliseconds in which a second signal is the same wish: a terminal and npx both send one for one Ctrl-C. */
const SAME_WISH = 1000
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** When a program is to end: a signal, the time of --seconds, or an output that nobody reads any more. */
export class Stop {
  /** resolves when it is to end */
  readonly requested: Promise<void>
  isRequested = false
  /** for what takes a signal; aborted when it is to end */
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
    // The end after the first one is bounded; a later one is for what nobody has thought of.
    if (this.isRequested && performance.now() - this.#requestedAt > SAME_WISH) {
      process.exit(128 + constants.signals[signal])
    }
    this.request()
  }
}
