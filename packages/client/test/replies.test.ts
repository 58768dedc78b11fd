import { ControlType, Errno, MessageFlag, Protocol, readNfnetlinkAttributes, tableAttributes } from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { doneMessage, errorMessage, packetMessage, rowMessage } from '@ringlink/test-support/messages'
import { ReferenceTransport } from '@ringlink/transport/conformance'
import { describe, expect, test } from 'vitest'
import { type IncompleteReplyError, type Request, Session } from '../src/index.ts'
import { addressed, failure, tableRow, tables } from './reply-fixtures.ts'

const auditGet: Request = { what: 'get the audit status', type: 1000, answered: true }

function joined(...messages: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(messages.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const message of messages) {
    bytes.set(message, at)
    at += message.length
  }
  return bytes
}

const names = (rows: readonly { view: Parameters<typeof readNfnetlinkAttributes>[0] }[]) =>
  rows.map(({ view }) => readNfnetlinkAttributes(view, tableAttributes).name)

async function incomplete(promise: Promise<unknown>): Promise<IncompleteReplyError> {
  return (await failure(promise)) as IncompleteReplyError
}

describe('a dump that does not fit the frames of its transport', () => {
  const small = { frameSize: 256 }

  test('rejects with TRUNCATED and the rows that arrived whole', async () => {
    const transport = new FunctionTransport(
      (request) => [
        tableRow(request, 'a'),
        tableRow(request, 'b', { size: 320 }),
        tableRow(request, 'c'),
        doneMessage(request),
      ],
      small,
    )
    await using session = new Session(transport)
    const error = await incomplete(session.dump(tables))
    expect(error).toMatchObject({ name: 'IncompleteReplyError', code: 'TRUNCATED' })
    expect(names(error.rows)).toEqual(['a', 'c'])
    expect(error.message).toContain('list the tables')
  })

  test.each([
    ['in the middle of a row', 300],
    ['between two rows', 256],
    ['within the header of a row', 264],
  ])('rejects when a datagram of many rows is cut %s', async (_, size) => {
    const sizes = { frameSize: 256 }
    const transport = new FunctionTransport((request) => {
      const row = tableRow(request, 'a')
      const rows = Array.from({ length: Math.ceil(size / row.length) + 3 }, () => row)
      return [joined(...rows), doneMessage(request)]
    }, sizes)
    await using session = new Session(transport)
    expect((await incomplete(session.dump(tables))).code).toBe('TRUNCATED')
  })

  test('whose end was cut off rejects with TRUNCATED at its timeout', async () => {
    const transport = new FunctionTransport(
      (request) => [joined(tableRow(request, 'a'), tableRow(request, 'b', { size: 320 }), doneMessage(request))],
      small,
    )
    await using session = new Session(transport, { requestTimeout: 20 })
    const error = await incomplete(session.dump(tables))
    expect(error.code).toBe('TRUNCATED')
    expect(names(error.rows)).toEqual(['a'])
  })

  test('a truncated packet is not part of it', async () => {
    const transport = new FunctionTransport(
      (request) => [packetMessage(1, { payload: new Uint8Array(600) }), tableRow(request, 'a'), doneMessage(request)],
      small,
    )
    await using session = new Session(transport)
    expect(names(await session.dump(tables))).toEqual(['a'])
    const batch = await session.receive()
    expect(batch.fullLength(0)).toBeGreaterThan(batch.byteLength(0))
    batch.release()
  })

  test('the errno of an error message that is cut is still used', async () => {
    const transport = new FunctionTransport(
      (request) => [errorMessage(request, Errno.EPERM, { message: 'x'.repeat(400) })],
      small,
    )
    await using session = new Session(transport)
    expect(await failure(session.dump(tables))).toMatchObject({ code: 'KERNEL', errno: Errno.EPERM })
  })
})

