/** What was on its way when a connection broke is sent again on the next one, at once: nothing waits for a timeout. */
import { collect, framesOf } from '@ringlink/transport/conformance'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newStream, numbered, openConsumer, TestHost, until } from './support/fixture.ts'
import { type Direction, TestProxy } from './support/proxy.ts'
import { serverTests, serverUnavailable, TestServer } from './support/server.ts'

/** Timers of at least so many milliseconds never fire: less than any timeout of a request, or wait after a refusal. */
const NEVER = 500
/** Frames of a part; the next part follows when everything of it is acknowledged. */
const FRAMES = 10
const PARTS = 4

function stopLongTimers(): void {
  const { setTimeout: later, setInterval: often } = globalThis
  const slow = (milliseconds = 0) => (milliseconds >= NEVER ? 2 ** 31 - 1 : milliseconds)
  const timeout = (run: () => void, milliseconds?: number) => later(run, slow(milliseconds))
  const interval = (run: () => void, milliseconds?: number) => often(run, slow(milliseconds))
  vi.stubGlobal('setTimeout', timeout)
  vi.stubGlobal('setInterval', interval)
}

describe.skipIf(serverUnavailable !== undefined)(serverTests('a connection that breaks'), () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.open()
    stopLongTimers()
  })
  afterAll(async () => {
    vi.unstubAllGlobals()
    await server[Symbol.asyncDispose]()
  })

  test.concurrent.each<[who: 'host' | 'consumer', direction: Direction, text: string, nth: number]>([
    ['host', 'requests', 'HPUB', 1],
    ['host', 'requests', 'HPUB', 3],
    ['host', 'answers', '"seq"', 1],
    ['host', 'answers', '"seq"', 2],
    ['consumer', 'requests', 'CONSUMER.MSG.NEXT', 1],
    ['consumer', 'requests', '_CLAIMS.c', 1],
    ['consumer', 'requests', '_CLAIMS.c', 4],
    ['consumer', 'requests', '+ACK', 1],
    ['consumer', 'answers', '"seq"', 1],
    ['consumer', 'answers', '"seq"', 3],
    ['consumer', 'answers', 'RLNF', 1],
  ])('of the %s with %s that have %j, %i: all frames arrive once, and are acknowledged', async (...plan) => {
    const [who, direction, text, nth] = plan
    const stream = await newStream(server)
    await using proxy = await TestProxy.open(server.port)
    const through = (name: typeof who) => ({ servers: name === who ? proxy.address : server.address })
    await using host = await TestHost.open(server, { stream, messageSize: 4096, ...through('host') })
    const options = { stream, consumer: 'c', exclusive: true, acknowledgeTimeout: 1000, prefetch: 4 }
    await using consumer = await openConsumer(server, { ...options, ...through('consumer') })
    const broken = proxy.breakAt(direction, text, nth).then(() => proxy.restore())
    const seen: number[] = []
    for (let part = 0; part < PARTS; part++) {
      for (let index = 0; index < FRAMES; index++) host.deliver(numbered(part * FRAMES + index))
      await host.stored()
      await until(() => {
        const batch = consumer.poll()
        if (batch !== undefined) for (const { buffer } of framesOf(batch)) seen.push(new DataView(buffer).getUint32(0))
        batch?.release()
        const { received, duplicates, acknowledged } = consumer.deliveries
        return seen.length >= (part + 1) * FRAMES && acknowledged >= received - duplicates
      })
    }
    await broken
    expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: PARTS * FRAMES }, (_, index) => index))
    expect(host.publisher.stats.reconnects).toBe(who === 'host' ? 1 : 0)
  })

  test.concurrent('while a consumer asks why the server refused a pull: it pulls again', async () => {
    const stream = await newStream(server)
    await using host = await TestHost.open(server, { stream })
    await using proxy = await TestProxy.open(server.port)
    await using consumer = await openConsumer(server, { stream, consumer: 'c', servers: proxy.address })
    await until(() => consumer.deliveries.received === 1)
    const asked = proxy.breakAt('requests', 'CONSUMER.INFO')
    const connection = await server.connect()
    await connection.request(`$JS.API.CONSUMER.DELETE.${stream}.c`, '')
    await asked
    const config = { durable_name: 'c', ack_policy: 'explicit', deliver_policy: 'new' }
    const request = JSON.stringify({ stream_name: stream, config })
    await connection.request(`$JS.API.CONSUMER.DURABLE.CREATE.${stream}.c`, request)
    await connection.close()
    host.deliver(numbered(1))
    proxy.restore()
    expect(await collect(consumer, 1)).toEqual([numbered(1)])
  })
})
