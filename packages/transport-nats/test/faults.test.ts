/** Bad input, refusals, and servers and consumers that die, each with its code and its counters. */

import { headers } from '@nats-io/transport-node'
import { collect, framesOf, message, messages, ReferenceTransport } from '@ringlink/transport/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type NatsError, openNats, publish } from '../src/index.ts'
import { newStream, numbered, openConsumer, TestHost, until } from './support/fixture.ts'
import { serverTests, serverUnavailable, TestServer } from './support/server.ts'

const source = () => new ReferenceTransport({}, (bytes) => bytes.length)
const nowhere = 'nats://127.0.0.1:1'

describe('wrong addresses and credentials', () => {
  it.each(['', 'http://a', 'nats://', 'nats://host/stream', 'nats://a:b:c', 7, [], ['nats://a', 'ftp://b']])(
    'the address %j is refused before anything is opened',
    async (servers) => {
      const options = { servers: servers as string, stream: 'S' }
      for (const opening of [() => openNats(options), () => publish(source(), options)]) {
        await expect(opening()).rejects.toMatchObject({
          code: expect.stringMatching(/^(ARGUMENT|VALUE_RANGE)$/),
          path: expect.stringContaining('servers'),
        })
      }
    },
  )

  it.each([
    { stream: 'a.b' },
    { stream: '' },
    { stream: 'S', subject: 'a b' },
    { stream: 'S', messageSize: 1 },
    { stream: 'S', overflow: 'none' },
    { stream: 'S', compression: 'lz4' },
    { stream: 'S', credentials: {} },
    { stream: 'S', unknown: 1 },
  ])('the options %j are refused before anything is opened', async (options) => {
    await expect(publish(source(), { servers: nowhere, ...options } as never)).rejects.toMatchObject({
      name: 'OptionError',
    })
  })

  it('a server that is gone at the start is an error, and a missing file of credentials', async () => {
    await expect(publish(source(), { servers: nowhere, stream: 'S' })).rejects.toMatchObject({
      code: 'NATS_UNREACHABLE',
    })
    await expect(openNats({ servers: nowhere, stream: 'S' })).rejects.toMatchObject({
      code: 'NATS_UNREACHABLE',
      message: expect.stringContaining('127.0.0.1:1'),
    })
    const missing = openNats({ servers: nowhere, stream: 'S', credentials: '/nowhere.creds' })
    await expect(missing).rejects.toMatchObject({
      code: 'NATS_REFUSED',
      message: expect.stringContaining('/nowhere.creds'),
    })
    const tls = { ca: '/nowhere.pem' }
    await expect(openNats({ servers: nowhere, stream: 'S', tls })).rejects.toMatchObject({ code: 'NATS_REFUSED' })
    const reason = new Error('enough')
    const aborted = openNats({ servers: nowhere, stream: 'S', signal: AbortSignal.abort(reason) })
    await expect(aborted).rejects.toBe(reason)
  })
})

