import { CopyMode, MAXIMUM_COPY_RANGE, Memory } from '@ringlink/codec'
import type { VirtualClock, VirtualTimer } from '../clock.ts'
import { usableSize } from '../netlink/accounting.ts'
import type { SimSocket } from '../netlink/socket.ts'
import { DONE_LENGTH, writeDone } from './done.ts'

/** Of a page, what is left for messages: the buffer size that the kernel starts with, and the least that it takes. */
export const DEFAULT_BUFFER_SIZE = 3776
/** The largest buffer that it takes. */
export const MAXIMUM_BUFFER_SIZE = 131072
/** A unit of the flush timeout, in milliseconds. */
const TIMEOUT_UNIT = 10

/** One log group: its settings, and the buffer in which entries wait until they are sent together. */
export class LogGroup {
  readonly number: number
  readonly owner: SimSocket
  copyMode: number = CopyMode.Packet
  copyRange: number = MAXIMUM_COPY_RANGE
  bufferSize: number = DEFAULT_BUFFER_SIZE
  /** in units of 10 ms */
  timeout = 100
  threshold = 100
  flags = 0
  sequence = 0
  /** entries in the buffer */
  length = 0
  memory: Memory = new Memory(DEFAULT_BUFFER_SIZE)
  /** bytes of the buffer that are written */
  used = 0
  #allocated = 0
  #timer: VirtualTimer | undefined
  #clock: VirtualClock

  constructor(number: number, owner: SimSocket, clock: VirtualClock) {
    this.number = number
    this.owner = owner
    this.#clock = clock
  }

  /** what /proc shows as the references to the group: itself, and its timer */
  get references(): number {
    return this.#timer?.pending === true ? 2 : 1
  }

  setMode(mode: number, range: number): void {
    if (mode === CopyMode.Packet)
      this.copyRange = range === 0 ? MAXIMUM_COPY_RANGE : Math.min(range, MAXIMUM_COPY_RANGE)
    else if (mode === CopyMode.None || mode === CopyMode.Meta) this.copyRange = 0
    else return
    this.copyMode = mode
  }

  /** Takes a buffer size; one out of bounds is ignored, and the kernel does not say so. */
  setBufferSize(size: number): void {
    if (size >= DEFAULT_BUFFER_SIZE && size <= MAXIMUM_BUFFER_SIZE) this.bufferSize = size
  }

  /** Makes room for an entry that may take `size` bytes, flushing when the buffer is too full; where it is to be written. */
  reserve(size: number): number {
    if (this.#allocated > 0 && size > usableSize(this.#allocated) - this.used) this.flush()
    if (this.#allocated === 0) {
      this.#allocated = Math.max(this.bufferSize, size)
      const room = usableSize(this.#allocated)
      if (this.memory.byteLength < room) this.memory = new Memory(room)
    }
    return this.used
  }

  /** Takes the entry that was written, and sends what there is if that makes `threshold` entries. */
  add(length: number, threshold: number): void {
    this.used += length
    this.length++
    if (this.length >= threshold) this.flush()
    else if (this.#timer?.pending !== true) {
      this.#timer = this.#clock.schedule(this.timeout * TIMEOUT_UNIT, () => this.#send())
    }
  }

  /** Sends what there is, now. */
  flush(): void {
    this.#timer?.cancel()
    this.#send()
  }

  #send(): void {
    if (this.#allocated === 0) return
    let length = this.used
    if (this.length > 1) {
      writeDone(this.memory, length, this.number)
      length += DONE_LENGTH
    }
    const { receiver } = this.owner
    // What was asked for counts, but a block holds more than that, and the datagram may have grown into it.
    if (receiver.allocate(Math.max(this.#allocated, length))) {
      receiver.memory.u8.set(this.memory.u8.subarray(0, length), receiver.offset)
      receiver.deliver(length, 0, 0, 0)
    }
    this.#allocated = 0
    this.used = 0
    this.length = 0
  }
}
