import { Memory } from '@ringlink/codec/memory'
import type { FrameBatch, Lease } from '../transport.ts'
import { type BatchOwner, IndexedBatch } from './batch.ts'
import { FRAME_WORDS, FrameWord } from './descriptor.ts'
import { COPIED, FrameLease, type LeaseOwner } from './lease.ts'

/** The tables of a store of frames: where its frames lie and what is in them. */
export interface FrameTables {
  readonly memory: Memory
  /** {@link FRAME_WORDS} words per frame, written by what fills the frames */
  readonly words: Uint32Array
  /** where the message of each frame begins, in bytes */
  readonly offsets: Uint32Array
}

/**
 * The frames of one transport, the batches that lend them out and the leases that keep some of them. Stores differ in where
 * frames lie and how they are given back: that is what subclasses say.
 */
export abstract class FrameStore implements FrameTables, BatchOwner, LeaseOwner {
  readonly memory: Memory
  readonly words: Uint32Array
  readonly offsets: Uint32Array
  /** leases that live */
  held = 0
  /** frames that were copied in order to be held, so far */
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

  /** Detaches all batches and leases: what closing a transport does. */
  close(): void {
    for (const batch of [...this.#batches]) batch.release()
    for (const lease of [...this.#leases]) lease.release()
  }

  /** the batches that live, the oldest first */
  protected get batches(): ReadonlySet<IndexedBatch> {
    return this.#batches
  }

  /** Lends out the first `length` frames of `list`. */
  protected lend(list: Uint32Array, length: number, lost: number): FrameBatch {
    const batch = new IndexedBatch(this, list, length, lost)
    this.#batches.add(batch)
    return batch
  }

  /** Takes back the frames of a batch, except those that are kept. */
  protected abstract returnBatch(batch: IndexedBatch): void

  /** Keeps a frame of a live batch where it is; false: it is to be copied out. */
  protected keepInPlace(_frame: number): boolean {
    return false
  }

  /** Takes back a frame that {@link keepInPlace} kept. */
  protected returnKept(_frame: number): void {}
}
