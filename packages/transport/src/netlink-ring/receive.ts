import { describeFrame, FRAME_WORDS, POISON } from '../frames/descriptor.ts'
import { locateMessage } from './dump-location.ts'
import { FRAME_HEADER_LENGTH, FrameStatus, type RingFrames } from './layout.ts'

/** What {@link ReceiveRing.take} returns when there is no frame to take. */
export const NoFrame = {
  /** the frame at the cursor has not been filled */
  Empty: -1,
  /** the kernel is filling the frame at the cursor: later ones may be complete, and make poll return at once */
  Reserved: -2,
  /** the frame that the kernel must fill next is in use by us: nothing comes until it is released */
  Ours: -3,
} as const

/**
 * Receives one message of the receive queue, without waiting, into `capacity` bytes at `offset` of the ring's memory
 * (the kernel does not touch the data of a frame that it has handed over), and writes its four descriptor words from
 * `index` on. Returns false if there was none.
 */
export type ReceiveCopy = (offset: number, capacity: number, words: Uint32Array, index: number) => boolean

export interface ReceiveRingOptions {
  readonly receiveCopy: ReceiveCopy
  /** sizes, besides the common ones, with which the protocol's dumps may be allocated (`min_dump_alloc`) */
  readonly dumpAllocations?: readonly number[] | undefined
  /** overwrite released frames, to expose code that still reads them */
  readonly poison?: boolean | undefined
  /** the kernel steps over SKIP frames (4.3 and newer): parked frames then do not stop it */
  readonly skips?: boolean | undefined
}

/** The state of frames on our side; the status word alone does not distinguish frames that were read from others. */
const FREE = 0
const BORROWED = 1
const HELD = 2
/** released after being held: the kernel may have stepped over it, and will not come back in this lap */
const RETURNED = 3

/**
 * Replaces VALID in a parked frame if SKIP does not work. The kernel treats a frame with an unknown status as not free.
 */
const PARKED = 0x706b6400

/**
 * The minimum (`NLMSG_GOODSIZE` on 4 KiB pages) and, after a long receive, the maximum allocation of dumps, in bytes.
 */
const DUMP_ALLOCATION = 3776
const DUMP_ALLOCATION_LIMIT = 16384

/**
 * The user's end of a receive ring. Frames are taken in ring order and released in any order. In between a frame is
 * borrowed or held; a held frame is marked SKIP, so that the kernel continues after it.
 */
export class ReceiveRing {
  readonly frames: RingFrames
  /** the frame to take next */
  cursor = 0
  borrowed = 0
  held = 0
  /** frames that the kernel handed over without a message, and tokens whose message was gone */
  empty = 0
  /** {@link FRAME_WORDS} 32-bit words per frame, valid from when it is taken until its release */
  readonly words: Uint32Array
  /** offset of the message of each frame, valid for the same time */
  readonly offsets: Uint32Array
  readonly #owner: Uint8Array
  // 1: taken before an older frame that the kernel was still filling. Once released, the kernel has passed it in this
  // lap.
  readonly #early: Uint8Array
  readonly #options: ReceiveRingOptions
  #mayHaveStepped = false
  // Possible allocation sizes of dumps; the first is the largest buffer of a receive that succeeded.
  readonly #allocations: number[]

  constructor(frames: RingFrames, options: ReceiveRingOptions) {
    this.frames = frames
    this.words = new Uint32Array(frames.count * FRAME_WORDS)
    this.offsets = new Uint32Array(frames.count)
    this.#owner = new Uint8Array(frames.count)
    this.#early = new Uint8Array(frames.count)
    this.#options = options
    this.#allocations = [0, DUMP_ALLOCATION, ...(options.dumpAllocations ?? [])]
  }

  /**
   * Takes the next frame. Returns its index, or one of {@link NoFrame}. Throws what `receiveCopy` throws, with the
   * frame untouched.
   */
  take(): number {
    for (;;) {
      const frame = this.next()
      if (frame < 0) return frame
      const isTaken = this.frames.status(frame) === FrameStatus.Valid ? this.#takeValid(frame) : this.#takeCopy(frame)
      if (isTaken) return frame
    }
  }

