import { type Memory, RELEASED_MEMORY } from '@ringlink/codec/memory'
import { TransportError } from '../errors.ts'
import type { Frame, FrameBatch, FrameOrigin, Lease } from '../transport.ts'
import { FRAME_WORDS, FrameWord } from './descriptor.ts'

/** What a batch needs from the store of its frames. */
export interface BatchOwner {
  /** the memory of the frames */
  readonly memory: Memory
  /** {@link FRAME_WORDS} words per frame */
  readonly words: Uint32Array
  /** offset of the message of each frame, in bytes */
  readonly offsets: Uint32Array
  /** Keeps a frame beyond its batch. */
  hold(frame: number): Lease
  /** Reclaims the frames. Called once, when the batch is released. */
  giveBatch(batch: IndexedBatch): void
}

/** The only implementation of a batch: a list of frames of a store. */
export class IndexedBatch implements FrameBatch {
  memory: Memory
  readonly length: number
  readonly lost: number
  released = false
  origin: FrameOrigin | undefined = undefined
  /** the frames; only the first `length` entries are valid */
  readonly list: Uint32Array
  // TypeScript-private instead of #private: every packet passes through these members several times.
  private readonly owner: BatchOwner
  private readonly words: Uint32Array
  private readonly offsets: Uint32Array

  constructor(owner: BatchOwner, list: Uint32Array, length: number, lost: number) {
    this.memory = owner.memory
    this.length = length
    this.lost = lost
    this.list = list
    this.owner = owner
    this.words = owner.words
    this.offsets = owner.offsets
  }

  offset(index: number): number {
    return this.offsets[this.frame(index)] as number
  }

  byteLength(index: number): number {
    return this.words[this.frame(index) * FRAME_WORDS + FrameWord.Length] as number
  }

  fullLength(index: number): number {
    return this.words[this.frame(index) * FRAME_WORDS + FrameWord.FullLength] as number
  }

  portId(index: number): number {
    return this.words[this.frame(index) * FRAME_WORDS + FrameWord.PortId] as number
  }

  groups(index: number): number {
    return this.words[this.frame(index) * FRAME_WORDS + FrameWord.Groups] as number
  }

  hold(index: number): Lease {
    return this.owner.hold(this.frame(index))
  }

  [Symbol.iterator](): Iterator<Frame> {
    return iterateFrames(this)
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.memory = RELEASED_MEMORY
    this.owner.giveBatch(this)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  private frame(index: number): number {
    if (this.released)
      throw new TransportError('RELEASED', 'batch', 'used after its release: its frames belong to the transport')
    if (!(index >= 0 && index < this.length)) {
      throw new TransportError(
        'ARGUMENT',
        'batch',
        `frame must be an integer from 0 to ${this.length - 1}, got ${index}`,
      )
    }
    return this.list[index] as number
  }
}

/** Iterates over the frames of a batch with one object that each step re-aims. */
export function iterateFrames(batch: FrameBatch): Iterator<Frame> {
  const frame = { index: -1, offset: 0, byteLength: 0 }
  const result = { done: false as boolean, value: frame }
  return {
    next(): IteratorResult<Frame> {
      if (++frame.index >= batch.length) return { done: true, value: undefined }
      frame.offset = batch.offset(frame.index)
      frame.byteLength = batch.byteLength(frame.index)
      return result
    },
  }
}
