import { Memory } from '@ringlink/codec/memory'
import type { FrameBatch, Lease } from '../transport.ts'
import { type BatchOwner, IndexedBatch } from './batch.ts'
import { FRAME_WORDS, FrameWord } from './descriptor.ts'
import { COPIED, FrameLease, type LeaseOwner } from './lease.ts'

/** The tables of a store of frames: offsets and descriptors. */
export interface FrameTables {
  readonly memory: Memory
  /** {@link FRAME_WORDS} 32-bit words per frame, written by the filler of the frames */
  readonly words: Uint32Array
  /** offset of the message of each frame, in bytes */
  readonly offsets: Uint32Array
}

/**
 * The frames of one transport, the batches that lend them and the leases that keep some of them. Subclasses define
 * where frames lie and how they return to the kernel.
 */
export abstract class FrameStore implements FrameTables, BatchOwner, LeaseOwner {
  readonly memory: Memory
  readonly words: Uint32Array
  readonly offsets: Uint32Array
  /** live leases */
  held = 0
  /** frames copied to be held, so far */
  copied = 0
  readonly #batches: Set<IndexedBatch> = new Set()
  readonly #leases: Set<FrameLease> = new Set()

  constructor({ memory, words, offsets }: FrameTables) {
    this.memory = memory
    this.words = words
    this.offsets = offsets
  }

  hold(frame: number): Lease {
    const offset = this.offsets[frame] as number
    const byteLength = this.words[frame * FRAME_WORDS + FrameWord.Length] as number
    let lease: FrameLease
    if (this.keepInPlace(frame)) {
      lease = new FrameLease(this, this.memory, offset, byteLength, frame)
    } else {
      const copy = Memory.from(this.memory.u8.subarray(offset, offset + byteLength))
      lease = new FrameLease(this, copy, 0, byteLength, COPIED)
      this.copied++
    }
    this.#leases.add(lease)
    this.held++
    return lease
  }

  giveBatch(batch: IndexedBatch): void {
    this.#batches.delete(batch)
    this.returnBatch(batch)
  }

  giveLease(lease: FrameLease): void {
    this.#leases.delete(lease)
    this.held--
    if (lease.frame !== COPIED) this.returnKept(lease.frame)
  }

  /** Detaches all batches and leases, when the transport closes. */
  close(): void {
    for (const batch of [...this.#batches]) batch.release()
    for (const lease of [...this.#leases]) lease.release()
  }

  /** the live batches, oldest first */
  protected get batches(): ReadonlySet<IndexedBatch> {
    return this.#batches
  }

  /** Lends out the first `length` frames of `list`. */
  protected lend(list: Uint32Array, length: number, lost: number): FrameBatch {
    const batch = new IndexedBatch(this, list, length, lost)
    this.#batches.add(batch)
    return batch
  }

  /** Reclaims the frames of a batch, except those that are kept. */
  protected abstract returnBatch(batch: IndexedBatch): void

  /** Keeps a frame of a live batch in place. Returns false if it must be copied out. */
  protected keepInPlace(_frame: number): boolean {
    return false
  }

  /** Reclaims a frame that {@link keepInPlace} kept. */
  protected returnKept(_frame: number): void {}
}
