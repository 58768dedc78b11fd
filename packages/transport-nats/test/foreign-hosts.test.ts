/** What a consumer makes of messages of other machines and versions, and what opening says of a full stream. */
import { readFileSync } from 'node:fs'
import { openLog } from '@ringlink/client'
import { parseVector } from '@ringlink/test-support/vectors'
import { message, ReferenceTransport } from '@ringlink/transport/conformance'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Envelope,
  envelopeLength,
  FRAME_DESCRIPTION,
  frameSpace,
  HOST_BYTE_ORDER,
  writeEnvelope,
  writeFrameDescription,
} from '../src/envelope.ts'
import { openNats, publish } from '../src/index.ts'
import { newStream, openConsumer, TestHost, until } from './support/fixture.ts'
import { serverTests, serverUnavailable, TestServer } from './support/server.ts'

const { bytes: bigEndianRecord } = parseVector(readFileSync(new URL('big-endian-record.hex', import.meta.url), 'utf8'))

/** The message that a host publishes for one frame. */
function published(frame: Uint8Array, changes: Partial<Envelope>): Uint8Array {
  const bodyLength = frameSpace(frame.length)
  const envelope: Envelope = {
    ...{ byteOrder: 'big', compression: 'none', protocol: 12, host: 'router', run: '00000000000000bb' },
    ...{ bootId: '00000000-0000-0000-0000-000000000000', first: 0, last: 0, messages: 1, bodyLength },
    ...{ lost: 0, droppedFrames: 0, droppedMessages: 0, ...changes },
  }
  const bytes = new Uint8Array(envelopeLength(envelope.host) + bodyLength)
  const at = writeEnvelope(bytes, envelope)
  writeFrameDescription(new DataView(bytes.buffer), at, frame.length, frame.length, 0)
  bytes.set(frame, at + FRAME_DESCRIPTION)
  return bytes
}

describe.skipIf(serverUnavailable !== undefined)(serverTests('messages of other machines'), () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.open()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  test.skipIf(HOST_BYTE_ORDER === 'big')('records of a big-endian host are decoded here', async () => {
    const stream = await newStream(server)
    const connection = await server.connect()
    connection.publish(`${stream}.router`, published(bigEndianRecord, {}))
    await connection.flush()
    await connection.close()
    const transport = await openNats({ servers: server.address, stream })
    await using log = await openLog({ group: 'any', transport })
    let count = 0
    for await (const records of log) {
      for (const record of records) {
        count++
        expect(record).toMatchObject({ group: 5, hook: 3, mark: 0x12345678, sequence: 0x01020304 })
        expect([record.prefix(), records.origin?.host]).toEqual(['be: ', 'router'])
      }
      break
    }
    expect(count).toBe(1)
  })

  test('of the other byte order and another protocol are counted, left to others, and do not stop the rest', async () => {
    const stream = await newStream(server)
    const byteOrder = HOST_BYTE_ORDER === 'little' ? 'big' : 'little'
    const connection = await server.connect()
    connection.publish(`${stream}.router`, published(message(1), { byteOrder, protocol: 0 }))
    await connection.flush()
    await using consumer = await openConsumer(server, { stream, consumer: 'c' })
    const codes: string[] = []
    consumer.natsEvents.on('unreadable', ({ code }) => codes.push(code))
    await until(() => codes.length === 1)
    await using host = await TestHost.open(server, { stream })
    host.deliver(message(2))
    const batch = await consumer.receive()
    expect(batch.length).toBe(1)
    batch.release()
    expect(codes).toEqual(['BYTE_ORDER'])
    expect(consumer.deliveries).toMatchObject({ unreadable: 1 })
    // It waits for a consumer of its byte order.
    await until(() => consumer.deliveries.acknowledged === 2)
    const info = await connection.request(`$JS.API.CONSUMER.INFO.${stream}.c`, '')
    await connection.close()
    expect(info.json()).toMatchObject({ num_ack_pending: 1 })
  })
})

describe.skipIf(serverUnavailable !== undefined)(serverTests('a stream that is full'), () => {
  test('is an error when publishing begins', async () => {
    await using server = await TestServer.open()
    const stream = await newStream(server, { discard: 'new', maximumBytes: 1 << 20 })
    const connection = await server.connect()
    const filler = new Uint8Array(100_000)
    for (let count = 0; count < 11; count++) await connection.request(`${stream}.filler`, filler)
    const rest = new Uint8Array(100)
    let isFull = false
    while (!isFull) isFull = 'error' in (await connection.request(`${stream}.filler`, rest)).json<object>()
    await connection.close()
    await using source = new ReferenceTransport({}, (bytes) => bytes.length)
    await expect(publish(source, { servers: server.address, stream })).rejects.toMatchObject({ code: 'STREAM_FULL' })
  })
})
