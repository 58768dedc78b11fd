import { Errno } from '@ringlink/codec/errors'
import { align4, type Memory } from '@ringlink/codec/memory'
import { OutboxBuffer } from '../outbox.ts'
import type { RingSystem } from './system.ts'
import type { TransmitRing } from './transmit.ts'

/** What an outbox needs from its system. */
export interface RingSender extends Pick<RingSystem, 'trigger' | 'send'> {
  /**
   * The number of frames that can receive answers now, and whether there will be no more until frames in use are
   * released.
   */
  room(): { readonly frames: number; readonly isAll: boolean }
}

/** Offsets in a message's header (`struct nlmsghdr`), and the flags that ask for an answer. */
const FLAGS = 6
const MESSAGE_HEADER_LENGTH = 16
/** NLM_F_ACK */
const ACKNOWLEDGE = 0x4
/** NLM_F_DUMP */
const DUMP = 0x300
/** A request with an acknowledgement may be answered with another message first. */
const FRAMES_PER_REQUEST = 2

/**
 * The outbox of a socket with a receive ring. Commits are collected in a buffer, where each can be as long as the
 * buffer and stays until the kernel has taken it. With a transmit ring, a flush puts as many commits as fit into each
 * frame and makes the kernel take all frames at once. A commit is never divided: one longer than a frame is sent with
 * sendto, in order.
 *
 * Requests for an answer are sent only while the receive ring has room for the answers, because the kernel drops
 * answers without a frame and still reports success. Later commits wait in the outbox, in order, without an error
 * ({@link waiting}); {@link proceed}, or the next flush, continues. Nothing else is ever held back.
 */
export class RingOutbox extends OutboxBuffer {
  /** commits are held back because there was no room for answers */
  waiting = false
  // Per pending commit: its length in bytes, and the frames that its answers may take.
  readonly #lengths: number[] = []
  readonly #answers: number[] = []
  #reserved = 0

  constructor(size: number, ring: TransmitRing | undefined, system: RingSender) {
    super(size, (offset) => {
      const flush = new Flush(this.memory, offset, { lengths: this.#lengths, answers: this.#answers }, ring, system)
      const result = flush.run()
      this.waiting = flush.waiting
      return result
    })
  }

  override reserve(byteLength: number): number {
    this.#reserved = super.reserve(byteLength)
    return this.#reserved
  }

  override commit(byteLength: number): void {
    super.commit(byteLength)
    this.#lengths.push(align4(byteLength))
    this.#answers.push(countAnswers(this.memory, this.#reserved, byteLength))
  }

  /** As {@link Outbox.flush}. Returns the number of commits sent, which are not all while {@link waiting}. */
  override flush(): number {
    const commits = this.pendingCommits
    this.waiting = false
    try {
      return super.flush()
    } catch (error) {
      if (!this.waiting) throw error
      return commits - this.pendingCommits
    }
  }

  /**
   * Sends commits that were held back, as far as there is room now. Throws as {@link flush}; the next call tries again.
   */
  proceed(): void {
    if (!this.waiting) return
    try {
      this.flush()
    } catch (error) {
      this.waiting = true
      throw error
    }
  }

  override close(): void {
    super.close()
    this.waiting = false
    this.#lengths.length = 0
    this.#answers.length = 0
  }
}

/** The number of frames that the answers to the messages of one commit may take. */
function countAnswers(memory: Memory, offset: number, byteLength: number): number {
  let frames = 0
  for (let at = 0; at + MESSAGE_HEADER_LENGTH <= byteLength; ) {
    const flags = memory.u16[(offset + at + FLAGS) >> 1] as number
    if ((flags & ACKNOWLEDGE) !== 0 || (flags & DUMP) === DUMP) frames += FRAMES_PER_REQUEST
    const length = memory.u32[(offset + at) >> 2] as number
    if (length < MESSAGE_HEADER_LENGTH || length > byteLength) break
    at += align4(length)
  }
  return frames
}

interface Commits {
  readonly lengths: number[]
  readonly answers: number[]
}

class Flush {
  waiting = false
  readonly #memory: Memory
  readonly #commits: Commits
  readonly #ring: TransmitRing | undefined
  readonly #system: RingSender
  #offset: number
  #taken = 0

  constructor(memory: Memory, offset: number, commits: Commits, ring: TransmitRing | undefined, system: RingSender) {
    this.#memory = memory
    this.#offset = offset
    this.#commits = commits
    this.#ring = ring
    this.#system = system
  }

  /** Returns the bytes sent, or a negative errno if none were. */
  run(): number {
    const { lengths } = this.#commits
    while (lengths.length > 0) {
      const count = this.#affordable()
      if (count === 0) {
        this.waiting = true
        break
      }
      const errno = this.#send(count, lengths[0] as number)
      if (errno !== 0) return this.#taken > 0 ? this.#taken : -errno
    }
    return this.#taken
  }

  /**
   * The number of commits, from the first on, whose answers have room. A single commit is sent with the room that there
   * can be.
   */
  #affordable(): number {
    const { answers } = this.#commits
    let asked = 0
    let room: ReturnType<RingSender['room']> | undefined
    for (const [index, frames] of answers.entries()) {
      if (frames === 0) continue
      room ??= this.#system.room()
      asked += frames
      if (asked > room.frames && !(room.isAll && room.frames > 0 && asked === frames)) return index
    }
    return answers.length
  }

  #send(count: number, first: number): number {
    const ring = this.#ring
    if (ring === undefined) return this.#sendPlainly(count)
    return first > ring.frames.capacity ? this.#sendPlainly(1) : this.#sendFrames(ring, count)
  }

  #sendPlainly(count: number): number {
    let bytes = 0
    for (let i = 0; i < count; i++) bytes += this.#commits.lengths[i] as number
    const result = this.#system.send(this.#memory, this.#offset, bytes)
    if (result < 0) return -result
    this.#count(count, bytes)
    return 0
  }

  #sendFrames(ring: TransmitRing, count: number): number {
    const frames: { commits: number; bytes: number }[] = []
    let offset = this.#offset
    let next = 0
    for (let frame = ring.reserve(); frame >= 0 && next < count; frame = ring.reserve()) {
      const { commits, bytes } = this.#fit(next, count, ring.frames.capacity)
      if (commits === 0) break
      const { memory } = ring.frames
      memory.u8.set(this.#memory.u8.subarray(offset, offset + bytes), ring.frames.data(frame))
      ring.commit(bytes)
      frames.push({ commits, bytes })
      offset += bytes
      next += commits
    }
    const { sent, errno } = ring.settle(this.#system.trigger())
    for (const { commits, bytes } of frames.slice(0, sent)) this.#count(commits, bytes)
    // Unsent commits are still in the buffer: their frames are cancelled, and the next flush fills them again.
    ring.discard()
    if (sent === frames.length) return 0
    return errno === 0 ? Errno.EAGAIN : errno
  }

  /** The number of commits from `next` to `end` that fit into one frame. */
  #fit(next: number, end: number, capacity: number): { commits: number; bytes: number } {
    const { lengths } = this.#commits
    let commits = 0
    let bytes = 0
    while (next + commits < end) {
      const length = lengths[next + commits] as number
      if (bytes + length > capacity) break
      bytes += length
      commits++
    }
    return { commits, bytes }
  }

  #count(commits: number, bytes: number): void {
    this.#commits.lengths.splice(0, commits)
    this.#commits.answers.splice(0, commits)
    this.#offset += bytes
    this.#taken += bytes
  }
}
