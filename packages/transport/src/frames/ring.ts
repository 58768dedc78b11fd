import type { FrameBatch } from '../transport.ts'
import type { IndexedBatch } from './batch.ts'
import { FrameStore, type FrameTables } from './store.ts'

/** Options of a ring of frames. */
export interface FrameRingOptions {
  /** maximum frames in one batch */
  readonly batchSize: number
  /** see {@link FrameRing.holdLimit} */
  readonly holdLimit: number
}

/**
 * Frames that the kernel fills one by one, in shared memory. A frame returns to the kernel once its batch and all its
 * leases are released.
 */
export abstract class FrameRing extends FrameStore {
  /** maximum frames held in place; further ones are copied out, so that the kernel always has some to fill */
  holdLimit: number
  // Per frame: the number of users, that is, its batch and its leases.
  readonly #lent: Uint8Array
  readonly #leases: Uint32Array
  readonly #batchSize: number
  // Lists of released batches, for reuse.
  readonly #lists: Uint32Array[] = []
  #filling: Uint32Array
  #filled = 0
  #kept = 0

  constructor(tables: FrameTables, { batchSize, holdLimit }: FrameRingOptions) {
    super(tables)
    const count = tables.offsets.length
    this.holdLimit = holdLimit
    this.#batchSize = batchSize
    this.#lent = new Uint8Array(count)
    this.#leases = new Uint32Array(count)
    this.#filling = new Uint32Array(batchSize)
  }

  /** frames of the batch under construction */
  get filled(): number {
    return this.#filled
  }

  /** frames held in place */
  get kept(): number {
    return this.#kept
  }

  /** Adds a frame that the kernel filled to the batch under construction, which has fewer than `batchSize`. */
  add(frame: number): void {
    this.#lent[frame] = 1
    this.#filling[this.#filled++] = frame
  }

  /** Makes the batch of the added frames, at least one. */
  take(lost: number): FrameBatch {
    const batch = this.lend(this.#filling, this.#filled, lost)
    this.#filling = this.#lists.pop() ?? new Uint32Array(this.#batchSize)
    this.#filled = 0
    return batch
  }

  /** Returns a frame to the kernel. */
  protected abstract giveFrame(frame: number): void

  protected override returnBatch({ list, length }: IndexedBatch): void {
    for (let i = 0; i < length; i++) {
      const frame = list[i] as number
      this.#lent[frame] = 0
      if (this.#leases[frame] === 0) this.giveFrame(frame)
    }
    this.#lists.push(list)
  }

  protected override keepInPlace(frame: number): boolean {
    const leases = this.#leases[frame] as number
    if (leases === 0) {
      if (this.#kept >= this.holdLimit) return false
      this.#kept++
    }
    this.#leases[frame] = leases + 1
    return true
  }

  protected override returnKept(frame: number): void {
    const leases = (this.#leases[frame] as number) - 1
    this.#leases[frame] = leases
    if (leases > 0) return
    this.#kept--
    if (this.#lent[frame] === 0) this.giveFrame(frame)
  }
}
