import { Memory } from '@ringlink/codec/memory'
import type { UringFrames } from '@ringlink/native'
import { FRAME_HEAD } from './options.ts'

/*
 * A frame, as a multishot recvmsg fills it (struct io_uring_recvmsg_out, struct sockaddr_nl):
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

/** Words of an entry of the ring of provided buffers: address, length, and the id with, in the first entry, the tail. */
const ENTRY_WORDS = 4
const ENTRY_SIZE = ENTRY_WORDS * 4
const ADDRESS_LOW = 0
const ADDRESS_HIGH = 1
const ID_HALF = 6
const TAIL_HALF = 7
const WORD = 2 ** 32

/**
 * The frames, and the ring by which they are provided to the kernel. A frame is with the kernel, free, or with the user. The
 * one given back last is provided first, because it is still in the cache.
 */
export class UringBuffers {
  readonly memory: Memory
  readonly count: number
  readonly stride: number
  /** bytes of a message that a frame holds */
  readonly capacity: number
  /** frames that the kernel has and has not filled */
  provided = 0
  readonly #ring: Uint32Array
  readonly #halves: Uint16Array
  readonly #mask: number
  readonly #low: number
  readonly #high: number
  readonly #free: Uint16Array
  #freeCount: number
  #tail = 0

  constructor({ frames, bufferRing, addressLow, addressHigh }: UringFrames, count: number, stride: number) {
    this.memory = new Memory(frames)
    this.count = count
    this.stride = stride
    this.capacity = stride - FRAME_HEAD
    this.#ring = new Uint32Array(bufferRing)
    this.#halves = new Uint16Array(bufferRing)
    this.#mask = bufferRing.byteLength / ENTRY_SIZE - 1
    this.#low = addressLow
    this.#high = addressHigh
    this.#free = Uint16Array.from({ length: count }, (_, index) => count - 1 - index)
    this.#freeCount = count
  }

  /** frames that neither the kernel has nor the user */
  get free(): number {
    return this.#freeCount
  }

  /** Where the message of `frame` begins. */
  offset(frame: number): number {
    return frame * this.stride + FRAME_HEAD
  }

  byteLength(frame: number): number {
    const fullLength = this.fullLength(frame)
    return Math.min(fullLength, this.capacity)
  }

  fullLength(frame: number): number {
    return this.memory.u32[((frame * this.stride) >> 2) + FULL_LENGTH] as number
  }

  portId(frame: number): number {
    return this.memory.u32[((frame * this.stride) >> 2) + PORT_ID] as number
  }

  groups(frame: number): number {
    return this.memory.u32[((frame * this.stride) >> 2) + GROUPS] as number
  }

  /** Makes a frame free that the user had. */
  give(frame: number): void {
    this.#free[this.#freeCount++] = frame
  }

  /** Provides free frames until the kernel has `wanted` of them, which the ring has room for, or there are no more. */
  provide(wanted: number): void {
    let missing = Math.min(wanted - this.provided, this.#freeCount)
    if (missing <= 0) return
    this.provided += missing
    let tail = this.#tail
    for (; missing > 0; missing--) this.#write(tail++ & this.#mask, this.#free[--this.#freeCount] as number)
    this.#tail = tail & 0xffff
    Atomics.store(this.#halves, TAIL_HALF, this.#tail)
  }

  #write(entry: number, frame: number): void {
    const word = entry * ENTRY_WORDS
    const low = this.#low + frame * this.stride
    this.#ring[word + ADDRESS_LOW] = low
    this.#ring[word + ADDRESS_HIGH] = low < WORD ? this.#high : this.#high + 1
    this.#halves[word * 2 + ID_HALF] = frame
  }
}
