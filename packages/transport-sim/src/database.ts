/**
 * A table with its own netlink protocol, like many families of the kernel: rows can be requested, changed and dumped. A
 * dump comes in chunks, the next only once the user has made room, and reports if the table has changed since it began.
 */
import {
  AttributeWriter,
  align4,
  beginMessage,
  ControlType,
  Errno,
  finishMessage,
  GetFlag,
  MESSAGE_HEADER_LENGTH,
  type Memory,
  MessageFlag,
} from '@ringlink/codec'
import type { MessagePolicy } from './netlink/attribute-policy.ts'
import { Dispatcher } from './netlink/dispatch.ts'
import { AttributeTable } from './netlink/policy.ts'
import { type KernelRequest, SUPPRESS_ACK } from './netlink/request.ts'
import type { Dump, SimSocket } from './netlink/socket.ts'

/** Message types of the database. */
export const DatabaseMessage = {
  /** a row; from user space: put it into the table */
  New: 16,
  /** remove the row with that key */
  Delete: 17,
  /** send the row of that key, or with the flag Dump all rows */
  Get: 18,
} as const
export type DatabaseMessage = (typeof DatabaseMessage)[keyof typeof DatabaseMessage]

/** Attributes of a row. */
export const DatabaseAttribute = {
  /** u32 in host order */
  Key: 1,
  /** bytes */
  Value: 2,
} as const
export type DatabaseAttribute = (typeof DatabaseAttribute)[keyof typeof DatabaseAttribute]

/** The group that is notified of rows that are inserted or removed. */
export const DATABASE_GROUP = 1

const policy: MessagePolicy = [undefined, { kind: 'u32' }]
/** Bytes of a page that are left for messages: the minimum size of a chunk. */
const SMALLEST_CHUNK = 3776
const DONE_LENGTH = MESSAGE_HEADER_LENGTH + 4

/** Sends a message to the members of a group. */
export type Multicast = (group: number, size: number, write: (memory: Memory, offset: number) => number) => void

/** The table. */
export class Database {
  /** changes with every change of the table; never 0 */
  generation = 1
  #keys: number[] = []
  #values = new Map<number, Uint8Array>()
  #attributes = new AttributeTable(2)
  #dispatcher = new Dispatcher()
  #writer = new AttributeWriter()
  #multicast: Multicast
  #handle = (request: KernelRequest): number => this.#receive(request)

  constructor(multicast: Multicast) {
    this.#multicast = multicast
  }

  get size(): number {
    return this.#keys.length
  }

  set(key: number, value: Uint8Array): void {
    if (!this.#values.has(key)) this.#keys.push(key)
    this.#values.set(key, value)
    this.#changed(DatabaseMessage.New, key, value)
  }

  delete(key: number): boolean {
    const value = this.#values.get(key)
    if (value === undefined) return false
    this.#values.delete(key)
    this.#keys.splice(this.#keys.indexOf(key), 1)
    this.#changed(DatabaseMessage.Delete, key, value)
    return true
  }

  /** Processes one send of a socket. */
  send(socket: SimSocket, memory: Memory, offset: number, length: number): void {
    this.#dispatcher.run(socket, memory, offset, length, this.#handle)
  }

  /** Writes row `index`; its length, or 0 when it does not fit below `limit`. */
  writeRow(memory: Memory, offset: number, limit: number, index: number, request: KernelRow): number {
    const key = this.#keys[index] as number
    const value = this.#values.get(key) as Uint8Array
    return rowLength(value) > limit - offset ? 0 : this.#write(memory, offset, DatabaseMessage.New, request, key, value)
  }

  #receive(request: KernelRequest): number {
    const table = this.#attributes
    const { memory, socket, type, flags } = request
    const error = table.parse(request, MESSAGE_HEADER_LENGTH, policy)
    if (error !== 0) return error
    if (type === DatabaseMessage.Get && (flags & GetFlag.Dump) === GetFlag.Dump) return this.#dump(request)
    if (type < DatabaseMessage.New || type > DatabaseMessage.Get) return -Errno.EOPNOTSUPP
    if (type !== DatabaseMessage.Get && !socket.settings.privileged) return -Errno.EPERM
    if (!table.has(DatabaseAttribute.Key)) return -Errno.EINVAL
    const key = memory.u32[table.at(DatabaseAttribute.Key) >> 2] as number
    if (type === DatabaseMessage.Delete) return this.delete(key) ? 0 : -Errno.ENOENT
    if (type === DatabaseMessage.Get) return this.#get(request, key)
    const { Value } = DatabaseAttribute
    this.set(key, table.has(Value) ? memory.copy(table.at(Value), table.length(Value)) : new Uint8Array(0))
    return 0
  }

