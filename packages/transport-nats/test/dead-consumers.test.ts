/** Programs that are gone between receive and acknowledge: another one gets what they had, whole, after a timeout. */
import { collect, framesOf, messages } from '@ringlink/transport/conformance'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newStream, openConsumer, TestHost, until } from './support/fixture.ts'
import { TestProxy } from './support/proxy.ts'
import { serverTests, serverUnavailable, TestServer } from './support/server.ts'

describe.skipIf(serverUnavailable !== undefined)(serverTests('a program that is gone before it acknowledges'), () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.open()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  test.concurrent.each([false, true])('leaves its messages to another one (exclusive: %s)', async (exclusive) => {
    const stream = await newStream(server)
    await using host = await TestHost.open(server, { stream, messageSize: 4096 })
    host.deliver(...messages(60, 0, 200))
    await host.stored()
    await using proxy = await TestProxy.open(server.port)
    const options = { stream, consumer: 'c', exclusive, acknowledgeTimeout: 1000, prefetch: 1 }
    await using dead = await openConsumer(server, { ...options, servers: proxy.address })
    // The one that the publisher began with has no frames.
    const batch = await dead.receive()
    const had = framesOf(batch)
    expect(had.length).toBeGreaterThan(0)
    const gone = proxy.breakAt('requests', '')
    await gone
    await using heir = await openConsumer(server, options)
    const received = await collect(heir, 60)
    expect(sorted(received)).toEqual(sorted(messages(60, 0, 200)))
    expect(heir.deliveries.redelivered).toBeGreaterThan(0)
    await until(() => heir.deliveries.acknowledged > 0)
    // What it does after that reaches nobody.
    batch.release()
    expect(dead.deliveries.acknowledged).toBeLessThanOrEqual(1)
  })
})

function sorted(list: readonly Uint8Array[]): string[] {
  return list.map((bytes) => Buffer.from(bytes).toString('hex')).sort()
}
