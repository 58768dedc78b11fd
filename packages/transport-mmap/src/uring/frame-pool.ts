import { type Memory, RELEASED_MEMORY } from '@ringlink/codec/memory'
import { type Frame, type FrameBatch, frames, type Lease, TransportError } from '@ringlink/transport'
import type { UringBuffers } from './buffers.ts'

/**
 * The batches and leases over the frames of a ring. A frame is free again when nobody has it any more: not its batch, and no
 * lease; the order in which they go back does not matter.
 */
export class UringFramePool {
  readonly buffers: UringBuffers
  /** leases that live */
  held = 0
  /** always 0: a held frame is one that is not given back */
  readonly copied = 0
  readonly #batchSize: number
  // Per frame, how many have it.
  readonly #keepers: Uint32Array
  readonly #batches: Set<UringBatch> = new Set()
  readonly #leases: Set<UringLease> = new Set()
  // Lists of batches that were released, for those to come.
  readonly #lists: Uint16Array[] = []
  #filling: Uint16Array
  #filled = 0

  constructor(buffers: UringBuffers, batchSize: number) {
    this.buffers = buffers
    this.#batchSize = batchSize
    this.#keepers = new Uint32Array(buffers.count)
    this.#filling = new Uint16Array(batchSize)
  }

  /** frames of the batch that is being made */
  get filled(): number {
    return this.#filled
  }

  /** Adds a frame that the kernel filled to the batch that is being made. */
  add(frame: number): void {
    this.#keepers[frame] = 1
    this.#filling[this.#filled++] = frame
  }

  /** The batch of what was added; there must be something. */
  take(lost: number): FrameBatch {
    const batch = new UringBatch(this, this.#filling, this.#filled, lost)
    this.#filling = this.#lists.pop() ?? new Uint16Array(this.#batchSize)
    this.#filled = 0
    this.#batches.add(batch)
    return batch
  }

  hold(frame: number): Lease {
    this.#keepers[frame] = (this.#keepers[frame] as number) + 1
    const lease = new UringLease(this, frame)
    this.#leases.add(lease)
    this.held++
    return lease
  }

  /** The batch does that when it is released. */
  giveBatch(batch: UringBatch, list: Uint16Array, length: number): void {
    if (!this.#batches.delete(batch)) return
    for (let i = length - 1; i >= 0; i--) this.#give(list[i] as number)
    this.#lists.push(list)
  }

  /** The lease does that when it is released. */
  giveLease(lease: UringLease, frame: number): void {
    if (!this.#leases.delete(lease)) return
    this.held--
    this.#give(frame)
  }

  /** Detaches all batches and leases. */
  close(): void {
    for (const batch of [...this.#batches]) batch.release()
    for (const lease of [...this.#leases]) lease.release()
  }

  #give(frame: number): void {
    const keepers = (this.#keepers[frame] as number) - 1
    this.#keepers[frame] = keepers
    if (keepers === 0) this.buffers.give(frame)
  }
}

class UringBatch implements FrameBatch {
  memory: Memory
  readonly length: number
  readonly lost: number
  released = false
  private readonly pool: UringFramePool
  private readonly list: Uint16Array

  constructor(pool: UringFramePool, list: Uint16Array, length: number, lost: number) {
    this.memory = pool.buffers.memory
    this.length = length
    this.lost = lost
    this.pool = pool
    this.list = list
  }

  offset(index: number): number {
    return this.pool.buffers.offset(this.frame(index))
  }

  byteLength(index: number): number {
    return this.pool.buffers.byteLength(this.frame(index))
  }

  fullLength(index: number): number {
    return this.pool.buffers.fullLength(this.frame(index))
  }

  portId(index: number): number {
    return this.pool.buffers.portId(this.frame(index))
  }

  groups(index: number): number {
    return this.pool.buffers.groups(this.frame(index))
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
    this.pool.giveBatch(this, this.list, this.length)
  }

  [Symbol.dispose](): void {
    this.release()
  }

  private frame(index: number): number {
    if (this.released) throw new TransportError('RELEASED', 'batch', 'its frames were given back')
    if (!(index >= 0 && index < this.length)) {
      throw new TransportError('ARGUMENT', 'batch', `frame ${index} of ${this.length}`)
    }
    return this.list[index] as number
  }
}

class UringLease implements Lease {
  memory: Memory
  readonly offset: number
  readonly byteLength: number
  released = false
  readonly #pool: UringFramePool
  readonly #frame: number

  constructor(pool: UringFramePool, frame: number) {
    this.memory = pool.buffers.memory
    this.offset = pool.buffers.offset(frame)
    this.byteLength = pool.buffers.byteLength(frame)
    this.#pool = pool
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
