import { Errno } from '@ringlink/codec/errors'
import { FrameStatus, type RingFrames } from '../layout.ts'

/** Takes a copy of one frame's message to its receiver: the bytes taken, or a negative errno. */
export type TransmitMessage = (message: Uint8Array<ArrayBuffer>) => number

/**
 * The kernel's end of a transmit ring as it has been since 3.19: every message is copied, and a send without data is what
 * makes the kernel look.
 */
export class KernelTransmitRing {
  readonly frames: RingFrames
  /** the next frame to be sent */
  head = 0

  constructor(frames: RingFrames) {
    this.frames = frames
  }

  /**
   * Sends from the head on while frames are VALID; the bytes sent, or the negative errno of the first failure, which hides
   * what was sent before it. A frame whose copy the receiver refused is given back all the same; one that is too long, or
   * that could not be copied, stays VALID and is found there by every later send.
   *
   * @param allocate whether `length` bytes for a copy can be had
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

  /** What poll would say of free frames, were it not hidden behind the socket's own readiness to send. */
  writable(): boolean {
    return this.frames.status(this.head) === FrameStatus.Unused
  }
}
