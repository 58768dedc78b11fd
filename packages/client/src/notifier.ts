/**
 * Calls the listeners of a queue or log when its state is consistent: events that happen while a batch is being entered
 * are reported afterwards, so a listener that throws leaves nothing half done. Its error goes to `report`.
 */
export class Notifier {
  readonly #report: (error: unknown) => void
  #isHolding = false
  #held: (() => void)[] = []

  constructor(report: (error: unknown) => void) {
    this.#report = report
  }

  /** Calls the listeners through `emit`, now or at {@link release}. */
  notify(emit: () => void): void {
    if (this.#isHolding) {
      this.#held.push(emit)
      return
    }
    try {
      emit()
    } catch (error) {
      this.#report(error)
    }
  }

  /** Holds events back until {@link release}. */
  hold(): void {
    this.#isHolding = true
  }

  release(): void {
    this.#isHolding = false
    if (this.#held.length > 0) for (const emit of this.#held.splice(0)) this.notify(emit)
  }
}

/** Raises an error as an uncaught exception, because no caller is there to catch it. */
export function raise(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
