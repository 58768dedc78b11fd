import { Session } from '@ringlink/client'
import {
  AttributeWriter,
  attributeSet,
  beginMessage,
  bytes,
  ControlType,
  finishMessage,
  Memory,
  MessageFlag,
  MessageIterator,
  u32,
  writeAttributes,
} from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import { DATABASE_GROUP, DATABASE_PROTOCOL, DatabaseMessage, SimKernel } from '../src/index.ts'
import { ask, errnos, receiveAll, sendBytes } from './support.ts'

const row = attributeSet('ROW', { key: u32(1, 'KEY'), value: bytes(2, 'VALUE') })
const DUMP = 0x300

function write(memory: Memory, offset: number, limit: number, type: number, key?: number, value?: Uint8Array): number {
  const start = beginMessage(memory, offset, limit, { type, flags: 0, sequence: 7 })
  const writer = new AttributeWriter().wrap(memory, start, limit)
  writeAttributes(writer, row, { key, value })
  return finishMessage(memory, offset, writer.position)
}

function request(type: number, flags: number, key?: number, value?: Uint8Array): Uint8Array {
  const memory = new Memory(512)
  const length = write(memory, 0, 512, type, key, value)
  memory.u16[3] = MessageFlag.Request | flags
  return memory.copy(0, length)
}

function filled(rows: number, options = {}) {
  const kernel = new SimKernel()
  for (let key = 0; key < rows; key++) kernel.database.set(key, new Uint8Array(100).fill(key))
  return { kernel, socket: kernel.open({ protocol: DATABASE_PROTOCOL, ...options }) }
}

function count(frames: readonly Uint8Array[]): { rows: number; done: number; interrupted: number } {
  const seen = { rows: 0, done: 0, interrupted: 0 }
  for (const frame of frames) {
    const messages = new MessageIterator().wrap(Memory.from(frame), 0, frame.length)
    while (messages.next()) {
      if (messages.view.type === ControlType.Done) seen.done++
      else seen.rows++
      if ((messages.view.flags & MessageFlag.DumpInterrupted) !== 0) seen.interrupted++
    }
  }
  return seen
}

describe('a dump', () => {
  test('comes in chunks, the next when half of the buffer is free', () => {
    const { socket } = filled(500, { batchSize: 1 })
    sendBytes(socket, request(DatabaseMessage.Get, DUMP))
    const frames: Uint8Array[] = []
    for (let batch = socket.poll(); batch !== undefined; batch = socket.poll()) {
      frames.push(batch.memory.copy(batch.offset(0), batch.byteLength(0)))
      batch.release()
    }
    expect(count(frames)).toEqual({ rows: 500, done: 1, interrupted: 0 })
    // The first fits a page, the others what the user has shown to have room for.
    expect(frames[0]?.length).toBeLessThanOrEqual(3776)
    expect(frames[1]?.length).toBeGreaterThan(30_000)
    expect(frames.length).toBeLessThan(5)
  })

  test('does not continue without a receive, and refuses a second one', () => {
    const { socket } = filled(500)
    sendBytes(socket, request(DatabaseMessage.Get, DUMP), request(DatabaseMessage.Get, DUMP))
    using batch = socket.poll()
    expect(batch?.length).toBeGreaterThan(1)
    const frames = Array.from(
      { length: batch?.length ?? 0 },
      (_, i) => batch?.memory.copy(batch.offset(i), batch.byteLength(i)) as Uint8Array,
    )
    expect(errnos(frames).filter((errno) => errno !== undefined)).toEqual([16])
    expect(count(frames).done).toBe(1)
    sendBytes(socket, request(DatabaseMessage.Get, DUMP))
    expect(count(receiveAll(socket))).toMatchObject({ rows: 500, done: 1 })
  })

  test('says that it was interrupted when a row changed in between', () => {
    const { kernel, socket } = filled(100)
    sendBytes(socket, request(DatabaseMessage.Get, DUMP))
    kernel.database.delete(3)
    // The row that moved up into a place that was read already is missed; the deleted one had been sent.
    expect(count(receiveAll(socket))).toEqual({ rows: 99, done: 1, interrupted: 1 })
  })

  test('is what Session.dump reads', async () => {
    const { kernel, socket } = filled(300)
    await using session = new Session(socket, { protocol: DATABASE_PROTOCOL })
    const dump = {
      what: 'list rows',
      write: (memory: Memory, offset: number, limit: number) => write(memory, offset, limit, DatabaseMessage.Get),
    }
    expect(await session.dump(dump)).toHaveLength(300)
    const interrupted = session.dump(dump)
    kernel.database.set(1, new Uint8Array(3))
    await expect(interrupted).rejects.toMatchObject({ code: 'DUMP_INTERRUPTED' })
  })
})

describe('rows', () => {
  test('are added, requested and removed, and the group is notified', () => {
    const { kernel, socket } = filled(0)
    const watcher = kernel.open({ protocol: DATABASE_PROTOCOL, groups: [DATABASE_GROUP] })
    const value = new Uint8Array([1, 2, 3])
    const { New, Get, Delete } = DatabaseMessage
    expect(ask(socket, request(New, MessageFlag.Acknowledge, 5, value))).toEqual([0])
    expect(ask(socket, request(Get, MessageFlag.Acknowledge, 5))).toEqual([undefined, 0])
    expect(ask(socket, request(Get, 0, 6), request(Get, 0), request(99, 0, 5))).toEqual([2, 22, 95])
    expect(ask(socket, request(Delete, MessageFlag.Acknowledge, 5), request(Delete, 0, 5))).toEqual([0, 2])
    expect(receiveAll(watcher).map((bytes_) => bytes_[4])).toEqual([New, Delete])
  })
})
