import { Errno } from '@ringlink/codec/errors'
import { align4, type Memory } from '@ringlink/codec/memory'
import { OutboxBuffer, type Transmit } from '../outbox.ts'
import type { RingSystem } from './ring-system.ts'
import type { TransmitRing } from './transmit-ring.ts'

/** What an outbox needs of its system. */
export type RingSender = Pick<RingSystem, 'trigger' | 'send'>

/**
 * An outbox that is sent through a transmit ring. Commits are collected in a buffer, where each can be as long as the whole
 * of it and stays until the kernel has it; a flush puts as many as fit into each frame and lets the kernel take all frames
 * at once. A commit is never divided: one longer than a frame is sent as on any socket, in its turn.
 */
export class RingOutbox extends OutboxBuffer {
  readonly #lengths: number[]

  constructor(size: number, ring: TransmitRing, system: RingSender) {
    const lengths: number[] = []
    super(size, (offset) => new Flush(this.memory, offset, lengths, ring, system).run())
    this.#lengths = lengths
  }

  override commit(byteLength: number): void {
    super.commit(byteLength)
    this.#lengths.push(align4(byteLength))
  }

  override close(): void {
    super.close()
    this.#lengths.length = 0
  }
}

/** An outbox without a transmit ring. */
export function socketOutbox(size: number, system: RingSender): OutboxBuffer {
  const transmit: Transmit = (offset, length) => system.send(outbox.memory, offset, length)
  const outbox = new OutboxBuffer(size, transmit)
  return outbox
}

class Flush {
  readonly #memory: Memory
  readonly #lengths: number[]
  readonly #ring: TransmitRing
  readonly #system: RingSender
  #offset: number
  #taken = 0

  constructor(memory: Memory, offset: number, lengths: number[], ring: TransmitRing, system: RingSender) {
    this.#memory = memory
    this.#offset = offset
    this.#lengths = lengths
    this.#ring = ring
    this.#system = system
  }

  /** The bytes that went out, or a negative errno when none did. */
  run(): number {
    while (this.#lengths.length > 0) {
      const [first = 0] = this.#lengths
      const errno = first > this.#ring.frames.capacity ? this.#sendOne(first) : this.#sendFrames()
      if (errno !== 0) return this.#taken > 0 ? this.#taken : -errno
    }
    return this.#taken
  }

  #sendOne(length: number): number {
    const result = this.#system.send(this.#memory, this.#offset, length)
    if (result < 0) return -result
    this.#count(1, length)
    return 0
  }

  #sendFrames(): number {
    const frames: { commits: number; bytes: number }[] = []
    let offset = this.#offset
    let next = 0
    for (let frame = this.#ring.reserve(); frame >= 0 && next < this.#lengths.length; frame = this.#ring.reserve()) {
      const { commits, bytes } = this.#fit(next)
      if (commits === 0) break
      const { memory } = this.#ring.frames
      memory.u8.set(this.#memory.u8.subarray(offset, offset + bytes), this.#ring.frames.data(frame))
      this.#ring.commit(bytes)
      frames.push({ commits, bytes })
      offset += bytes
      next += commits
    }
    const { sent, errno } = this.#ring.settle(this.#system.trigger())
    for (const { commits, bytes } of frames.slice(0, sent)) this.#count(commits, bytes)
    // What was not sent is still in the buffer: its frames are taken back, and filled anew by the next flush.
    this.#ring.discard()
    if (sent === frames.length) return 0
    return errno === 0 ? Errno.EAGAIN : errno
  }

  /** The commits from `next` on that fit into one frame. */
  #fit(next: number): { commits: number; bytes: number } {
    let commits = 0
    let bytes = 0
    for (const length of this.#lengths.slice(next)) {
      if (bytes + length > this.#ring.frames.capacity) break
      bytes += length
      commits++
    }
    return { commits, bytes }
  }

  #count(commits: number, bytes: number): void {
    this.#lengths.splice(0, commits)
    this.#offset += bytes
    this.#taken += bytes
  }
}
