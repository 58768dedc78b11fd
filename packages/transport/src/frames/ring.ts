import type { FrameBatch } from '../transport.ts'
import type { IndexedBatch } from './batch.ts'
import { FrameStore, type FrameTables } from './store.ts'

/** How frames of a ring are lent. */
export interface FrameRingOptions {
  /** frames in one batch at most */
  readonly batchSize: number
  /** see {@link FrameRing.holdLimit} */
  readonly holdLimit: number
}

/**
 * Frames that the kernel fills one by one, in memory that it shares with us. A frame goes back to the kernel when nothing has
 * it any more: not its batch, and no lease.
 */
export abstract class FrameRing extends FrameStore {
  /** frames that may stay where they are while they are held; further ones are copied out, so the kernel always has some */
  holdLimit: number
  // Per frame: whether a batch has it, and how many leases have.
  readonly #lent: Uint8Array
  readonly #leases: Uint32Array
  readonly #batchSize: number
  // Lists of batches that were released, for those to come.
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

  /** frames of the batch that is being made */
  get filled(): number {
    return this.#filled
  }

  /** frames that are held where they are */
  get kept(): number {
    return this.#kept
  }

  /** Adds a frame that the kernel filled to the batch that is being made, which has fewer than `batchSize`. */
  add(frame: number): void {
    this.#lent[frame] = 1
    this.#filling[this.#filled++] = frame
  }

  /** The batch of what was added; there must be something. */
  take(lost: number): FrameBatch {
    const batch = this.lend(this.#filling, this.#filled, lost)
    this.#filling = this.#lists.pop() ?? new Uint32Array(this.#batchSize)
    this.#filled = 0
    return batch
  }

  /** Gives a frame back to the kernel. */
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
