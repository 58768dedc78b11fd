import { Memory } from '@ringlink/codec/memory'
import type { UringFrames } from '@ringlink/native'
import { describeFrame, FRAME_WORDS, FrameRing, type FrameRingOptions } from '@ringlink/transport'
import { FRAME_HEAD } from './options.ts'

/*
 * A frame as filled by a multishot recvmsg (struct io_uring_recvmsg_out, struct sockaddr_nl):
 *
 *      0        4           8           12      16       20        24      28
 *     +--------+-----------+-----------+-------+--------+---------+-------+----------------
 *     | name   | control   | length of | flags | family | port id | group | the message
 *     | length | length    | message   |       |        |         | mask  |
 *     +--------+-----------+-----------+-------+--------+---------+-------+----------------
 */
const FULL_LENGTH = 8 >> 2
const PORT_ID = 20 >> 2
const GROUPS = 24 >> 2

/**
 * 32-bit words of an entry in the ring of provided buffers: address, length, and the id, which in the first entry comes
 * with the tail.
 */
const ENTRY_WORDS = 4
const ENTRY_SIZE = ENTRY_WORDS * 4
const ADDRESS_LOW = 0
const ADDRESS_HIGH = 1
const ID_HALF = 6
const TAIL_HALF = 7
const WORD = 2 ** 32

/**
 * The frames, and the ring that provides them to the kernel. A frame belongs to the kernel, is free, or belongs to the
 * user. The frame released last is provided first, because it is still in the cache.
 */
export class UringBuffers extends FrameRing {
  readonly count: number
  /** bytes of a message that a frame holds */
  readonly capacity: number
  /** frames that the kernel owns and has not filled */
  provided = 0
  readonly #strideWords: number
  readonly #stride: number
  readonly #ring: Uint32Array
  readonly #halves: Uint16Array
  readonly #mask: number
  readonly #low: number
  readonly #high: number
  readonly #free: Uint16Array
  #freeCount: number
  #tail = 0

  constructor(
    { frames, bufferRing, addressLow, addressHigh }: UringFrames,
    { count, stride, ...options }: FrameRingOptions & { readonly count: number; readonly stride: number },
  ) {
    super(
      {
        memory: new Memory(frames),
        words: new Uint32Array(count * FRAME_WORDS),
        offsets: new Uint32Array(count),
      },
      options,
    )
    this.count = count
    this.capacity = stride - FRAME_HEAD
    this.#stride = stride
    this.#strideWords = stride >> 2
    this.#ring = new Uint32Array(bufferRing)
    this.#halves = new Uint16Array(bufferRing)
    this.#mask = bufferRing.byteLength / ENTRY_SIZE - 1
    this.#low = addressLow
    this.#high = addressHigh
    this.#free = new Uint16Array(count)
    // A loop, because `from` with a function takes ten times as long, and there are thousands of frames.
    for (let frame = 0; frame < count; frame++) {
      this.offsets[frame] = frame * stride + FRAME_HEAD
      this.#free[frame] = count - 1 - frame
    }
    this.#freeCount = count
  }

  /** Takes a frame that the kernel filled: reads its header into the descriptor words. */
  describe(frame: number): void {
    this.provided--
    const { u32 } = this.memory
    const head = frame * this.#strideWords
    const fullLength = u32[head + FULL_LENGTH] as number
    const portId = u32[head + PORT_ID] as number
    describeFrame(
      this.words,
      frame,
      Math.min(fullLength, this.capacity),
      fullLength,
      portId,
      u32[head + GROUPS] as number,
    )
  }

  /** Reclaims a frame that was not in a batch. */
  discard(frame: number): void {
    this.giveFrame(frame)
  }

  /** Provides free frames until the kernel has `wanted` of them, which the ring has room for, or none are left. */
  provide(wanted: number): void {
    let missing = Math.min(wanted - this.provided, this.#freeCount)
    if (missing <= 0) return
    this.provided += missing
    let tail = this.#tail
    for (; missing > 0; missing--) this.#write(tail++ & this.#mask, this.#free[--this.#freeCount] as number)
    this.#tail = tail & 0xffff
    Atomics.store(this.#halves, TAIL_HALF, this.#tail)
  }

  protected override giveFrame(frame: number): void {
    this.#free[this.#freeCount++] = frame
  }

  #write(entry: number, frame: number): void {
    const word = entry * ENTRY_WORDS
    const low = this.#low + frame * this.#stride
    this.#ring[word + ADDRESS_LOW] = low
    this.#ring[word + ADDRESS_HIGH] = low < WORD ? this.#high : this.#high + 1
    this.#halves[word * 2 + ID_HALF] = frame
  }
}
