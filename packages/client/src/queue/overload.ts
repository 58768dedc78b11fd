/**
 * Receive batches that come back full, one behind the other, before the kernel is taken to send faster than we answer: with batches
 * of 64 more packets than a queue of the default length (1024) holds, so that a burst is not yet overload. A sender that waits for
 * its packets gets here only if it refills that queue all the while.
 */
export const FULL_BATCHES_TO_BEGIN = 32
/** Batches that are not full, one behind the other, before it is over: a single one is a pause of the sender. */
export const OTHER_BATCHES_TO_END = 4

/** Tells overload from how full receive batches are, late to begin and late to end, so that it does not flicker. */
export class OverloadGauge {
  overloaded = false
  #inFavour = 0

  /** Notes a batch: full or not. */
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
