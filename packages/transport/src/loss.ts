import type { TransportCounts } from './stats.ts'

/**
 * The messages that the kernel dropped: counted once, told to one batch and to the listeners of `overrun` once each. A socket
 * reports that it began to drop (`ENOBUFS`) and says no more until its queue ran empty, so from then on its counter is asked.
 */
export class LossCounter {
  /** from a reported overrun until the queue ran empty: the kernel may drop without reporting it */
  congested = false
  /** compare the kernel's counter whenever the queue runs empty, also without a report: for sockets that report none */
  always = false
  readonly #counts: Pick<TransportCounts, 'lost'>
  readonly #readDrops: () => number
  #drops = 0
  // What no batch and no listener has been told yet.
  #forBatch = 0
  #forListeners = 0

  /**
   * @param counts where `lost` is counted
   * @param readDrops messages that the kernel dropped since the transport was opened, in 32 bits; negative: that cannot be known
   */
  constructor(counts: Pick<TransportCounts, 'lost'>, readDrops: () => number) {
    this.#counts = counts
    this.#readDrops = readDrops
  }

  /** Counts messages that the transport itself knows to be lost. */
  note(lost: number): void {
    this.#counts.lost += lost
    this.#forBatch += lost
    this.#forListeners += lost
  }

  /** A loss that was counted, and told to listeners, below this transport: the next batch is still to tell of it. */
  pass(lost: number): void {
    this.#forBatch += lost
  }

  /** The kernel reported an overrun; without a counter it stands for one message. */
  noteOverrun(): void {
    this.congested = true
    if (!this.compare()) this.note(1)
  }

  /** There is nothing to receive at this moment. */
  noteEmpty(): void {
    if (this.congested || this.always) this.compare()
    this.congested = false
  }

  /** Counts what the kernel has dropped since the last time; false where it does not say. */
  compare(): boolean {
    const drops = this.#readDrops()
    if (drops < 0) return false
    // The counter wraps.
    const lost = (drops - this.#drops) >>> 0
    this.#drops = drops
    if (lost > 0) this.note(lost)
    return true
  }

  /** there is a loss that the next batch is to tell of */
  get isOwed(): boolean {
    return this.#forBatch > 0
  }

  /** there is a loss that the listeners have not been told */
  get hasNews(): boolean {
    return this.#forListeners > 0
  }

  /** The losses that the next batch is to tell of. */
  takeForBatch(): number {
    const lost = this.#forBatch
    this.#forBatch = 0
    return lost
  }

  /** The losses that listeners are to be told. */
  takeForListeners(): number {
    const lost = this.#forListeners
    this.#forListeners = 0
    return lost
  }
}