  #get({ socket, sequence }: KernelRequest, key: number): number {
    const value = this.#values.get(key)
    if (value === undefined) return -Errno.ENOENT
    const { receiver, portId } = socket
    if (!receiver.allocate(rowLength(value))) return -Errno.ENOBUFS
    const row = { sequence, portId, flags: 0 }
    receiver.deliver(this.#write(receiver.memory, receiver.offset, DatabaseMessage.New, row, key, value), 0, 0, 0)
    return 0
  }

  #dump({ socket, sequence }: KernelRequest): number {
    if (socket.dump !== undefined) return -Errno.EBUSY
    socket.dump = new DatabaseDump(this, socket, sequence)
    return socket.dump.next() ? SUPPRESS_ACK : -Errno.ENOBUFS
  }

  #changed(type: number, key: number, value: Uint8Array): void {
    this.generation = this.generation === 0xffffffff ? 1 : this.generation + 1
    this.#multicast(DATABASE_GROUP, rowLength(value), (memory, offset) =>
      this.#write(memory, offset, type, { sequence: 0, portId: 0, flags: 0 }, key, value),
    )
  }

  #write(memory: Memory, offset: number, type: number, row: KernelRow, key: number, value: Uint8Array): number {
    const limit = offset + rowLength(value)
    const start = beginMessage(memory, offset, limit, { type, ...row })
    const writer = this.#writer.wrap(memory, start, limit)
    memory.u32[writer.reserve(DatabaseAttribute.Key, 4) >> 2] = key
    writer.bytes(DatabaseAttribute.Value, value)
    return finishMessage(memory, offset, writer.position)
  }
}

/** The header of a row. */
export interface KernelRow {
  sequence: number
  portId: number
  flags: number
}

class DatabaseDump implements Dump {
  #database: Database
  #socket: SimSocket
  #row: KernelRow
  #position = 0
  #lastGeneration = 0

  constructor(database: Database, socket: SimSocket, sequence: number) {
    this.#database = database
    this.#socket = socket
    this.#row = { sequence, portId: socket.portId, flags: MessageFlag.Multipart }
  }

  next(): boolean {
    const { queue, receiver } = this.#socket
    if (queue.charged >= queue.limit) return false
    const size = Math.max(SMALLEST_CHUNK, this.#socket.largestReceive)
    if (!receiver.allocate(size)) return false
    const { memory, offset } = receiver
    const limit = offset + size
    let end = this.#writeRows(memory, offset, limit)
    if (this.#position >= this.#database.size && limit - end >= DONE_LENGTH) {
      end += this.#writeDone(memory, end)
      this.#socket.dump = undefined
    }
    receiver.force(end - offset)
    return true
  }

  #writeRows(memory: Memory, offset: number, limit: number): number {
    let end = offset
    while (this.#position < this.#database.size) {
      const length = this.#database.writeRow(memory, end, limit, this.#position, this.#row)
      if (length === 0) break
      this.#note(memory, end)
      end += length
      this.#position++
    }
    return end
  }

  #writeDone(memory: Memory, offset: number): number {
    const end = beginMessage(memory, offset, offset + DONE_LENGTH, { type: ControlType.Done, ...this.#row })
    memory.u32[end >> 2] = 0
    this.#note(memory, offset)
    return finishMessage(memory, offset, end + 4)
  }

  /** Marks the first message after a change of the table, as the kernel does: one is enough to spoil the dump. */
  #note(memory: Memory, offset: number): void {
    const { generation } = this.#database
    if (this.#lastGeneration !== 0 && this.#lastGeneration !== generation) {
      memory.u16[(offset + 6) >> 1] = (memory.u16[(offset + 6) >> 1] as number) | MessageFlag.DumpInterrupted
    }
    this.#lastGeneration = generation
  }
}

function rowLength(value: Uint8Array): number {
  return MESSAGE_HEADER_LENGTH + 8 + 4 + align4(value.length)
}
