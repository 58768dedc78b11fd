import { describeFrame, FRAME_WORDS, POISON } from '../frames/descriptor.ts'
import { locateMessage } from './dump-location.ts'
import { FRAME_HEADER_LENGTH, FrameStatus, type RingFrames } from './layout.ts'

/** What {@link ReceiveRing.take} answers when there is no frame to be taken. */
export const NoFrame = {
  /** the frame at the cursor has not been filled */
  Empty: -1,
  /** the kernel is filling the frame at the cursor: those behind it may be complete, and make poll return at once */
  Reserved: -2,
  /** the frame that the kernel must fill next is one of ours: nothing comes before it is released */
  Ours: -3,
} as const

/**
 * Receives one message of the receive queue, without waiting, into `capacity` bytes at `offset` of the ring's memory (the
 * kernel does not touch the data of a frame that it has handed over), and writes its four words from `index` on. False: there was none.
 */
export type ReceiveCopy = (offset: number, capacity: number, words: Uint32Array, index: number) => boolean

export interface ReceiveRingOptions {
  readonly receiveCopy: ReceiveCopy
  /** sizes that the protocol's dumps may be allocated with beside the common ones (`min_dump_alloc`) */
  readonly dumpAllocations?: readonly number[] | undefined
  /** overwrite released frames, so that whoever still reads them is found out */
  readonly poison?: boolean | undefined
  /** the kernel steps over SKIP frames (4.3 and newer): parked frames then do not stop it */
  readonly skips?: boolean | undefined
}

/** Whose frames are on our side; the status word alone does not tell a frame that was read from one that was not. */
const FREE = 0
const BORROWED = 1
const HELD = 2
/** released after having been held: the kernel may have stepped over it, and will not come back in this lap */
const RETURNED = 3

/**
 * Stands for VALID in a parked frame where SKIP is of no use. To the kernel a status that it does not know is a frame that
 * is not free.
 */
const PARKED = 0x706b6400

/** What dumps are allocated with at the least (`NLMSG_GOODSIZE` on 4 KiB pages) and, after a long receive, at the most. */
const DUMP_ALLOCATION = 3776
const DUMP_ALLOCATION_LIMIT = 16384

/**
 * The user's end of a receive ring. Frames are taken in the order of the ring and released in any order. Between the two
 * a frame is borrowed, or held: marked SKIP, so that the kernel goes on behind it.
 */
export class ReceiveRing {
  readonly frames: RingFrames
  /** the frame to be taken next */
  cursor = 0
  borrowed = 0
  held = 0
  /** frames that the kernel handed over without a message in them, and tokens whose message was gone */
  empty = 0
  /** {@link FRAME_WORDS} words per frame, valid from its being taken to its release */
  readonly words: Uint32Array
  /** where the message of each frame begins, valid as long */
  readonly offsets: Uint32Array
  readonly #owner: Uint8Array
  readonly #options: ReceiveRingOptions
  #mayHaveStepped = false
  // What dumps may have been allocated with; first, the largest buffer of a receive that succeeded.
  readonly #allocations: number[]

  constructor(frames: RingFrames, options: ReceiveRingOptions) {
    this.frames = frames
    this.words = new Uint32Array(frames.count * FRAME_WORDS)
    this.offsets = new Uint32Array(frames.count)
    this.#owner = new Uint8Array(frames.count)
    this.#options = options
    this.#allocations = [0, DUMP_ALLOCATION, ...(options.dumpAllocations ?? [])]
  }

  /** Takes the next frame; its index, or one of {@link NoFrame}. Throws what `receiveCopy` throws, the frame untouched. */
  take(): number {
    for (;;) {
      const frame = this.next()
      if (frame < 0) return frame
      const isTaken = this.frames.status(frame) === FrameStatus.Valid ? this.#takeValid(frame) : this.#takeCopy(frame)
      if (isTaken) return frame
    }
  }

  /**
   * Moves the cursor to the frame that {@link take} looks at next, VALID or COPY; its index, or one of {@link NoFrame}. For whoever
   * is about to wait: before 4.3 poll does not tell of every frame that was filled.
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

  /** Keeps a borrowed frame in the ring: the kernel is to step over it. */
  hold(frame: number): void {
    if (this.#owner[frame] !== BORROWED) return
    this.#owner[frame] = HELD
    this.borrowed--
    this.held++
    this.#skip(frame)
  }

  /**
   * For a borrowed frame that stays so for a while: it no longer makes poll return at once, which any VALID frame does, read
   * or not (in vain before 4.3); and a kernel that steps over SKIP frames goes on behind it, as far as others were released.
   */
  park(frame: number): void {
    if (this.#owner[frame] !== BORROWED) return
    const { skips = false } = this.#options
    if (skips) this.#skip(frame)
    else if (this.frames.status(frame) === FrameStatus.Valid) this.frames.setStatus(frame, PARKED)
  }

  /**
   * Whether the kernel has filled the last frame before `frame`, the oldest that is in use: then it may have found no other,
   * and lost messages.
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

  /** Gives a frame back to the kernel, borrowed or held. */
  release(frame: number): void {
    const owner = this.#owner[frame]
    if (owner !== BORROWED && owner !== HELD) return
    if (owner === BORROWED) this.borrowed--
    else this.held--
    if (this.frames.status(frame) !== FrameStatus.Skip) {
      this.#giveBack(frame, FREE)
      return
    }
    // As long as the frame says SKIP it is plain whether the kernel has gone past it; afterwards it is not.
    if (this.frames.status(this.cursor) === FrameStatus.Skip) this.#stepOver()
    this.#giveBack(frame, RETURNED)
  }

  /**
   * Looks for a frame of the kernel's beyond the cursor, one lap, and goes there. For the reader who was woken, and woken
   * again, and found nothing: the kernel stepped over a frame at the cursor that says UNUSED by now. Not to be called without
   * need: a frame at the cursor whose copy is just being announced would be passed until the next lap.
   */
  resynchronise(): boolean {
    // A frame being filled is waited for, whatever is behind it.
    return !this.#ofKernel(this.cursor) && this.#scan()
  }

  /** Frames that the kernel can fill before it comes to one that is in use: no more replies than this can be received. */
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
    // The kernel never writes beyond a frame; what it says is not trusted with that all the same.
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
    // What is found at the start of a message is then known to be new.
    if (frames.capacity > 0) memory.u32[(this.offsets[frame] as number) >> 2] = 0
    this.#owner[frame] = owner
    frames.setStatus(frame, FrameStatus.Unused)
  }

  /**
   * From a cursor that stands on a frame to be passed over (one that we hold, or held), to the kernel's frame behind it:
   * that is there only if the kernel has gone past. 0 when the cursor has moved.
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

  /** Where the kernel stands is known only as long as it has stepped over nothing; afterwards any frame may be its next. */
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
