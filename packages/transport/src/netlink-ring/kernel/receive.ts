import { type FrameDescription, FrameStatus, type RingFrames } from '../layout.ts'

/** The differences between kernels with rings. The defaults are those of 4.4.1. */
export interface KernelRingQuirks {
  /**
   * `forwards`: the kernel steps over SKIP frames where it builds a message in the ring (4.3 and newer). `broken`: a
   * SKIP frame at its head stops it until the frame is released (3.10 to about 4.2).
   */
  readonly skip?: 'forwards' | 'broken' | undefined
  /**
   * When poll reports the ring as readable. `any`: some frame is VALID (4.3 and newer). `previous`: the frame before
   * the kernel's head is not UNUSED (3.10 to about 4.2).
   */
  readonly readable?: 'any' | 'previous' | undefined
  /**
   * Dump messages begin later in their frame, by the difference between the frame size and the dump's allocation (4.3
   * and 4.4).
   */
  readonly dumpTrim?: boolean | undefined
}

/** The message is too large for a frame and goes to the receive queue. */
export const TOO_LARGE = -1
/** The frame at the kernel's head is not free, so the message is lost. */
export const RING_FULL = -2

/**
 * The kernel's end of a receive ring, for the simulator and for tests of the user's end. Two paths share one head.
 *
 *     direct   reserve() → RESERVED → deliver() → VALID, or abort() → VALID of length 0
 *     copied   beginCopied() → still UNUSED, message in the receive queue → finishCopied() → COPY
 *
 * Frames are in order of reservation, not of delivery.
 */
export class KernelReceiveRing {
  readonly frames: RingFrames
  /** the next frame to use */
  head = 0
  /** frames reserved and not yet delivered or aborted */
  pending = 0
  readonly #quirks: KernelRingQuirks

  constructor(frames: RingFrames, quirks: KernelRingQuirks = {}) {
    this.frames = frames
    this.#quirks = quirks
  }

  /**
   * Reserves a frame for a message of up to `size` bytes. Returns its index, {@link TOO_LARGE} or {@link RING_FULL}.
   */
  reserve(size: number): number {
    if (size > this.frames.capacity) return TOO_LARGE
    this.#forward()
    const frame = this.head
    if (this.frames.status(frame) !== FrameStatus.Unused) return RING_FULL
    this.frames.setStatus(frame, FrameStatus.Reserved)
    this.pending++
    this.head = this.frames.next(frame)
    return frame
  }

  /** Whether {@link reserve} would find no frame. */
  get isFull(): boolean {
    let frame = this.head
    const canForward = this.#quirks.skip !== 'broken'
    for (let i = 1; canForward && i < this.frames.count && this.frames.status(frame) === FrameStatus.Skip; i++) {
      frame = this.frames.next(frame)
    }
    return this.frames.status(frame) !== FrameStatus.Unused
  }

  /** Delivers the complete message in a reserved frame. */
  deliver(frame: number, message: FrameDescription): void {
    this.frames.describe(frame, message)
    this.frames.setStatus(frame, FrameStatus.Valid)
    this.pending--
  }

  /** Aborts the message in a reserved frame: the reader finds the frame VALID and empty. */
  abort(frame: number): void {
    this.frames.setLength(frame, 0)
    this.frames.setStatus(frame, FrameStatus.Valid)
    this.pending--
  }

  /** Undoes a reservation that nobody has seen and moves the head back, for models that reserve too early. */
  withdraw(frame: number, head: number): void {
    this.frames.setStatus(frame, FrameStatus.Unused)
    this.pending--
    this.head = head
  }

  /**
   * Takes the frame at the head as a token for a message in the receive queue. Returns its index or {@link RING_FULL}.
   * This path never steps over SKIP. The frame is not marked yet: a later message may become VALID first.
   */
  beginCopied(): number {
    const frame = this.head
    if (this.frames.status(frame) !== FrameStatus.Unused) return RING_FULL
    this.head = this.frames.next(frame)
    return frame
  }

  /** Marks the token. */
  finishCopied(frame: number, message: FrameDescription): void {
    this.frames.describe(frame, message)
    this.frames.setStatus(frame, FrameStatus.Copy)
  }

  /** What poll reports for the ring alone. COPY frames do not count: the receive queue reports them. */
  readable(): boolean {
    if (this.#quirks.readable !== 'previous') return this.#hasValidFrame()
    // These kernels look for SKIP frames here too.
    this.#forward()
    const previous = this.head === 0 ? this.frames.count - 1 : this.head - 1
    return this.frames.status(previous) !== FrameStatus.Unused
  }

  /** Whether a dump may continue: the frame at the head is free, and the one half a ring further. */
  dumpSpace(): boolean {
    if (this.frames.status(this.head) !== FrameStatus.Unused) return false
    const last = this.frames.count - 1
    let half = this.head + (last >> 1)
    // One frame less than a lap, as the kernel computes it.
    if (half > last) half -= last
    return this.frames.status(half) === FrameStatus.Unused
  }

  /** Offset in a frame of the data of a dump that was allocated with `allocation` bytes. */
  dumpData(frame: number, allocation: number): number {
    return this.frames.data(frame) + this.dumpTrim(allocation)
  }

  /** Distance of that offset from the end of the header. */
  dumpTrim(allocation: number): number {
    return this.#quirks.dumpTrim === true ? Math.max(0, this.frames.capacity - allocation) : 0
  }

  #forward(): void {
    if (this.#quirks.skip === 'broken') return
    const start = this.head
    while (this.frames.status(this.head) === FrameStatus.Skip) {
      this.head = this.frames.next(this.head)
      if (this.head === start) return
    }
  }

  #hasValidFrame(): boolean {
    for (let frame = 0; frame < this.frames.count; frame++) {
      if (this.frames.status(frame) === FrameStatus.Valid) return true
    }
    return false
  }
}