describe('a dump with a row that is damaged', () => {
  const damage: [string, (row: Uint8Array, view: DataView) => void][] = [
    ['claims to be shorter than its header', (_, view) => view.setUint32(0, 8, true)],
    ['claims to be longer than its datagram', (_, view) => view.setUint32(0, 4096, true)],
    ['has an attribute beyond its end', (_, view) => view.setUint16(20, 200, true)],
    ['has an attribute shorter than its header', (_, view) => view.setUint16(20, 3, true)],
    ['has another sequence number', (_, view) => view.setUint32(8, 77, true)],
    ['has the port id of another socket', (_, view) => view.setUint32(12, 77, true)],
  ]

  test.each(damage)('that %s rejects with MALFORMED and the other rows', async (_, apply) => {
    const transport = new FunctionTransport((request) => {
      const bad = tableRow(request, 'bad')
      apply(bad, new DataView(bad.buffer, bad.byteOffset))
      return [joined(tableRow(request, 'a'), bad, tableRow(request, 'c')), doneMessage(request)]
    })
    await using session = new Session(transport)
    const error = await incomplete(session.dump(tables))
    expect(error.code).toBe('MALFORMED')
    expect(names(error.rows)).toEqual(['a', 'c'])
  })

  test('that swallows the next one rejects', async () => {
    const transport = new FunctionTransport((request) => {
      const datagram = joined(tableRow(request, 'a'), tableRow(request, 'b'))
      new DataView(datagram.buffer).setUint32(0, datagram.length, true)
      return [datagram, doneMessage(request)]
    })
    await using session = new Session(transport)
    expect((await incomplete(session.dump(tables))).code).toBe('MALFORMED')
  })

  test('a Done message whose length is wrong ends it', async () => {
    const transport = new FunctionTransport((request) => {
      const done = doneMessage(request)
      new DataView(done.buffer).setUint32(0, 400, true)
      return [joined(tableRow(request, 'a'), done)]
    })
    await using session = new Session(transport)
    expect((await incomplete(session.dump(tables))).code).toBe('MALFORMED')
  })
})

test('rows that come after the Done message of their batch are part of the answer', async () => {
  const transport = new FunctionTransport((request) => [
    tableRow(request, 'a'),
    doneMessage(request),
    tableRow(request, 'b'),
  ])
  await using session = new Session(transport)
  expect(names(await session.dump(tables))).toEqual(['a', 'b'])
})

describe('receive()', () => {
  test('is not lost when it is called as a request resolves', async () => {
    const transport = new FunctionTransport((request) => [errorMessage(request, 0)])
    await using session = new Session(transport)
    for (let round = 1; round <= 3; round++) {
      await session.request(tables)
      const pending = session.receive()
      transport.deliver(packetMessage(round))
      const batch = await pending
      expect(batch.length).toBe(1)
      batch.release()
    }
  })

  test.each([0, 1, 2, 3, 4, 5, 6])('is not lost %d microtasks after a request', async (turns) => {
    const transport = new FunctionTransport((request) => [errorMessage(request, 0)])
    await using session = new Session(transport)
    await session.request(tables)
    for (let turn = 0; turn < turns; turn++) await undefined
    const pending = session.receive()
    transport.deliver(packetMessage(1))
    ;(await pending).release()
  })

  test('is not lost when a request times out or is aborted while it waits', async () => {
    const transport = new FunctionTransport()
    await using session = new Session(transport, { requestTimeout: 1 })
    expect(await failure(session.request(tables))).toMatchObject({ code: 'TIMEOUT' })
    const pending = session.receive()
    expect(await failure(session.request(tables))).toMatchObject({ code: 'TIMEOUT' })
    transport.deliver(packetMessage(1))
    ;(await pending).release()
  })
})

describe('an answer that follows its acknowledgement', () => {
  const status = (request: Uint8Array, portId: number) => {
    const row = rowMessage(request, 1000, 0)
    new DataView(row.buffer).setUint32(12, portId, true)
    return row
  }

  test.each([
    ['in the same batch', 0],
    ['in a later one, as audit sends it', 0],
    ['addressed to us', 4711],
  ])('is awaited if the request asks for it: %s', async (where, portId) => {
    const later: Uint8Array[] = []
    const transport = new FunctionTransport((request) => {
      if (where === 'in the same batch') return [errorMessage(request, 0), status(request, portId)]
      later.push(status(request, portId))
      return [errorMessage(request, 0)]
    })
    await using session = new Session(transport, { protocol: Protocol.Audit })
    const pending = session.request(auditGet)
    await new Promise(setImmediate)
    transport.deliver(...later)
    expect((await pending).map(({ view }) => view.type)).toEqual([1000])
  })

  test('may be several messages, up to Done', async () => {
    const transport = new FunctionTransport((request) => [
      errorMessage(request, 0),
      rowMessage(request, 1013),
      rowMessage(request, 1013),
      doneMessage(request),
    ])
    await using session = new Session(transport, { protocol: Protocol.Audit })
    expect(await session.request(auditGet)).toHaveLength(2)
  })

  test('a refusal ends it', async () => {
    const transport = new FunctionTransport((request) => [errorMessage(request, Errno.EPERM)])
    await using session = new Session(transport, { protocol: Protocol.Audit })
    expect(await failure(session.request(auditGet))).toMatchObject({ errno: Errno.EPERM })
  })
})