  /**
   * Moves the cursor to the frame that {@link take} looks at next, VALID or COPY. Returns its index, or one of {@link
   * NoFrame}. Call it before waiting: before 4.3 poll does not report every filled frame.
   */
  next(): number {
    for (;;) {
      const frame = this.cursor
      if (this.#blocks(frame)) {
        if (!this.#scan()) return this.#nothing(false)
        continue
      }
      const status = this.frames.status(frame)
      if (status === FrameStatus.Valid || status === FrameStatus.Copy) return frame
      if (status === FrameStatus.Reserved) return NoFrame.Reserved
      const reason = this.#stepOver()
      if (reason < 0) return reason
    }
  }

  /**
   * As {@link take}, while the kernel is still filling the frame at the cursor: takes the next complete frame after it.
   * nfnetlink_log fills a frame until it has enough records or their time is over, and answers follow it. The cursor
   * stays.
   */
  takeBeyond(): number {
    const { cursor, frames } = this
    if (frames.status(cursor) !== FrameStatus.Reserved) return NoFrame.Empty
    for (let frame = frames.next(cursor); frame !== cursor; frame = frames.next(frame)) {
      if (!this.#ofKernel(frame)) {
        if (this.#owner[frame] === FREE) return NoFrame.Empty
        continue
      }
      const status = frames.status(frame)
      if (this.#owner[frame] === HELD || status === FrameStatus.Reserved) continue
      this.#early[frame] = 1
      // From now on the kernel's position does not follow from the cursor.
      this.#mayHaveStepped = true
      const isTaken = status === FrameStatus.Valid ? this.#takeValid(frame) : this.#takeCopy(frame)
      this.cursor = cursor
      if (isTaken) return frame
    }
    return NoFrame.Empty
  }

  /** Keeps a borrowed frame in the ring: the kernel should step over it. */
  hold(frame: number): void {
    if (this.#owner[frame] !== BORROWED) return
    this.#owner[frame] = HELD
    this.borrowed--
    this.held++
    this.#skip(frame)
  }

  /**
   * Parks a borrowed frame that stays borrowed for a while. It no longer makes poll return at once, which any VALID
   * frame does, read or not (has no effect before 4.3), and a kernel that steps over SKIP frames continues after it, as
   * far as others were released.
   */
  park(frame: number): void {
    if (this.#owner[frame] !== BORROWED) return
    const { skips = false } = this.#options
    if (skips) this.#skip(frame)
    else if (this.frames.status(frame) === FrameStatus.Valid) this.frames.setStatus(frame, PARKED)
  }

  /**
   * Whether the kernel has filled the last frame before `frame`, the oldest in use: then it may have found no free
   * frame, and lost messages.
   */
  isFullBefore(frame: number): boolean {
    let before = frame
    for (let i = 0; i < this.frames.count; i++) {
      before = before === 0 ? this.frames.count - 1 : before - 1
      const owner = this.#owner[before]
      if (owner !== BORROWED && owner !== HELD) return this.frames.status(before) !== FrameStatus.Unused
    }
    return true
  }

  /** Returns a borrowed or held frame to the kernel. */
  release(frame: number): void {
    const owner = this.#owner[frame]
    if (owner !== BORROWED && owner !== HELD) return
    if (owner === BORROWED) this.borrowed--
    else this.held--
    if (this.frames.status(frame) !== FrameStatus.Skip) {
      this.#giveBack(frame, FREE)
      return
    }
    // Whether the kernel has passed the frame is known only while its status is SKIP.
    if (this.frames.status(this.cursor) === FrameStatus.Skip) this.#stepOver()
    this.#giveBack(frame, RETURNED)
  }

  /**
   * Looks for a filled frame beyond the cursor, for one lap, and moves there. For a reader that was woken repeatedly
   * and found nothing: the kernel stepped over a frame at the cursor that is UNUSED by now. Do not call it without
   * need: it would pass a frame at the cursor whose copy is just being announced, until the next lap.
   */
  resynchronise(): boolean {
    // Wait for a frame that is being filled, even if later ones are complete.
    return !this.#ofKernel(this.cursor) && this.#scan()
  }

  /**
   * The number of frames that the kernel can fill before it reaches one in use: at most this many replies can be
   * received.
   */
  freeFrames(): number {
    let free = 0
    let frame = this.cursor
    for (let i = 0; i < this.frames.count; i++, frame = this.frames.next(frame)) {
      if (this.#blocks(frame)) break
      const status = this.frames.status(frame)
      if (status === FrameStatus.Unused) free++
      else if (free > 0 && status !== FrameStatus.Skip) break
    }
    return free
  }

  #scan(): boolean {
    for (let frame = this.frames.next(this.cursor); frame !== this.cursor; frame = this.frames.next(frame)) {
      if (!this.#ofKernel(frame)) continue
      this.#moveTo(frame)
      return true
    }
    return false
  }

  #takeValid(frame: number): boolean {
    const { frames } = this
    const length = frames.length(frame)
    if (length === 0) {
      this.#discard(frame)
      return false
    }
    // The kernel never writes beyond a frame, but its length is not trusted anyway.
    const byteLength = Math.min(length, frames.capacity)
    const group = frames.group(frame)
    describeFrame(this.words, frame, byteLength, length, 0, group > 0 && group <= 32 ? 1 << (group - 1) : 0)
    this.#borrow(frame, locateMessage(frames, frame, byteLength, this.#allocations))
    return true
  }

  #takeCopy(frame: number): boolean {
    const { capacity } = this.frames
    const offset = this.frames.data(frame)
    if (!this.#options.receiveCopy(offset, capacity, this.words, frame * FRAME_WORDS)) {
      this.#discard(frame)
      return false
    }
    this.#allocations[0] = Math.min(capacity, DUMP_ALLOCATION_LIMIT)
    this.#borrow(frame, offset)
    return true
  }

  #borrow(frame: number, data: number): void {
    this.offsets[frame] = data
    this.#owner[frame] = BORROWED
    this.borrowed++
    this.cursor = this.frames.next(frame)
  }

  #discard(frame: number): void {
    this.empty++
    this.offsets[frame] = this.frames.data(frame)
    this.cursor = this.frames.next(frame)
    this.#giveBack(frame, FREE)
  }

  #skip(frame: number): void {
    this.#mayHaveStepped = true
    this.frames.setStatus(frame, FrameStatus.Skip)
  }

  #giveBack(frame: number, owner: number): void {
    const { frames } = this
    const { memory } = frames
    if (this.#options.poison === true) {
      const start = frames.address(frame)
      memory.u8.fill(POISON, start + FRAME_HEADER_LENGTH, start + frames.geometry.frameSize)
    }
    // So that bytes found at the start of a message are known to be new.
    if (frames.capacity > 0) memory.u32[(this.offsets[frame] as number) >> 2] = 0
    this.#owner[frame] = this.#early[frame] === 1 ? RETURNED : owner
    this.#early[frame] = 0
    frames.setStatus(frame, FrameStatus.Unused)
  }

