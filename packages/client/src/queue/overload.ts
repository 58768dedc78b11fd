/**
 * Consecutive full receive batches that count as overload, that is, the kernel sending faster than we answer. With
 * batches of 64 this is more packets than a queue of the default length (1024) holds, so a burst is not yet overload. A
 * sender that waits for its packets gets here only if it keeps refilling that queue.
 */
export const FULL_BATCHES_TO_BEGIN = 32
/** Consecutive batches that are not full before overload ends: a single one may be a pause of the sender. */
export const OTHER_BATCHES_TO_END = 4

/** Detects overload by how full receive batches are, with hysteresis so that it does not flicker. */
export class OverloadGauge {
  overloaded = false
  #inFavour = 0

  /** Notes a batch, full or not. */
  note(isFull: boolean): void {
    if (isFull === this.overloaded) {
      this.#inFavour = 0
      return
    }
    if (++this.#inFavour < (isFull ? FULL_BATCHES_TO_BEGIN : OTHER_BATCHES_TO_END)) return
    this.overloaded = isFull
    this.#inFavour = 0
  }
}
