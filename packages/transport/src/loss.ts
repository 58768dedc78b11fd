import type { TransportCounts } from './stats.ts'

/**
 * The messages that the kernel dropped: counted once, reported to one batch and to the listeners of `overrun` once. A
 * socket reports the first drop (`ENOBUFS`) and no further ones until its queue ran empty, so after that its counter is
 * read.
 */
export class LossCounter {
  /** from a reported overrun until the queue ran empty: the kernel may drop more without a report */
  congested = false
  /**
   * compare the kernel's counter whenever the queue runs empty, even without a report: for sockets that do not report
   */
  always = false
  /** overruns that the kernel has reported; one can come after its losses were counted */
  overruns = 0
  readonly #counts: Pick<TransportCounts, 'lost'>
  readonly #readDrops: () => number
  #drops = 0
  // Losses not yet reported to a batch or listener.
  #forBatch = 0
  #forListeners = 0

  /**
   * @param counts where `lost` is counted
   * @param readDrops returns how many messages the kernel dropped since the transport was opened, in 32 bits; negative
   * if unknown
   */
  constructor(counts: Pick<TransportCounts, 'lost'>, readDrops: () => number) {
    this.#counts = counts
    this.#readDrops = readDrops
  }

  /** Counts messages that the transport knows to be lost. */
  note(lost: number): void {
    this.#counts.lost += lost
    this.#forBatch += lost
    this.#forListeners += lost
  }

  /** A loss that a transport below has counted and reported to listeners: the next batch still has to report it. */
  pass(lost: number): void {
    this.#forBatch += lost
  }

  /** The kernel reported an overrun; without a counter it stands for one message. */
  noteOverrun(): void {
    this.congested = true
    this.overruns++
    if (!this.compare()) this.note(1)
  }

  /** Called when there is nothing to receive. */
  noteEmpty(): void {
    if (this.congested || this.always) this.compare()
    this.congested = false
  }

  /** Counts the messages that the kernel dropped since the last call. Returns false if unknown. */
  compare(): boolean {
    const drops = this.#readDrops()
    if (drops < 0) return false
    // The counter wraps.
    const lost = (drops - this.#drops) >>> 0
    this.#drops = drops
    if (lost > 0) this.note(lost)
    return true
  }

  /** there is a loss that the next batch must report */
  get isOwed(): boolean {
    return this.#forBatch > 0
  }

  /** there is a loss that has not been reported to listeners */
  get hasNews(): boolean {
    return this.#forListeners > 0
  }

  /** Takes the losses for the next batch. */
  takeForBatch(): number {
    const lost = this.#forBatch
    this.#forBatch = 0
    return lost
  }

  /** Takes the losses for the listeners. */
  takeForListeners(): number {
    const lost = this.#forListeners
    this.#forListeners = 0
    return lost
  }
}
