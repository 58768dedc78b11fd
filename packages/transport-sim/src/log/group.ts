import { CopyMode, MAXIMUM_COPY_RANGE, Memory } from '@ringlink/codec'
import type { VirtualClock, VirtualTimer } from '../clock.ts'
import { usableSize } from '../netlink/accounting.ts'
import { NO_PLACE, NO_ROOM } from '../netlink/receiver.ts'
import type { SimSocket } from '../netlink/socket.ts'
import { DONE_LENGTH, writeDone } from './done.ts'

/** Bytes of a page that are left for messages: the default and minimum buffer size. */
export const DEFAULT_BUFFER_SIZE = 3776
/** The maximum buffer size in bytes. */
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
  // Bytes that the buffer can hold, and its place in a ring, if it has one.
  #room = 0
  #place = NO_PLACE
  #timer: VirtualTimer | undefined
  #clock: VirtualClock

  constructor(number: number, owner: SimSocket, clock: VirtualClock) {
    this.number = number
    this.owner = owner
    this.#clock = clock
  }

  /** the references to the group in /proc: itself, and its timer */
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

  /** Sets the buffer size. Like the kernel, silently ignores a size out of bounds. */
  setBufferSize(size: number): void {
    if (size >= DEFAULT_BUFFER_SIZE && size <= MAXIMUM_BUFFER_SIZE) this.bufferSize = size
  }

  /**
   * Makes room for an entry of up to `size` bytes, flushing if the buffer is too full. Returns the offset to write it
   * at, or {@link NO_ROOM}: the kernel allocates the buffer before the entry gets its number, which can fail in a ring.
   */
  reserve(size: number): number {
    if (this.#allocated > 0 && size > this.#room - this.used) this.flush()
    if (this.#allocated === 0) {
      const wanted = Math.max(this.bufferSize, size)
      const place = this.#allocate(wanted, size)
      if (place === NO_ROOM) return NO_ROOM
      this.#place = place
      this.#allocated = wanted
      this.#room =
        (place >= 0 ? this.owner.receiver.placeSize : undefined) ?? usableSize(wanted, this.owner.queue.smallBlock)
      if (this.memory.byteLength < this.#room) this.memory = new Memory(this.#room)
    }
    return this.used
  }

  /** As in `nfulnl_alloc_skb`: a whole buffer, otherwise only what this packet needs. */
  #allocate(wanted: number, size: number): number {
    const { receiver } = this.owner
    const place = receiver.reserve?.(wanted) ?? NO_PLACE
    return place === NO_ROOM && wanted > size ? (receiver.reserve?.(size) ?? NO_PLACE) : place
  }

  /** Adds the written entry, and sends the buffer if it has `threshold` entries. */
  add(length: number, threshold: number): void {
    this.used += length
    this.length++
    if (this.length >= threshold) this.flush()
    else if (this.#timer?.pending !== true) {
      this.#timer = this.#clock.schedule(this.timeout * TIMEOUT_UNIT, () => this.#send())
    }
  }

  /** Sends the buffer now. */
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
    // The requested size is charged, but a block holds more, and the datagram may have grown into it.
    if (this.#place >= 0) receiver.deliverReserved?.(this.#place, this.memory, length)
    else if (receiver.allocate(Math.max(this.#allocated, length))) {
      receiver.memory.u8.set(this.memory.u8.subarray(0, length), receiver.offset)
      receiver.deliver(length, 0, 0, 0)
    }
    this.#allocated = 0
    this.used = 0
    this.length = 0
  }
}