describe.skipIf(serverUnavailable !== undefined)(serverTests('what a server refuses'), () => {
  let server: TestServer
  const host = { user: 'host', password: 'h' }
  const admin = { user: 'admin', password: 'a' }
  beforeAll(async () => {
    // The smallest permissions of a host: its own subject, and the answers to it.
    server = await TestServer.open(`authorization { users [
      { user: admin, password: a }
      { user: host, password: h, permissions { publish: ["LOGS.web1"], subscribe: ["_INBOX.>"] } }
    ] }`)
    await newStream(server, { stream: 'LOGS', credentials: admin })
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  it('a wrong password, in the options or in the address', async () => {
    const wrong = { user: 'host', password: 'x' }
    await expect(openConsumer(server, { stream: 'LOGS', credentials: wrong })).rejects.toMatchObject({
      code: 'NATS_REFUSED',
    })
    const error = await publish(source(), {
      servers: server.address.replace('//', '//host:secret@'),
      stream: 'LOGS',
    }).then(
      () => undefined,
      (reason: NatsError) => reason,
    )
    expect(error).toMatchObject({ code: 'NATS_REFUSED' })
    expect(error?.message).not.toContain('secret')
  })

  it('a subject that the host may not publish to; its own works, with no other permission', async () => {
    const options = { stream: 'LOGS', credentials: host }
    await expect(TestHost.open(server, { ...options, host: 'web2' })).rejects.toMatchObject({ code: 'NATS_REFUSED' })
    await expect(openConsumer(server, options)).rejects.toMatchObject({ code: expect.stringMatching(/^NATS_/) })
    await using web1 = await TestHost.open(server, { ...options, host: 'web1' })
    web1.deliver(message(1))
    await web1.stored()
    await using consumer = await openConsumer(server, { stream: 'LOGS', credentials: admin })
    expect(await collect(consumer, 1)).toEqual([message(1)])
  }, 30_000)

  it('a stream that does not exist, or takes other subjects', async () => {
    const options = { stream: 'NONE', credentials: admin }
    await expect(TestHost.open(server, options)).rejects.toMatchObject({ code: 'STREAM_MISSING' })
    await expect(openConsumer(server, options)).rejects.toMatchObject({ code: 'STREAM_MISSING' })
    await expect(TestHost.open(server, { ...options, stream: 'LOGS', subject: 'OTHER.x' })).rejects.toMatchObject({
      code: 'STREAM_MISSING',
      message: expect.stringContaining('LOGS.>'),
    })
  })
})

describe.skipIf(serverUnavailable !== undefined)(serverTests('faults of a server that runs'), () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.open()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  it('messages that are not ours, damaged or of another version are counted, and those between them come', async () => {
    const stream = await newStream(server)
    await using host = await TestHost.open(server, { stream })
    const connection = await server.connect()
    const errors: string[] = []
    await using consumer = await openConsumer(server, { stream })
    consumer.natsEvents.on('unreadable', ({ code }) => errors.push(code))
    host.deliver(message(1))
    await host.stored()
    connection.publish(`${stream}.x`, 'hello')
    const other = new Uint8Array(100)
    other.set([0x52, 0x4c, 0x4e, 0x46, 9])
    connection.publish(`${stream}.x`, other, { headers: headers() })
    await connection.flush()
    host.deliver(message(2))
    expect(await collect(consumer, 2)).toEqual(messages(2, 1))
    expect(errors.sort()).toEqual(['ENVELOPE_FOREIGN', 'ENVELOPE_VERSION'])
    expect(consumer.deliveries.unreadable).toBe(2)
    await connection.close()
  })

  it('a deleted stream or consumer ends receiving, with its code', async () => {
    const stream = await newStream(server)
    await using consumer = await openConsumer(server, { stream, consumer: 'c' })
    await until(() => consumer.deliveries.received === 0)
    const connection = await server.connect()
    const failure = consumer.receive().then(
      () => undefined,
      (error: unknown) => error,
    )
    await connection.request(`$JS.API.CONSUMER.DELETE.${stream}.c`, '')
    expect(await failure).toMatchObject({ code: 'CONSUMER_UNUSABLE' })
    await using other = await openConsumer(server, { stream })
    await using host = await TestHost.open(server, { stream })
    const second = other.receive().then(
      () => undefined,
      (error: unknown) => error,
    )
    await connection.request(`$JS.API.STREAM.DELETE.${stream}`, '')
    await connection.close()
    expect(await second).toMatchObject({ code: expect.stringMatching(/^(STREAM_MISSING|CONSUMER_UNUSABLE)$/) })
    const trouble = new Promise<string>((resolve) => host.publisher.events.once('trouble', ({ code }) => resolve(code)))
    host.deliver(message(0))
    expect(await trouble).toBe('STREAM_MISSING')
    await newStream(server, { stream })
    await host.stored()
  })

  it('a consumer of another kind is refused', async () => {
    const stream = await newStream(server)
    const connection = await server.connect()
    const config = { durable_name: 'push', deliver_subject: 'there', ack_policy: 'none' }
    await connection.request(
      `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.push`,
      JSON.stringify({ stream_name: stream, config }),
    )
    await connection.close()
    await expect(openConsumer(server, { stream, consumer: 'push' })).rejects.toMatchObject({
      code: 'CONSUMER_UNUSABLE',
    })
  })

  it('a slow consumer takes no more memory than it fetches ahead, and loses nothing', async () => {
    const stream = await newStream(server)
    await using host = await TestHost.open(server, { stream, messageSize: 4096, delay: 0 })
    await using consumer = await openConsumer(server, { stream, prefetch: 2 })
    for (let round = 0; round < 20; round++) {
      host.deliver(...messages(20, round * 20, 200))
      await host.stored()
    }
    await until(() => consumer.deliveries.received === 2)
    expect(await collect(consumer, 400)).toEqual(messages(400, 0, 200))
  })

  it('clocks that jump, here or at the host, change nothing: nothing is ordered or timed by them', async () => {
    const stream = await newStream(server)
    const now = Date.now
    try {
      await using host = await TestHost.open(server, { stream })
      await using consumer = await openConsumer(server, { stream })
      for (const [round, jump] of [0, -3_600_000, 86_400_000].entries()) {
        Date.now = () => now() + jump
        host.deliver(message(round))
        expect(await collect(consumer, 1)).toEqual([message(round)])
      }
    } finally {
      Date.now = now
    }
  })
})

describe.skipIf(serverUnavailable !== undefined)(serverTests('a server that dies'), () => {
  it('in the middle: what was published while it was away arrives, once, in order', async () => {
    await using server = await TestServer.open()
    const stream = await newStream(server, { storage: 'file' })
    await using host = await TestHost.open(server, { stream })
    await using consumer = await openConsumer(server, { stream, consumer: 'c' })
    const received: Uint8Array[] = []
    for (let round = 0; round < 3; round++) {
      host.deliver(...messages(50, round * 100))
      received.push(...(await collect(consumer, 50)))
      await server.stop()
      host.deliver(...messages(50, round * 100 + 50))
      await until(() => host.publisher.trouble !== undefined)
      await server.start()
      received.push(...(await collect(consumer, 50)))
    }
    expect(received).toEqual(messages(300))
    await host.stored()
    expect(host.publisher.stats).toMatchObject({ frames: 300, storedFrames: 300, droppedFrames: 0, reconnects: 3 })
    expect(host.publisher.trouble).toBe(undefined)
  })

  it('is told by a code, and that it is back; a clock that goes back at that time does not delay it', async () => {
    await using server = await TestServer.open()
    const stream = await newStream(server, { storage: 'file' })
    await using host = await TestHost.open(server, { stream })
    await using consumer = await openConsumer(server, { stream, consumer: 'c' })
    const told: string[] = []
    host.publisher.events.on('trouble', ({ code }) => told.push(code))
    host.publisher.events.on('recovered', () => told.push('recovered'))
    const now = Date.now
    try {
      for (const [round, jump] of [-3_600_000, 86_400_000, -86_400_000].entries()) {
        Date.now = () => now() + jump
        await server.stop()
        await until(() => host.publisher.trouble !== undefined)
        host.deliver(message(round))
        await server.start()
        expect(await collect(consumer, 1)).toEqual([message(round)])
        await host.stored()
      }
    } finally {
      Date.now = now
    }
    expect(told).toEqual(Array.from({ length: 3 }, () => ['NATS_UNREACHABLE', 'recovered']).flat())
  })

  it('gives programs that share a consumer exclusively nothing twice, however often it is killed while they work', async () => {
    await using server = await TestServer.open()
    const stream = await newStream(server, { storage: 'file' })
    await using host = await TestHost.open(server, { stream, messageSize: 4096 })
    const options = { stream, consumer: 'c', exclusive: true, acknowledgeTimeout: 3000, prefetch: 2 }
    await using first = await openConsumer(server, options)
    await using second = await openConsumer(server, options)
    const seen = [new Set<number>(), new Set<number>()]
    let total = 0
    const look = () => {
      for (const [index, consumer] of [first, second].entries()) {
        const batch = consumer.poll()
        if (batch === undefined) continue
        for (const frame of framesOf(batch)) {
          seen[index]?.add(new DataView(frame.buffer).getUint32(0))
          total++
        }
        batch.release()
      }
    }
    for (let kill = 0; kill < 3; kill++) {
      for (let part = 0; part < 10; part++) {
        host.deliver(...Array.from({ length: 10 }, (_, index) => numbered(kill * 100 + part * 10 + index)))
        await until(() => host.publisher.pendingFrames === 0 && host.transport.queue.length === 0)
        look()
      }
      await server.stop()
      await server.start()
    }
    await until(() => {
      look()
      return total >= 300
    })
    await host.stored()
    expect(total).toBe(300)
    expect(new Set(seen.flatMap((numbers) => [...numbers])).size).toBe(300)
    expect(seen.every(({ size }) => size > 0)).toBe(true)
  })

  it('while a publisher ends: it says what it could not confirm', async () => {
    await using server = await TestServer.open()
    const stream = await newStream(server, { storage: 'file' })
    await using host = await TestHost.open(server, { stream })
    await server.stop()
    await until(() => host.publisher.trouble !== undefined)
    host.deliver(...messages(10))
    await until(() => host.publisher.stats.frames === 10)
    await host.publisher.finish({ timeout: 20 })
    expect(host.publisher.stats).toMatchObject({ frames: 10, storedFrames: 0, droppedFrames: 10, unconfirmedFrames: 0 })
  })

  it('a consumer that dies between receive and acknowledge: its messages come again after the timeout', async () => {
    await using server = await TestServer.open()
    const stream = await newStream(server)
    await using host = await TestHost.open(server, { stream })
    host.deliver(...messages(3))
    await host.stored()
    // A program that fetches and is never heard of again.
    await using first = await openConsumer(server, { stream, consumer: 'c', acknowledgeTimeout: 1000 })
    await first.close()
    await first.closed
    const connection = await server.connect()
    const dead = connection.subscribe('dead')
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.c`, JSON.stringify({ batch: 2, expires: 1e9 }), {
      reply: 'dead',
    })
    let taken = 0
    for await (const _ of dead) if (++taken === 2) break
    await connection.close()
    await using second = await openConsumer(server, { stream, consumer: 'c' })
    expect(await collect(second, 3)).toEqual(messages(3))
    expect(second.deliveries.redelivered).toBeGreaterThan(0)
  })
})
