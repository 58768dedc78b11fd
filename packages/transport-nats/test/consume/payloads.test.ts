/** Messages that come in parts are collected as they were sent, in memory that is used again. */
import type { NatsConnection } from '@nats-io/transport-node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Payloads } from '../../src/consume/payloads.ts'
import { until } from '../support/fixture.ts'
import { serverTests, serverUnavailable, TestServer } from '../support/server.ts'

/** The client's parser, as far as it is used here. */
interface Parser {
  parse(part: Uint8Array): void
}
type ParserClass = new (dispatcher: { push(event: { readonly data?: Uint8Array }): void }) => Parser

function parserOf(connection: NatsConnection): Parser {
  return Reflect.get(Reflect.get(connection, 'protocol') as object, 'parser') as Parser
}

const text = new TextEncoder()

/** The bytes of a command that delivers a message, some of them with headers. */
function delivery(payload: Uint8Array, hasHeaders: boolean): Uint8Array {
  const headers = hasHeaders ? 'NATS/1.0\r\nNats-Msg-Id: an-id\r\n\r\n' : ''
  const lengths = hasHeaders ? `${headers.length} ${headers.length + payload.length}` : `${payload.length}`
  const command = text.encode(`${hasHeaders ? 'HMSG' : 'MSG'} subject 1 $JS.ACK.S.c.1.2.3.4.5 ${lengths}\r\n${headers}`)
  return Uint8Array.from([...command, ...payload, 13, 10])
}

describe('a client that is built otherwise', () => {
  test.each([[{}], [{ protocol: undefined }], [{ protocol: {} }], [{ protocol: { parser: {} } }]])('%j', (client) => {
    const payloads = new Payloads(client as unknown as NatsConnection, 2)
    payloads.attach()
    payloads.recycle(new Uint8Array(10))
    expect(payloads.collected).toBe(0)
  })
})

describe.skipIf(serverUnavailable !== undefined)(serverTests('messages in parts'), () => {
  test('are the same, however they are cut', async () => {
    await using server = await TestServer.open()
    const connection = await server.connect()
    const Parser = parserOf(connection).constructor as ParserClass
    await connection.close()
    const messages = fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.boolean()), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(
        messages,
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }),
        fc.boolean(),
        (sent, cuts, reuse) => {
          const received: Uint8Array[] = []
          const data: Uint8Array[] = []
          const parser = new Parser({
            push: (event) => {
              received.push(Uint8Array.from(event.data ?? []))
              data.push(event.data ?? new Uint8Array(0))
            },
          })
          const payloads = new Payloads({ protocol: { parser } } as unknown as NatsConnection, 2)
          payloads.attach()
          payloads.attach()
          const bytes = Uint8Array.from(sent.flatMap(([payload, hasHeaders]) => [...delivery(payload, hasHeaders)]))
          for (let at = 0, index = 0; at < bytes.length; index++) {
            const length = cuts[index % cuts.length] as number
            parser.parse(bytes.slice(at, at + length))
            at += length
            while (reuse && data.length > 0) payloads.recycle(data.pop() as Uint8Array)
          }
          const expected = sent.map(([payload]) => payload)
          expect(received.length).toBe(expected.length)
          for (const [index, payload] of expected.entries()) {
            const message = received[index] as Uint8Array
            expect(message.subarray(message.length - payload.length)).toEqual(payload)
          }
        },
      ),
    )
  })

  test('are collected in memory that is used again, also after the connection was replaced', async () => {
    await using server = await TestServer.open()
    const connection = await server.connect({ maxReconnectAttempts: -1, reconnectTimeWait: 20 })
    const payloads = new Payloads(connection, 2)
    payloads.attach()
    const received: Uint8Array[] = []
    connection.subscribe('there', { callback: (_, { data }) => void received.push(data) })
    const send = async (length: number, byte: number) => {
      const count = received.length
      connection.publish('there', new Uint8Array(length).fill(byte))
      await until(() => received.length > count)
      const last = received[count] as Uint8Array
      expect(Buffer.compare(last, new Uint8Array(length).fill(byte))).toBe(0)
      return last
    }
    const first = await send(900_000, 1)
    expect(payloads.collected).toBe(1)
    const second = await send(500_000, 2)
    expect(second.buffer).not.toBe(first.buffer)
    payloads.recycle(first)
    expect((await send(800_000, 3)).buffer).toBe(first.buffer)
    // What is too small for a message is not used for it, and what is not from here is never used.
    payloads.recycle(second)
    payloads.recycle(new Uint8Array(1_000_000))
    expect((await send(950_000, 4)).buffer).not.toBe(second.buffer)
    const { collected } = payloads
    const reconnected = (async () => {
      for await (const { type } of connection.status()) if (type === 'reconnect') return
    })()
    await server.stop()
    await server.start()
    await reconnected
    payloads.attach()
    await send(900_000, 5)
    expect(payloads.collected).toBe(collected + 1)
    await connection.close()
  })
})
