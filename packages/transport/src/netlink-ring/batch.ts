import { Memory, RELEASED_MEMORY } from '@ringlink/codec/memory'
import { TransportError } from '../errors.ts'
import { FRAME_WORDS, frames } from '../frames/slab.ts'
import type { Frame, FrameBatch, Lease } from '../transport.ts'
import { FrameWord, type ReceiveRing } from './receive.ts'

/**
 * The batches and leases over the frames of one receive ring. A frame goes back to the kernel when nobody has it any more:
 * not its batch, and no lease.
 */
export class RingFramePool {
  readonly ring: ReceiveRing
  /** leases that live */
  held = 0
  /** frames copied in order to be held */
  copied = 0
  /** frames that may stay in the ring when they are held, marked SKIP; those beyond are copied out */
  holdLimit: number
  readonly #released: () => void
  // Per frame, how many have it.
  readonly #keepers: Uint32Array
  readonly #batches: Set<RingBatch> = new Set()
  readonly #leases: Set<RingLease> = new Set()
  #wasFull = false

  /**
   * @param holdLimit see {@link RingFramePool.holdLimit}
   * @param released called when frames went back
   */
  constructor(ring: ReceiveRing, holdLimit: number, released: () => void) {
    this.ring = ring
    this.holdLimit = holdLimit
    this.#released = released
    this.#keepers = new Uint32Array(ring.frames.count)
  }

  /** Makes a batch of frames taken from the ring. */
  batch(indexes: readonly number[], lost: number): FrameBatch {
    const batch = new RingBatch(this, indexes, lost)
    for (const frame of indexes) this.#keepers[frame] = 1
    this.#batches.add(batch)
    return batch
  }

  hold(frame: number): Lease {
    const { ring } = this
    const byteLength = ring.words[frame * FRAME_WORDS + FrameWord.Length] as number
    const offset = ring.offset(frame)
    const { memory } = ring.frames
    let lease: RingLease
    if (ring.isHeld(frame) || ring.held < this.holdLimit) {
      ring.hold(frame)
      this.#keepers[frame] = (this.#keepers[frame] as number) + 1
      lease = new RingLease(this, memory, offset, byteLength, frame)
    } else {
      this.copied++
      lease = new RingLease(this, Memory.from(memory.u8.subarray(offset, offset + byteLength)), 0, byteLength, -1)
    }
    this.#leases.add(lease)
    this.held++
    return lease
  }

  /** The batch does that when it is released. */
  giveBatch(batch: RingBatch, indexes: readonly number[]): void {
    this.#noteFullness()
    const [oldest] = this.#batches
    this.#batches.delete(batch)
    // Out of order: the kernel is still before the older ones, and is to go on behind them.
    if (oldest !== batch) this.park()
    for (const frame of indexes) this.#give(frame)
    this.#released()
  }

  /** The lease does that when it is released; `frame` is -1 for a copy. */
  giveLease(lease: RingLease, frame: number): void {
    this.#leases.delete(lease)
    this.held--
    if (frame < 0) return
    this.#noteFullness()
    this.#give(frame)
    this.#released()
  }

  /** Whether the ring has been full since this was asked last. */
  wasFull(): boolean {
    this.#noteFullness()
    const wasFull = this.#wasFull
    this.#wasFull = false
    return wasFull
  }

  /** Keeps live batches from waking us, and from stopping the kernel if that can be had. */
  park(): void {
    for (const batch of this.#batches) batch.park()
  }

  /** Detaches all batches and leases. */
  close(): void {
    for (const batch of [...this.#batches]) batch.release()
    for (const lease of [...this.#leases]) lease.release()
  }

  #noteFullness(): void {
    if (this.#wasFull) return
    const { ring } = this
    const [oldest] = this.#batches
    this.#wasFull = ring.isFullBefore(ring.cursor) || (oldest !== undefined && ring.isFullBefore(oldest.first))
  }

  #give(frame: number): void {
    const keepers = (this.#keepers[frame] as number) - 1
    this.#keepers[frame] = keepers
    if (keepers === 0) this.ring.release(frame)
  }
}

class RingBatch implements FrameBatch {
  memory: Memory
  readonly length: number
  readonly lost: number
  released = false
  private readonly pool: RingFramePool
  private readonly indexes: readonly number[]
  private parked = false

  constructor(pool: RingFramePool, indexes: readonly number[], lost: number) {
    this.memory = pool.ring.frames.memory
    this.length = indexes.length
    this.lost = lost
    this.pool = pool
    this.indexes = indexes
  }

  /** the frame of the ring that comes first */
  get first(): number {
    return this.indexes[0] as number
  }

  offset(index: number): number {
    return this.pool.ring.offset(this.frame(index))
  }

  byteLength(index: number): number {
    return this.word(index, FrameWord.Length)
  }

  fullLength(index: number): number {
    return this.word(index, FrameWord.FullLength)
  }

  portId(index: number): number {
    return this.word(index, FrameWord.PortId)
  }

  groups(index: number): number {
    return this.word(index, FrameWord.Groups)
  }

  hold(index: number): Lease {
    return this.pool.hold(this.frame(index))
  }

  [Symbol.iterator](): Iterator<Frame> {
    return frames(this)
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.memory = RELEASED_MEMORY
    this.pool.giveBatch(this, this.indexes)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  park(): void {
    if (this.parked) return
    this.parked = true
    for (const frame of this.indexes) this.pool.ring.park(frame)
  }

  private word(index: number, which: number): number {
    return this.pool.ring.words[this.frame(index) * FRAME_WORDS + which] as number
  }

  private frame(index: number): number {
    if (this.released) throw new TransportError('RELEASED', 'batch', 'its frames were given back')
    const frame = this.indexes[index]
    if (frame === undefined) throw new TransportError('ARGUMENT', 'batch', `frame ${index} of ${this.length}`)
    return frame
  }
}

class RingLease implements Lease {
  memory: Memory
  readonly offset: number
  readonly byteLength: number
  released = false
  readonly #pool: RingFramePool
  readonly #frame: number

  constructor(pool: RingFramePool, memory: Memory, offset: number, byteLength: number, frame: number) {
    this.#pool = pool
    this.memory = memory
    this.offset = offset
    this.byteLength = byteLength
    this.#frame = frame
  }

  release(): void {
    if (this.released) return
    this.released = true
    this.memory = RELEASED_MEMORY
    this.#pool.giveLease(this, this.#frame)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
