/** Dumps of rows: in chunks, the next one when the user has made room, and an end that says how it went. */
import { AcknowledgeFlag, ControlType, MESSAGE_HEADER_LENGTH, type Memory, MessageFlag } from '@ringlink/codec'
import type { Dump, SimSocket } from './socket.ts'

/** Bytes of a page that are left for messages: the minimum size of a chunk. */
const SMALLEST_CHUNK = 3776
const DONE_LENGTH = MESSAGE_HEADER_LENGTH + 4

/** The object of a dump. */
export interface DumpSource {
  /** changes with every change of what is dumped, where a dump says that it was interrupted */
  readonly generation: number
  /** the errno (negative) that it ends with; default 0 */
  readonly result?: number
  /** `nlmsg_flags` of its end besides Multipart; default 0 */
  readonly flags?: number
  /** the extended ack of its end, as bytes */
  readonly details?: Uint8Array | undefined
  /**
   * makes row `index`, as a message, or `undefined` where there is nothing to show any more; `undefined` after the last
   */
  row(index: number): (() => Uint8Array | undefined) | undefined
}

/** A dump on its way to its socket. */
export class RowDump implements Dump {
  #source: DumpSource
  #socket: SimSocket
  #sequence: number
  #index = 0
  #lastGeneration: number | undefined
  // A row that did not fit: its object may be gone when it is requested again.
  #pending: Uint8Array | undefined

  constructor(source: DumpSource, socket: SimSocket, sequence: number) {
    this.#source = source
    this.#socket = socket
    this.#sequence = sequence
  }

  next(): boolean {
    const { queue, receiver } = this.#socket
    if (queue.charged >= queue.limit) return false
    const row = this.#take()
    const size = Math.max(SMALLEST_CHUNK, this.#socket.largestReceive, row?.length ?? 0)
    if (!receiver.allocate(size)) {
      this.#pending = row
      return false
    }
    const { memory, offset } = receiver
    const end = this.#fill(memory, offset, offset + size, row)
    receiver.force(end - offset)
    return true
  }

  #take(): Uint8Array | undefined {
    const pending = this.#pending
    this.#pending = undefined
    if (pending !== undefined) return pending
    for (let make = this.#source.row(this.#index++); make !== undefined; make = this.#source.row(this.#index++)) {
      const row = make()
      if (row !== undefined) return row
    }
    return undefined
  }

  #fill(memory: Memory, offset: number, limit: number, first: Uint8Array | undefined): number {
    let end = offset
    let row = first
    while (row !== undefined && row.length <= limit - end) {
      memory.u8.set(row, end)
      this.#note(memory, end)
      end += row.length
      row = this.#take()
    }
    this.#pending = row
    const { details, flags = 0 } = this.#source
    const length = DONE_LENGTH + (details?.length ?? 0)
    if (row !== undefined || limit - end < length) return end
    memory.u32[end >> 2] = length
    memory.u16[(end + 4) >> 1] = ControlType.Done
    const told = details === undefined ? 0 : AcknowledgeFlag.Attributes
    memory.u16[(end + 6) >> 1] = MessageFlag.Multipart | flags | told
    if (details !== undefined) memory.u8.set(details, end + DONE_LENGTH)
    memory.u32[(end + 8) >> 2] = this.#sequence
    memory.u32[(end + 12) >> 2] = this.#socket.portId
    memory.i32[(end + 16) >> 2] = this.#source.result ?? 0
    this.#note(memory, end)
    this.#socket.dump = undefined
    return end + length
  }

  /** Marks the first message after a change of the rules: one is enough to spoil the dump. */
  #note(memory: Memory, offset: number): void {
    const { generation } = this.#source
    if (this.#lastGeneration !== undefined && this.#lastGeneration !== generation) {
      memory.u16[(offset + 6) >> 1] = (memory.u16[(offset + 6) >> 1] as number) | MessageFlag.DumpInterrupted
    }
    this.#lastGeneration = generation
  }
}
