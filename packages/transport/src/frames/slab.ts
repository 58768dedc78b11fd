import { align4, Memory, RELEASED_MEMORY } from '@ringlink/codec/memory'
import { TransportError } from '../errors.ts'
import type { Capabilities, Frame, FrameBatch, Lease } from '../transport.ts'

/** Words that describe a received frame, four of them per frame, as the addon and the simulator write them. */
const LENGTH = 0
const FULL_LENGTH = 1
const PORT_ID = 2
const GROUPS = 3
/** Words per frame. */
export const FRAME_WORDS = 4

/** The sizes of a pool of slabs. */
export interface SlabSizes {
  /** bytes that a frame holds */
  readonly frameSize: number
  /** frames in a slab, which is what one batch takes */
  readonly batchSize: number
  /** slabs, which is how many batches can be live */
  readonly slabs: number
  /** overwrite what is released, so that whoever still reads it is found out */
  readonly poison?: boolean | undefined
}

/**
 * Frames for transports that receive by copying: equal frames in one block of memory, a slab of them per batch. The slab
 * given back last is the next to be used, because it is still in the cache.
 */
export class SlabPool {
  readonly memory: Memory
  /** {@link FRAME_WORDS} words per frame, written by whoever fills the frames */
  readonly words: Uint32Array
  readonly sizes: SlabSizes
  /** bytes from one frame to the next */
  readonly stride: number
  held = 0
  copied = 0
  #free: number[]
  #live: (SlabBatch | undefined)[]
  #leases: Set<CopiedLease> = new Set()

  constructor(sizes: SlabSizes) {
    this.sizes = sizes
    this.stride = frameStride(sizes.frameSize)
    const frames = sizes.batchSize * sizes.slabs
    this.memory = new Memory(frames * this.stride)
    this.words = new Uint32Array(frames * FRAME_WORDS)
    this.#free = Array.from({ length: sizes.slabs }, (_, index) => sizes.slabs - 1 - index)
    this.#live = new Array(sizes.slabs).fill(undefined)
  }

  /** The slab to fill next; its frames are the `batchSize` from `slab * batchSize` on. Throws code `NO_FREE_FRAMES`. */
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

  /** Makes a batch of the first `length` frames of `slab`, which is the one that {@link next} named. */
  take(slab: number, length: number, lost: number): FrameBatch {
    // Not always the last one any more: a listener that was told of a loss meanwhile may have released a batch.
    const free = this.#free
    if (free[free.length - 1] === slab) free.pop()
    else free.splice(free.lastIndexOf(slab), 1)
    const batch = new SlabBatch(this, slab, length, lost)
    this.#live[slab] = batch
    return batch
  }

  /** Gives a slab back; the batch does that. */
  give(slab: number): void {
    if (this.sizes.poison === true) this.#poison(slab, this.#live[slab]?.length ?? 0)
    this.#live[slab] = undefined
    this.#free.push(slab)
  }

  /** Copies a frame out, to be kept. */
  hold(offset: number, byteLength: number): Lease {
    const lease = new CopiedLease(Memory.from(this.memory.u8.subarray(offset, offset + byteLength)), byteLength, this)
    this.#leases.add(lease)
    this.held++
    this.copied++
    return lease
  }

