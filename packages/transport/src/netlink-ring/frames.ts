import type { IndexedBatch } from '../frames/batch.ts'
import type { FrameLease } from '../frames/lease.ts'
import { FrameRing, type FrameRingOptions } from '../frames/ring.ts'
import type { ReceiveRing } from './receive.ts'

/** The frames of one receive ring: frames held in place are marked SKIP there. */
export class NetlinkRingFrames extends FrameRing {
  readonly #ring: ReceiveRing
  readonly #released: () => void
  // Frames of parked batches.
  readonly #parked: WeakSet<IndexedBatch> = new WeakSet()
  #wasFull = false

  /** @param released called when frames return to the kernel */
  constructor(ring: ReceiveRing, options: FrameRingOptions, released: () => void) {
    super({ memory: ring.frames.memory, words: ring.words, offsets: ring.offsets }, options)
    this.#ring = ring
    this.#released = released
  }

  /** Whether the ring has been full since the last call. */
  wasFull(): boolean {
    this.#noteFullness()
    const wasFull = this.#wasFull
    this.#wasFull = false
    return wasFull
  }

  /** Parks live batches, except one, so that they do not wake us, nor stop a kernel that can step over their frames. */
  park(except?: IndexedBatch): void {
    for (const batch of this.batches) {
      if (batch === except || this.#parked.has(batch)) continue
      this.#parked.add(batch)
      for (let i = 0; i < batch.length; i++) this.#ring.park(batch.list[i] as number)
    }
  }

  override giveBatch(batch: IndexedBatch): void {
    this.#noteFullness()
    // Out of order: the kernel is stopped before the older frames, and must continue after them.
    if (this.#oldest() !== batch) this.park(batch)
    super.giveBatch(batch)
    this.#released()
  }

  override giveLease(lease: FrameLease): void {
    this.#noteFullness()
    super.giveLease(lease)
    this.#released()
  }

  protected override giveFrame(frame: number): void {
    this.#ring.release(frame)
  }

  protected override keepInPlace(frame: number): boolean {
    if (!super.keepInPlace(frame)) return false
    this.#ring.hold(frame)
    return true
  }

  #oldest(): IndexedBatch | undefined {
    const [oldest] = this.batches
    return oldest
  }

  #noteFullness(): void {
    if (this.#wasFull) return
    const oldest = this.#oldest()
    const isFull = (frame: number) => this.#ring.isFullBefore(frame)
    this.#wasFull = isFull(this.#ring.cursor) || (oldest !== undefined && isFull(oldest.list[0] as number))
  }
}
