import { Errno } from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage, first } from '@ringlink/test-support/messages'
import { ReferenceTransport } from '@ringlink/transport/conformance'
import { describe, expect, test } from 'vitest'
import { type Request, Session } from '../src/index.ts'
import { addressed, failure, tableRow, tables } from './reply-fixtures.ts'

describe('batch()', () => {
  const part = (what: string, flags = 0): Request => ({ ...tables, what, flags }) as Request

  test('sends its messages in one datagram; the last one asks for an acknowledgement', async () => {
    const transport = new FunctionTransport((datagram) => {
      const { sequence } = first(datagram).view
      expect(datagram.length).toBe(60)
      const last = datagram.subarray(40)
      return [errorMessage(last, sequence === 1 ? 0 : Errno.EPERM)]
    })
    await using session = new Session(transport)
    expect(await session.batch([part('a'), part('b'), part('c')])).toEqual([
      { rows: [], error: undefined },
      { rows: [], error: undefined },
      { rows: [], error: undefined },
    ])
    const results = await session.batch([part('a'), part('b'), part('c')])
    expect(results.map(({ error }) => (error === undefined ? 'done' : error.message))).toEqual([
      'done',
      'done',
      'c: EPERM',
    ])
  })

  test('reports the result of each message', async () => {
    const transport = new FunctionTransport((datagram) => [
      errorMessage(datagram.subarray(20, 40), Errno.EEXIST),
      tableRow(datagram.subarray(40, 60), 'row', { flags: 0 }),
      errorMessage(datagram.subarray(40, 60), 0),
    ])
    await using session = new Session(transport)
    const results = await session.batch([part('a'), part('b'), part('c')])
    expect(results.map(({ error, rows }) => [error?.message, rows.length])).toEqual([
      [undefined, 0],
      ['b: EEXIST', 0],
      [undefined, 1],
    ])
  })

  test('of a transaction ends when its first message is refused', async () => {
    const transport = new FunctionTransport((datagram) => [errorMessage(datagram.subarray(0, 20), Errno.EPERM)])
    await using session = new Session(transport)
    const [begin, ...others] = await session.batch([part('begin'), part('a'), part('b')], { transaction: true })
    expect(begin?.error).toMatchObject({ errno: Errno.EPERM })
    expect(others.every(({ error }) => error === undefined)).toBe(true)
  })

  test('that is not answered rejects with TIMEOUT', async () => {
    await using session = new Session(new FunctionTransport())
    expect(await failure(session.batch([part('a')], { what: 'change it', timeout: 1 }))).toMatchObject({
      code: 'TIMEOUT',
      message: 'change it: no answer within 1 ms',
    })
  })
})

describe('a request that may be repeated', () => {
  const request = { ...tables, repeat: { doneErrno: Errno.EBUSY } } as Request

  test('is sent again when the kernel has dropped messages, and the answer to either counts', async () => {
    const transport: ReferenceTransport = new ReferenceTransport({ outboxSize: 4096 }, (datagram) => {
      sent.push(datagram)
      if (sent.length < 3) transport.dropped++
      else transport.queue.push({ bytes: addressed(errorMessage(datagram, Errno.EBUSY), 1), portId: 0, groups: 0 })
      transport.notify()
      return datagram.length
    })
    const sent: Uint8Array[] = []
    await using session = new Session(transport)
    expect(await session.request(request)).toEqual([])
    expect(sent.length).toBe(3)
    expect(sent[2]).toEqual(sent[0])
  })

  test('is not sent again while nothing is lost', async () => {
    const transport = new FunctionTransport()
    await using session = new Session(transport)
    expect(await failure(session.request(request, { timeout: 300 }))).toMatchObject({ code: 'TIMEOUT' })
    expect(transport.sent).toHaveLength(1)
  })

  test('is refused if the first answer has the errno that means it was already done', async () => {
    const transport = new FunctionTransport((datagram) => [errorMessage(datagram, Errno.EBUSY)])
    await using session = new Session(transport)
    expect(await failure(session.request(request))).toMatchObject({ errno: Errno.EBUSY })
  })
})