  /** Forgets a lease; the lease does that. */
  forget(lease: CopiedLease): void {
    if (this.#leases.delete(lease)) this.held--
  }

  /** Detaches all batches and leases: what closing a transport does. */
  close(): void {
    for (const batch of this.#live) batch?.release()
    for (const lease of [...this.#leases]) lease.release()
  }

  /** Those bytes that somebody could see, so that large frames cost no more than small ones. */
  #poison(slab: number, frameCount: number): void {
    const first = slab * this.sizes.batchSize
    for (let frame = first; frame < first + frameCount; frame++) {
      const start = frame * this.stride
      this.memory.u8.fill(POISON, start, start + (this.words[frame * FRAME_WORDS + LENGTH] as number))
    }
  }
}

/** What a transport over a pool of slabs is, whose messages come in order and whose losses are counted. */
export function slabCapabilities(kind: string, pool: SlabPool, outboxSize: number): Capabilities {
  const { batchSize, slabs } = pool.sizes
  return Object.freeze({
    kind,
    ring: false,
    hold: 'copy',
    ordered: true,
    frameSize: pool.stride,
    frameCount: batchSize * slabs,
    batchSize,
    outboxSize,
    exactLoss: true,
  })
}

/** The byte that released frames are filled with. */
export const POISON = 0xa5

/**
 * An odd number of cache lines: with a stride of a power of two the first lines of all frames, the ones that are read, would
 * share a few sets of the processor's cache.
 */
function frameStride(frameSize: number): number {
  const lines = Math.ceil(align4(frameSize) / 64)
  return (lines % 2 === 0 ? lines + 1 : lines) * 64
}

class SlabBatch implements FrameBatch {
  memory: Memory
  readonly length: number
  readonly lost: number
  released = false
  private readonly pool: SlabPool
  private readonly slab: number
  private readonly first: number
  private readonly start: number
  private readonly stride: number

  constructor(pool: SlabPool, slab: number, length: number, lost: number) {
    this.memory = pool.memory
    this.length = length
    this.lost = lost
    this.pool = pool
    this.slab = slab
    this.first = slab * pool.sizes.batchSize
    this.start = this.first * pool.stride
    this.stride = pool.stride
  }

  offset(index: number): number {
    this.check(index)
    return this.start + index * this.stride
  }

  byteLength(index: number): number {
    return this.word(index, LENGTH)
  }

  fullLength(index: number): number {
    return this.word(index, FULL_LENGTH)
  }

  portId(index: number): number {
    return this.word(index, PORT_ID)
  }

  groups(index: number): number {
    return this.word(index, GROUPS)
  }

  hold(index: number): Lease {
    return this.pool.hold(this.offset(index), this.byteLength(index))
  }

  [Symbol.iterator](): Iterator<Frame> {
    return frames(this)
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.memory = RELEASED_MEMORY
    this.pool.give(this.slab)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  private word(index: number, which: number): number {
    this.check(index)
    return this.pool.words[(this.first + index) * FRAME_WORDS + which] as number
  }

  private check(index: number): void {
    if (this.released) throw new TransportError('RELEASED', 'batch', 'its frames were given back')
    if (!(index >= 0 && index < this.length)) {
      throw new TransportError('ARGUMENT', 'batch', `frame ${index} of ${this.length}`)
    }
  }
}

/** Iterates over the frames of any batch with one frame that is re-aimed. */
export function frames(batch: FrameBatch): Iterator<Frame> {
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

class CopiedLease implements Lease {
  memory: Memory
  readonly offset = 0
  readonly byteLength: number
  released = false
  #pool: SlabPool

  constructor(memory: Memory, byteLength: number, pool: SlabPool) {
    this.memory = memory
    this.byteLength = byteLength
    this.#pool = pool
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.memory = RELEASED_MEMORY
    this.#pool.forget(this)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** A copy of a batch in memory of its own, for whoever must keep all of it while its frames go back to the kernel. */
export function copyBatch(batch: FrameBatch): FrameBatch {
  let frameSize = 4
  for (let i = 0; i < batch.length; i++) frameSize = Math.max(frameSize, batch.byteLength(i))
  const pool = new SlabPool({ frameSize, batchSize: Math.max(1, batch.length), slabs: 1 })
  for (let i = 0; i < batch.length; i++) {
    const offset = batch.offset(i)
    pool.memory.u8.set(batch.memory.u8.subarray(offset, offset + batch.byteLength(i)), i * pool.stride)
    pool.words.set([batch.byteLength(i), batch.fullLength(i), batch.portId(i), batch.groups(i)], i * FRAME_WORDS)
  }
  return pool.take(0, batch.length, batch.lost)
}
