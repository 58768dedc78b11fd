import { align4, Memory } from '@ringlink/codec/memory'
import { TransportError } from '../errors.ts'
import type { Capabilities, FrameBatch } from '../transport.ts'
import type { IndexedBatch } from './batch.ts'
import { describeFrame, FRAME_WORDS, FrameWord, frameStride, POISON } from './descriptor.ts'
import { FrameStore } from './store.ts'

/** The sizes of a pool of slabs. */
export interface SlabSizes {
  /** bytes that a frame holds */
  readonly frameSize: number
  /** frames in a slab, which is what one batch takes */
  readonly batchSize: number
  /** slabs, which is the maximum number of live batches */
  readonly slabs: number
  /** overwrite released frames, to expose code that still reads them */
  readonly poison?: boolean | undefined
}

/**
 * Frames for transports that receive by copying: equal frames in one block of memory, one slab per batch. The slab
 * released last is used next, because it is still in the cache. Held frames are copied out.
 */
export class SlabPool extends FrameStore {
  readonly sizes: SlabSizes
  /** bytes from one frame to the next */
  readonly stride: number
  readonly #free: number[]
  // The list of frames of each slab, which never changes.
  readonly #lists: readonly Uint32Array[]

  constructor(sizes: SlabSizes) {
    const { frameSize, batchSize, slabs } = sizes
    const stride = frameStride(align4(frameSize))
    const count = batchSize * slabs
    super({
      memory: new Memory(count * stride),
      words: new Uint32Array(count * FRAME_WORDS),
      offsets: Uint32Array.from({ length: count }, (_, frame) => frame * stride),
    })
    this.sizes = sizes
    this.stride = stride
    this.#free = Array.from({ length: slabs }, (_, index) => slabs - 1 - index)
    this.#lists = Array.from({ length: slabs }, (_, slab) =>
      Uint32Array.from({ length: batchSize }, (_, index) => slab * batchSize + index),
    )
  }

  /** The slab to fill next, with `batchSize` frames beginning at `slab * batchSize`. Throws code `NO_FREE_FRAMES`. */
  next(): number {
    const slab = this.#free[this.#free.length - 1]
    if (slab === undefined) {
      const { slabs, batchSize } = this.sizes
      throw new TransportError(
        'NO_FREE_FRAMES',
        'receive',
        `${slabs} batches of ${batchSize} frames are live; release one`,
      )
    }
    return slab
  }

  /** Makes a batch of the first `length` frames of `slab`, which {@link next} returned. */
  take(slab: number, length: number, lost: number): FrameBatch {
    // Not always the last one: a batch may have been released since.
    const free = this.#free
    if (free[free.length - 1] === slab) free.pop()
    else free.splice(free.lastIndexOf(slab), 1)
    return this.lend(this.#lists[slab] as Uint32Array, length, lost)
  }

  protected override returnBatch(batch: IndexedBatch): void {
    if (this.sizes.poison === true) this.#poison(batch)
    this.#free.push((batch.list[0] as number) / this.sizes.batchSize)
  }

  /** Only the bytes that were visible, so that large frames cost no more than small ones. */
  #poison({ list, length }: IndexedBatch): void {
    for (let i = 0; i < length; i++) {
      const frame = list[i] as number
      const start = this.offsets[frame] as number
      this.memory.u8.fill(POISON, start, start + (this.words[frame * FRAME_WORDS + FrameWord.Length] as number))
    }
  }
}

/** The capabilities of a transport over a pool of slabs whose messages come in order. */
export function slabCapabilities(kind: string, pool: SlabPool, outboxSize: number, exactLoss = true): Capabilities {
  const { batchSize, slabs } = pool.sizes
  return Object.freeze({
    kind,
    ring: false,
    hold: 'copy',
    holdLimit: 0,
    ordered: true,
    frameSize: pool.stride,
    frameCount: batchSize * slabs,
    batchSize,
    outboxSize,
    exactLoss,
  })
}

/** Copies a whole batch into separate memory, for callers that must keep it after its frames return to the kernel. */
export function copyBatch(batch: FrameBatch): FrameBatch {
  let frameSize = 4
  for (let i = 0; i < batch.length; i++) frameSize = Math.max(frameSize, batch.byteLength(i))
  const pool = new SlabPool({ frameSize, batchSize: Math.max(1, batch.length), slabs: 1 })
  for (let i = 0; i < batch.length; i++) {
    const offset = batch.offset(i)
    const byteLength = batch.byteLength(i)
    pool.memory.u8.set(batch.memory.u8.subarray(offset, offset + byteLength), i * pool.stride)
    describeFrame(pool.words, i, byteLength, batch.fullLength(i), batch.portId(i), batch.groups(i))
  }
  const copy = pool.take(0, batch.length, batch.lost) as IndexedBatch
  copy.origin = batch.origin
  return copy
}