describe("another socket's message with our sequence number", () => {
  /** A kernel that notifies group 7 of a table of another process before it answers. */
  function open(portId: number, groups: number) {
    const transport = new ReferenceTransport({ outboxSize: 4096 }, (request) => {
      const push = (bytes: Uint8Array, to: number) => transport.queue.push({ bytes, portId: 0, groups: to })
      push(tableRow(request, 'evil', { portId, flags: 0 }), groups)
      push(tableRow(request, 'mine', { portId: 1, flags: 0 }), 0)
      push(addressed(errorMessage(request, 0), 1), 0)
      transport.notify()
      return request.length
    })
    return transport
  }

  test.each([
    ['a notification of another process', 9999, 1 << 6],
    ['a message addressed to another socket', 9999, 0],
    ['a notification of the kernel', 0, 1 << 6],
    ['our own notification without a requested echo', 1, 1 << 6],
  ])('(%s) is not an answer and goes to receive()', async (_, portId, groups) => {
    await using session = new Session(open(portId, groups))
    expect(names(await session.request(tables))).toEqual(['mine'])
    const batch = await session.receive()
    expect(batch.groups(0)).toBe(groups >>> 0)
    batch.release()
  })

  test('a requested echo is an answer', async () => {
    await using session = new Session(open(1, 1 << 6))
    const echoed = { ...tables, flags: MessageFlag.Echo } as Request
    expect(names(await session.request(echoed))).toEqual(['evil', 'mine'])
  })
})

describe('rows()', () => {
  test('yields the rows one by one, and does not read ahead', async () => {
    const transport = new FunctionTransport((request) => {
      const rows = Array.from({ length: 40 }, (_, index) => tableRow(request, `t${index}`))
      return [...rows, doneMessage(request)]
    })
    await using session = new Session(transport)
    const seen: (string | undefined)[] = []
    let read = 0
    const { doReceive } = transport as unknown as { doReceive(): unknown }
    Object.assign(transport, {
      doReceive() {
        read++
        return doReceive.call(transport)
      },
    })
    for await (const row of session.rows(tables)) {
      seen.push(...names([row]))
      await new Promise(setImmediate)
      // Batches of 8: the next one is requested once the rows of the last one are given out.
      expect(read).toBeLessThanOrEqual(Math.ceil(seen.length / 8) + 1)
    }
    expect(seen).toEqual(Array.from({ length: 40 }, (_, index) => `t${index}`))
  })

  test('that are left early let the next dump begin, after reading the rest of theirs', async () => {
    const transport = new FunctionTransport((request) => {
      const rows = Array.from({ length: 20 }, (_, index) => tableRow(request, `t${index}`))
      return [...rows, doneMessage(request)]
    })
    await using session = new Session(transport)
    for await (const row of session.rows(tables)) {
      expect(names([row])).toEqual(['t0'])
      break
    }
    expect(await session.dump(tables)).toHaveLength(20)
  })

  test('end with the problem of the answer', async () => {
    const transport = new FunctionTransport(
      (request) => [tableRow(request, 'a'), tableRow(request, 'b', { size: 800 }), doneMessage(request)],
      { frameSize: 256 },
    )
    await using session = new Session(transport)
    const reading = async () => {
      for await (const _ of session.rows(tables));
    }
    expect((await incomplete(reading())).code).toBe('TRUNCATED')
  })
})

test('an answer after the timeout is discarded, and receive() does not return it', async () => {
  const transport = new FunctionTransport()
  await using session = new Session(transport, { requestTimeout: 1 })
  expect(await failure(session.dump(tables))).toMatchObject({ code: 'TIMEOUT' })
  const [sent] = transport.sent as [Uint8Array]
  const pending = session.receive()
  transport.deliver(tableRow(sent, 'late'))
  await new Promise(setImmediate)
  transport.deliver(doneMessage(sent), packetMessage(1))
  const batch = await pending
  expect(batch.memory.u16[(batch.offset(batch.length - 1) + 4) >> 1]).toBe(0x300)
  batch.release()
})

test('control messages without a meaning here answer no request', async () => {
  const transport = new FunctionTransport((request) => [
    rowMessage(request, ControlType.Noop),
    rowMessage(request, ControlType.Overrun),
    errorMessage(request, 0),
  ])
  await using session = new Session(transport)
  expect(await session.request(tables)).toEqual([])
})
