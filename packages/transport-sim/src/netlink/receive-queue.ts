import { align4, Errno, Memory } from '@ringlink/codec'
import { DEFAULT_RECEIVE_BUFFER, MINIMUM_RECEIVE_BUFFER, messageCost } from './accounting.ts'
import type { Receiver } from './receiver.ts'

const OFFSET = 0
const LENGTH = 1
const COST = 2
const PORT_ID = 3
const GROUPS = 4
const RECORD_WORDS = 5

/** Initial size in bytes of the block in which messages wait; it grows up to the receive buffer's limit. */
const INITIAL_BYTES = 1 << 16
const INITIAL_RECORDS = 256

/**
 * The receive queue of a plain socket. Messages lie consecutively in a block that is used in turns, with a record
 * each; nothing is allocated per message.
 */
export class ReceiveQueue implements Receiver {
  memory: Memory = new Memory(INITIAL_BYTES)
  offset = 0
  /** `SO_RCVBUF`: the maximum total charge */
  readonly limit: number
  /** bytes of the block of a small message */
  readonly smallBlock: number
  /** charged at present */
  charged = 0
  /** messages that did not get in, since the socket was opened; 32 bits, as the kernel's counter */
  drops = 0
  /** nothing gets in until the user has emptied the queue */
  congested = false
  /** the errno (positive) of the next receive; 0: none */
  error = 0
  #reportOverruns: boolean
  #arrived: () => void
  #size = 0
  #records = new Uint32Array(INITIAL_RECORDS * RECORD_WORDS)
  #first = 0
  #count = 0
  #end = 0

  /** @param arrived called when there may be something to receive */
  constructor(limit: number | undefined, smallBlock: number, reportOverruns: boolean, arrived: () => void) {
    this.smallBlock = smallBlock
    this.limit =
      limit === undefined ? DEFAULT_RECEIVE_BUFFER : Math.max(MINIMUM_RECEIVE_BUFFER, Math.ceil(limit / 2) * 2)
    this.#reportOverruns = reportOverruns
    this.#arrived = arrived
  }

  /** messages that wait */
  get length(): number {
    return this.#count
  }

  allocate(size: number, attached = 0): boolean {
    this.#size = size
    if (this.#count === 0) this.#end = 0
    this.offset = this.#place(footprint(size + attached))
    return true
  }

  build(size: number): void {
    this.allocate(size)
  }

  deliver(length: number, attached: number, portId: number, groups: number): number {
    const cost = messageCost(this.#size, length - attached, this.smallBlock) + attached
    const fits = this.charged === 0 || this.charged + cost <= this.limit
    if (this.congested || !fits) {
      this.overrun()
      return -Errno.EAGAIN
    }
    this.#append(length, cost, portId, groups)
    return 0
  }

  force(length: number): void {
    this.#append(length, messageCost(this.#size, this.#size, this.smallBlock), 0, 0)
  }

  /** Counts a message that did not get in. */
  overrun(): void {
    this.drops = (this.drops + 1) >>> 0
    if (!this.#reportOverruns || this.congested) return
    this.congested = true
    this.error = Errno.ENOBUFS
    this.#arrived()
  }

  /** The error to fail with, once. */
  takeError(): number {
    const error = this.error
    this.error = 0
    return error
  }

  /** the offset and metadata of the first message; valid while {@link length} is not 0 */
  get headOffset(): number {
    return this.#records[this.#first * RECORD_WORDS + OFFSET] as number
  }

  get headLength(): number {
    return this.#records[this.#first * RECORD_WORDS + LENGTH] as number
  }

  get headPortId(): number {
    return this.#records[this.#first * RECORD_WORDS + PORT_ID] as number
  }

  get headGroups(): number {
    return this.#records[this.#first * RECORD_WORDS + GROUPS] as number
  }

  /** Gives the first message back. */
  shift(): void {
    this.charged -= this.#records[this.#first * RECORD_WORDS + COST] as number
    this.#first = (this.#first + 1) % (this.#records.length / RECORD_WORDS)
    this.#count--
  }

  /** Called at the end of every receive: as in the kernel, an empty queue stops being congested. */
  relieve(): void {
    if (this.#count === 0) this.congested = false
  }

  #append(length: number, cost: number, portId: number, groups: number): void {
    const capacity = this.#records.length / RECORD_WORDS
    if (this.#count === capacity) this.#growRecords(capacity)
    const index = (this.#first + this.#count) % (this.#records.length / RECORD_WORDS)
    const record = index * RECORD_WORDS
    this.#records[record + OFFSET] = this.offset
    this.#records[record + LENGTH] = length
    this.#records[record + COST] = cost
    this.#records[record + PORT_ID] = portId
    this.#records[record + GROUPS] = groups
    this.#count++
    this.#end = this.offset + footprint(length)
    this.charged += cost
    this.#arrived()
  }

  #place(size: number): number {
    const capacity = this.memory.byteLength
    if (this.#count === 0) {
      if (size > capacity) this.#growMemory(size)
      return 0
    }
    const start = this.headOffset
    // A full block must not look like an empty one, so the last byte before the first message stays free.
    if (this.#end > start) {
      if (capacity - this.#end >= size) return this.#end
      if (start > size) return 0
    } else if (start - this.#end > size) {
      return this.#end
    }
    this.#growMemory(size)
    return this.#end
  }

  #growMemory(size: number): void {
    const old = this.memory
    let capacity = old.byteLength * 2
    while (capacity < old.byteLength + size) capacity *= 2
    const memory = new Memory(capacity)
    const records = this.#records.length / RECORD_WORDS
    let end = 0
    for (let i = 0; i < this.#count; i++) {
      const record = ((this.#first + i) % records) * RECORD_WORDS
      const offset = this.#records[record + OFFSET] as number
      const length = this.#records[record + LENGTH] as number
      memory.u8.set(old.u8.subarray(offset, offset + length), end)
      this.#records[record + OFFSET] = end
      end += footprint(length)
    }
    this.memory = memory
    this.#end = end
  }

  #growRecords(capacity: number): void {
    const records = new Uint32Array(capacity * 2 * RECORD_WORDS)
    for (let i = 0; i < this.#count; i++) {
      const from = ((this.#first + i) % capacity) * RECORD_WORDS
      records.set(this.#records.subarray(from, from + RECORD_WORDS), i * RECORD_WORDS)
    }
    this.#records = records
    this.#first = 0
  }
}

/** Bytes of a message in the block: more than 0 even for an empty one, or the block would look empty as well. */
function footprint(length: number): number {
  return Math.max(4, align4(length))
}
