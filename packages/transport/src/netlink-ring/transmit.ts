import { Errno } from '@ringlink/codec/errors'
import { FrameStatus, type RingFrames } from './layout.ts'

/** The result of a send for the pending frames. */
export interface Transmitted {
  /** frames sent, from the first pending one on */
  readonly sent: number
  /** 0, or the errno (positive) with which the next frame failed, or which prevented any frame from being processed */
  readonly errno: number
}

/**
 * The user's end of a transmit ring: messages are written into frames, marked VALID in order, and one send without data
 * makes the kernel take all of them. The frames show where it stopped, because its result does not.
 */
export class TransmitRing {
  readonly frames: RingFrames
  /** frames committed and not yet sent */
  pending = 0
  // The first pending frame, which is the one at the kernel's head.
  #first = 0

  constructor(frames: RingFrames) {
    this.frames = frames
  }

  /** The frame for the next message, or -1 when all are pending. */
  reserve(): number {
    if (this.pending === this.frames.count) return -1
    return (this.#first + this.pending) % this.frames.count
  }

  /** Commits the message of `length` bytes in the frame that {@link reserve} returned. */
  commit(length: number): void {
    const frame = this.reserve()
    this.frames.setLength(frame, length)
    this.frames.setStatus(frame, FrameStatus.Valid)
    this.pending++
  }

  /**
   * Finds out what a send has done, from its result (bytes, or a negative errno) and the frames. Unsent frames stay
   * pending, in order; the one that failed is the first of them, even if the kernel had released it.
   */
  settle(result: number): Transmitted {
    const taken = this.#taken()
    const errno = result < 0 ? -result : 0
    this.#first = (this.#first + taken) % this.frames.count
    this.pending -= taken
    if (errno === 0 || taken === 0 || this.#stoppedBefore(errno)) return { sent: taken, errno }
    this.#restore()
    return { sent: taken - 1, errno }
  }

  /** Cancels all pending frames; none of them will be sent. */
  discard(): void {
    for (let i = 0; i < this.pending; i++) {
      this.frames.setStatus((this.#first + i) % this.frames.count, FrameStatus.Unused)
    }
    this.pending = 0
  }

  #taken(): number {
    let taken = 0
    while (taken < this.pending) {
      if (this.frames.status((this.#first + taken) % this.frames.count) === FrameStatus.Valid) break
      taken++
    }
    return taken
  }

  /** Whether the frame that failed is still at the head: it was too long, or there was no memory for its copy. */
  #stoppedBefore(errno: number): boolean {
    if (this.pending === 0) return false
    if (errno === Errno.ENOBUFS) return true
    return errno === Errno.EINVAL && this.frames.length(this.#first) > this.frames.capacity
  }

  /**
   * Requeues the frame before the first pending one, which the kernel took and could not deliver. Because the kernel's
   * head has advanced, every pending message moves by one frame. The frame's bytes are unchanged: the kernel only read
   * them.
   */
  #restore(): void {
    const { frames } = this
    const { memory, count } = frames
    const failed = (this.#first + count - 1) % count
    const length = frames.length(failed)
    // If all frames were pending, the last one moves to the place of the failed one.
    const bytes = memory.copy(frames.data(failed), length)
    for (let i = this.pending; i > 0; i--) {
      const from = (this.#first + i - 1) % count
      const source = frames.data(from)
      const to = (this.#first + i) % count
      memory.u8.copyWithin(frames.data(to), source, source + frames.length(from))
      frames.setLength(to, frames.length(from))
      frames.setStatus(to, FrameStatus.Valid)
    }
    memory.u8.set(bytes, frames.data(this.#first))
    frames.setLength(this.#first, length)
    frames.setStatus(this.#first, FrameStatus.Valid)
    this.pending++
  }
}
