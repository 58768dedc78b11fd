/** What a sender writes, and what it makes of answers. */
import type { Msg, MsgCallback, NatsConnection } from '@nats-io/transport-node'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { EnvelopeIdentity } from '../../src/envelope.ts'
import { MessageBuilder, noLosses, type OutgoingMessage } from '../../src/publish/message.ts'
import { commandSpace, Sender, TRAILER } from '../../src/publish/sender.ts'
import { openServer } from '../../src/server.ts'
import { newStream } from '../support/fixture.ts'
import { serverTests, serverUnavailable, TestServer } from '../support/server.ts'

const identity: EnvelopeIdentity = {
  ...{ byteOrder: 'little', compression: 'none', protocol: 12, host: 'wéb', run: '00000000000000aa' },
  bootId: '00000000-0000-0000-0000-000000000000',
}

function builderFor(place: { readonly subject: string; readonly stream: string }): MessageBuilder {
  return new MessageBuilder(identity, 4096, { before: commandSpace(place), after: TRAILER })
}

/** A client whose server answers what the test says. */
class FakeConnection {
  readonly info = { max_payload: 1 << 20 }
  readonly replies: string[] = []
  #callback: MsgCallback<Msg> = () => {}

  subscribe(_: string, { callback }: { readonly callback: MsgCallback<Msg> }): void {
    this.#callback = callback
  }

  publish(_: string, __: Uint8Array, { reply }: { readonly reply: string }): void {
    this.replies.push(reply)
  }

  answer(subject: string | undefined, text: string, code = 0): void {
    const json = () => JSON.parse(text)
    this.#callback(null, { subject, json, headers: code === 0 ? undefined : { code } } as unknown as Msg)
  }
}

describe('the answers to a message', () => {
  const place = { subject: 'S.a', stream: 'S' }
  let connection: FakeConnection
  let sender: Sender
  let message: OutgoingMessage
  let events: string[]
  beforeEach(() => {
    vi.useFakeTimers()
    connection = new FakeConnection()
    events = []
    sender = new Sender(connection as unknown as NatsConnection, place, {
      stored: (stored, isDuplicate) => events.push(`${stored === message ? 'stored' : 'other'} ${isDuplicate}`),
      refused: (refused, { code }) => events.push(`${refused === message ? 'refused' : 'other'} ${code}`),
    })
    message = builderFor(place).take(noLosses())
    sender.send(message, 'id')
  })
  afterEach(() => {
    sender.close()
    vi.useRealTimers()
  })

  it.each([
    ['{"stream":"S","seq":1}', 0, 'stored false'],
    ['{"stream":"S","seq":1,"duplicate":true}', 0, 'stored true'],
    ['', 503, 'refused STREAM_MISSING'],
    ['{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}', 0, 'refused STREAM_FULL'],
    [
      '{"error":{"code":404,"err_code":10060,"description":"expected stream does not match"}}',
      0,
      'refused STREAM_MISSING',
    ],
    ['neither', 0, 'refused NATS_UNREACHABLE'],
  ])('%s with the status %i: %s', (text, code, expected) => {
    connection.answer(connection.replies[0], text, code)
    expect(events).toEqual([expected])
    vi.advanceTimersByTime(60_000)
    expect(events).toEqual([expected])
  })

  it('are awaited for five seconds, and count when they come later', () => {
    vi.advanceTimersByTime(4900)
    expect(events).toEqual([])
    vi.advanceTimersByTime(60_000)
    expect(events).toEqual(['refused NATS_UNREACHABLE'])
    sender.send(message, 'id')
    connection.answer(connection.replies[0], '{"seq":1}')
    expect(events).toEqual(['refused NATS_UNREACHABLE', 'stored false'])
  })

  it('are not awaited after the connection broke, and are ignored for what was forgotten', () => {
    sender.expectNothing()
    vi.advanceTimersByTime(60_000)
    sender.forget(message)
    connection.answer(connection.replies[0], '{"seq":1}')
    connection.answer('_INBOX.x.77', '{"seq":1}')
    expect(events).toEqual([])
  })
})

describe('the memory of messages', () => {
  it('is used again once a message is stored, unless an earlier attempt to send it may still be written', () => {
    const builder = new MessageBuilder(identity, 4096, { before: 10, after: 2 })
    const frame = { u8: new Uint8Array(3000), u16: new Uint16Array(1500), u32: new Uint32Array(750) }
    const build = () => {
      builder.add(frame as never, 0, 3000, 3000, 0)
      return builder.take(noLosses())
    }
    const once = build()
    builder.seal(once)
    builder.recycle(once)
    const twice = build()
    expect(twice.payload.buffer).toBe(once.payload.buffer)
    builder.seal(twice)
    builder.seal(twice)
    builder.recycle(twice)
    expect(build().payload.buffer).not.toBe(twice.payload.buffer)
  })

  it('is that of its bytes for a short one', () => {
    const builder = new MessageBuilder(identity, 65_536, { before: 10, after: 2 })
    const message = builder.take(noLosses())
    expect(message.size).toBe(builder.headerLength)
    expect(message.payload.byteOffset).toBe(10)
  })
})

describe.skipIf(serverUnavailable !== undefined)(serverTests('messages that a sender writes'), () => {
  it('are the same, written around the payload or by the client', async () => {
    await using server = await TestServer.open()
    const stream = 'STRÉAM'
    await newStream(server, { stream })
    const place = { subject: `${stream}.höst`, stream }
    const { connection, manager } = await openServer('test', { servers: server.address })
    // A client that lacks what a sender writes by.
    const other = new Proxy(connection, {
      get: (target, name) => {
        const value: unknown = name === 'protocol' ? undefined : Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    for (const client of [connection, other]) {
      const builder = builderFor(place)
      const message = builder.take(noLosses())
      const id = builder.seal(message)
      const stored = new Promise<boolean>((resolve, reject) => {
        const sender = new Sender(client, place, {
          stored: (_, isDuplicate) => {
            sender.close()
            resolve(isDuplicate)
          },
          refused: (_, error) => reject(error),
        })
        sender.send(message, id)
      })
      expect(await stored).toBe(client === other)
      const found = await manager.streams.getMessage(stream, { seq: 1 })
      expect(found?.data).toEqual(new Uint8Array(message.payload))
      expect(found?.header.get('Nats-Msg-Id')).toBe(id)
      expect(found?.subject).toBe(place.subject)
    }
    await connection.close()
  })
})
