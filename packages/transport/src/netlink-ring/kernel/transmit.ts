import { Errno } from '@ringlink/codec/errors'
import { FrameStatus, type RingFrames } from '../layout.ts'

/** Delivers a copy of one frame's message to its receiver. Returns the bytes taken, or a negative errno. */
export type TransmitMessage = (message: Uint8Array<ArrayBuffer>) => number

/**
 * The kernel's end of a transmit ring since 3.19: every message is copied, and a send without data makes the kernel
 * look at the ring.
 */
export class KernelTransmitRing {
  readonly frames: RingFrames
  /** the next frame to send */
  head = 0

  constructor(frames: RingFrames) {
    this.frames = frames
  }

  /**
   * Sends frames from the head on while they are VALID. Returns the bytes sent, or the negative errno of the first
   * failure, which hides what was sent before. A frame whose copy the receiver refused is released anyway; one that is
   * too long, or that could not be copied, stays VALID and every later send finds it there.
   *
   * @param allocate returns whether `length` bytes for a copy can be allocated
   */
  trigger(transmit: TransmitMessage, allocate: (length: number) => boolean = () => true): number {
    let sent = 0
    while (this.frames.status(this.head) === FrameStatus.Valid) {
      const frame = this.head
      const length = this.frames.length(frame)
      if (length > this.frames.capacity) return -Errno.EINVAL
      if (!allocate(length)) return -Errno.ENOBUFS
      const message = this.frames.memory.copy(this.frames.data(frame), length)
      this.frames.setStatus(frame, FrameStatus.Unused)
      this.head = this.frames.next(frame)
      const result = transmit(message)
      if (result < 0) return result
      sent += result
    }
    return sent
  }

  /** What poll would report for free frames, if the socket's own readiness to send did not hide it. */
  writable(): boolean {
    return this.frames.status(this.head) === FrameStatus.Unused
  }
}
