/** publish() and openNats() with a real server: order, losses, acknowledgement, sharing and replay. */

import { collect, framesOf, message, messages } from '@ringlink/transport/conformance'
import { delay, drop, duplicate, reorder, truncate, withFaults } from '@ringlink/transport/faults'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newStream, openConsumer, TestHost, until } from './support/fixture.ts'
import { serverTests, serverUnavailable, TestServer } from './support/server.ts'

describe.skipIf(serverUnavailable !== undefined)(serverTests('frames through a server'), () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.open()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  test('come as the host delivered them, with its name and what was lost', async () => {
    const stream = await newStream(server)
    await using host = await TestHost.open(server, { stream, host: 'web1' })
    await using consumer = await openConsumer(server, { stream })
    host.lose(3)
    host.deliver(...messages(40))
    const batch = await consumer.receive()
    expect(batch.lost).toBe(3)
    expect(batch.origin).toMatchObject({ host: 'web1', continues: true })
    const received = framesOf(batch)
    batch.release()
    received.push(...(await collect(consumer, 40 - received.length)))
    expect(received).toEqual(messages(40))
    await host.stored()
    expect(host.publisher.stats).toMatchObject({ frames: 40, storedFrames: 40, droppedFrames: 0, lost: 3 })
    await until(() => consumer.deliveries.acknowledged === consumer.deliveries.received)
    expect([...consumer.hosts.values()]).toMatchObject([{ host: 'web1', frames: 40, lost: 3, droppedFrames: 0 }])
  })

  test.each(['none', 'deflate'] as const)(
    'of several hosts reach everybody, or are shared, compressed by %s',
    async (compression) => {
      const stream = await newStream(server)
      await using first = await TestHost.open(server, { stream, host: 'a.example', compression, messageSize: 4096 })
      await using second = await TestHost.open(server, { stream, host: 'b.example', compression, messageSize: 4096 })
      first.deliver(...messages(300))
      second.deliver(...messages(300, 1000))
      await first.stored()
      await second.stored()
      await using everything = await openConsumer(server, { stream })
      expect(sorted(await collect(everything, 600))).toEqual(sorted([...messages(300), ...messages(300, 1000)]))
      await using half = await openConsumer(server, { stream, consumer: 'shared', prefetch: 1 })
      await using other = await openConsumer(server, { stream, consumer: 'shared', prefetch: 1 })
      const seen = { half: [] as Uint8Array[], other: [] as Uint8Array[] }
      while (seen.half.length + seen.other.length < 600) {
        for (const [name, consumer] of Object.entries({ half, other })) {
          const batch = consumer.poll()
          if (batch !== undefined) seen[name as keyof typeof seen].push(...framesOf(batch))
          batch?.release()
        }
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      expect(seen.half.length).toBeGreaterThan(0)
      expect(seen.other.length).toBeGreaterThan(0)
      expect(sorted([...seen.half, ...seen.other])).toEqual(sorted([...messages(300), ...messages(300, 1000)]))
    },
  )

  test('are acknowledged when their last batch and lease are released, and not before', async () => {
    const stream = await newStream(server)
    await using host = await TestHost.open(server, { stream })
    await using consumer = await openConsumer(server, { stream, batchSize: 4 })
    await until(() => consumer.deliveries.received === 1)
    host.deliver(...messages(8))
    const first = await consumer.receive()
    const second = await consumer.receive()
    const lease = second.hold(1)
    first.release()
    second.release()
    expect(consumer.poll()).toBe(undefined)
    const { acknowledged } = consumer.deliveries
    host.deliver(message(100))
    await collect(consumer, 1)
    await until(() => consumer.deliveries.acknowledged > acknowledged)
    expect(consumer.deliveries.acknowledged).toBe(acknowledged + 1)
    lease.release()
    await until(() => consumer.deliveries.acknowledged === acknowledged + 2)
  })

  test('are acknowledged once all are released, also where faults drop, repeat, delay and reorder them', async () => {
    const stream = await newStream(server)
    await using host = await TestHost.open(server, { stream, messageSize: 4096 })
    const consumer = await openConsumer(server, { stream, consumer: 'c', batchSize: 4 })
    const some = { probability: 0.2 }
    const faults = [drop(some), duplicate(some), reorder(some), truncate(some), delay({ ...some, batches: 2 })]
    await using faulty = withFaults(consumer, faults, { seed: 7 })
    host.deliver(...messages(400, 0, 200))
    await host.stored()
    const seen = new Map<string, number>()
    let count = 0
    const { faults: happened } = faulty
    // What is delayed at the end waits for a batch that does not come.
    while (count + happened.dropped + happened.waiting - happened.duplicated < 400) {
      for (let batch = faulty.poll(); batch !== undefined; batch = faulty.poll()) {
        for (const frame of framesOf(batch)) {
          const key = Buffer.from(frame).toString('hex')
          seen.set(key, (seen.get(key) ?? 0) + 1)
          count++
        }
        batch.release()
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const { dropped, duplicated, reordered, truncated, delayed } = happened
    expect(Math.min(dropped, duplicated, reordered, truncated, delayed)).toBeGreaterThan(0)
    expect(seen.size).toBeGreaterThan(200)
    await until(() => consumer.deliveries.acknowledged === consumer.deliveries.received)
    const connection = await server.connect()
    const info = await connection.request(`$JS.API.CONSUMER.INFO.${stream}.c`, '')
    await connection.close()
    expect(info.json()).toMatchObject({ num_ack_pending: 0, num_pending: 0 })
  })

  test('come again, to another program, when the first one dies or closes without releasing them', async () => {
    const stream = await newStream(server)
    await using host = await TestHost.open(server, { stream })
    host.deliver(...messages(5))
    await host.stored()
    const first = await openConsumer(server, { stream, consumer: 'c', acknowledgeTimeout: 60_000 })
    const batch = await first.receive()
    expect(framesOf(batch)).toEqual(messages(5))
    await first.close()
    await first.closed
    await using second = await openConsumer(server, { stream, consumer: 'c' })
    expect(await collect(second, 5)).toEqual(messages(5))
  })

  test('can be replayed from a sequence number or a time, and a named consumer continues', async () => {
    const stream = await newStream(server)
    await using host = await TestHost.open(server, { stream })
    host.deliver(message(0))
    await host.stored()
    // The server has nanoseconds: the millisecond that it is now began before the message was stored.
    const time = new Date(Date.now() + 1)
    await until(() => Date.now() > time.getTime() + 2)
    host.deliver(message(1))
    await host.stored()
    host.deliver(message(2))
    await host.stored()
    for (const [start, expected] of [
      ['all', messages(3)],
      [{ sequence: 3 }, messages(2, 1)],
      [{ time }, messages(2, 1)],
    ] as const) {
      await using consumer = await openConsumer(server, { stream, start })
      expect(await collect(consumer, expected.length)).toEqual(expected)
    }
    await using fresh = await openConsumer(server, { stream, start: 'new' })
    await using first = await openConsumer(server, { stream, consumer: 'named', prefetch: 1 })
    expect(await collect(first, 1)).toEqual([message(0)])
    await first.close()
    await first.closed
    host.deliver(message(3))
    expect(await collect(fresh, 1)).toEqual([message(3)])
    await using continued = await openConsumer(server, { stream, consumer: 'named' })
    expect(await collect(continued, 3)).toEqual(messages(3, 1))
  })
})

function sorted(list: readonly Uint8Array[]): string[] {
  return list.map((bytes) => Buffer.from(bytes).toString('hex')).sort()
}