  /**
   * Moves the cursor from a frame that is or was held to the next frame that the kernel filled, which exists only if
   * the kernel has passed the held one. Returns 0 when the cursor has moved.
   */
  #stepOver(): number {
    let frame = this.cursor
    let mayBeFilled = false
    for (let i = 0; i < this.frames.count; i++, frame = this.frames.next(frame)) {
      const owner = this.#owner[frame]
      if (this.#blocks(frame)) return this.#nothing(mayBeFilled)
      if (this.#ofKernel(frame)) {
        this.#moveTo(frame)
        return 0
      }
      if (this.frames.status(frame) === FrameStatus.Unused) {
        if (owner !== RETURNED) return NoFrame.Empty
        mayBeFilled = true
      }
    }
    return this.#nothing(mayBeFilled)
  }

  /** The kernel's position is known only until it steps over a frame; afterwards any frame may be its next. */
  #nothing(mayBeFilled: boolean): number {
    const isAllOurs = this.borrowed + this.held === this.frames.count
    return isAllOurs || !(mayBeFilled || this.#mayHaveStepped) ? NoFrame.Ours : NoFrame.Empty
  }

  /** Whether the kernel stops at a frame until we release it. */
  #blocks(frame: number): boolean {
    return this.#owner[frame] === BORROWED && this.frames.status(frame) !== FrameStatus.Skip
  }

  #ofKernel(frame: number): boolean {
    if (this.#owner[frame] === BORROWED) return false
    const status = this.frames.status(frame)
    return status === FrameStatus.Valid || status === FrameStatus.Copy || status === FrameStatus.Reserved
  }

  #moveTo(frame: number): void {
    for (let passed = this.cursor; passed !== frame; passed = this.frames.next(passed)) {
      if (this.#owner[passed] === RETURNED) this.#owner[passed] = FREE
    }
    this.cursor = frame
  }
}
