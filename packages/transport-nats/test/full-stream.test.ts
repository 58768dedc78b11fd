/** A stream that takes nothing more: what a publisher drops then, and how consumers are told. */
import { framesOf } from '@ringlink/transport/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newStream, numbered, openConsumer, STREAM_BYTES, TestHost, until } from './support/fixture.ts'
import { serverTests, serverUnavailable, TestServer } from './support/server.ts'

describe.skipIf(serverUnavailable !== undefined)(serverTests('a stream that is full'), () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.open()
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
  })

  const newSmallStream = () => newStream(server, { discard: 'new', maximumBytes: 1 << 20 })

  /** A host with less memory than its stream has room. */
  const openHost = (stream: string, overflow: 'oldest' | 'newest') =>
    TestHost.open(server, { stream, messageSize: 65_536, bufferSize: 262_144, overflow })

  /** Frames as the publisher reads them, a hundred at a time. */
  async function deliverHundreds(host: TestHost, rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      host.deliver(...Array.from({ length: 100 }, (_, index) => numbered(round * 100 + index)))
      await until(() => host.transport.queue.length === 0)
    }
  }

  /** More room: a purge would remove stored messages, and what they say was dropped before them. */
  async function enlarge(stream: string): Promise<void> {
    const connection = await server.connect()
    const { config } = (await connection.request(`$JS.API.STREAM.INFO.${stream}`, '')).json<{ config: object }>()
    const larger = JSON.stringify({ ...config, max_bytes: STREAM_BYTES })
    await connection.request(`$JS.API.STREAM.UPDATE.${stream}`, larger)
    await connection.close()
  }

  it('does not stop a host: frames are dropped, counted, and the rest follows', async () => {
    const stream = await newSmallStream()
    await using host = await openHost(stream, 'oldest')
    const trouble: string[] = []
    host.publisher.events.on('trouble', ({ code }) => trouble.push(code))
    await deliverHundreds(host, 12)
    await until(() => trouble.length > 0 && host.publisher.stats.droppedFrames > 0)
    expect(trouble).toEqual(['STREAM_FULL'])
    await enlarge(stream)
    await host.stored()
    // Messages that were sent cannot be dropped, so when all of them were, it is the frames that came which are
    // missing.
    host.deliver(numbered(1200))
    await host.stored()
    const { frames, storedFrames, droppedFrames, unconfirmedFrames } = host.publisher.stats
    expect(frames).toBe(1201)
    expect(storedFrames + droppedFrames).toBe(1201)
    expect(unconfirmedFrames).toBe(0)
    await using consumer = await openConsumer(server, { stream })
    const last = Buffer.from(numbered(1200))
    let lost = 0
    for (let isLast = false; !isLast; ) {
      const batch = await consumer.receive()
      lost += batch.lost
      isLast = framesOf(batch).some((frame) => last.equals(frame))
      batch.release()
    }
    expect(lost).toBe(droppedFrames)
  })

  it('with the policy newest, the frames that come are dropped, and those that wait stay', async () => {
    const stream = await newSmallStream()
    await using host = await openHost(stream, 'newest')
    await deliverHundreds(host, 14)
    await until(() => host.publisher.stats.droppedFrames > 0)
    await host.publisher.finish({ timeout: 50 })
    const { frames, storedFrames, droppedFrames, unconfirmedFrames } = host.publisher.stats
    expect(storedFrames + droppedFrames + unconfirmedFrames).toBe(frames)
  })

  it.each(['oldest', 'newest'] as const)(
    'with the policy %s, what was dropped while the memory was full is told at the end',
    async (overflow) => {
      const stream = await newSmallStream()
      await using host = await openHost(stream, overflow)
      await deliverHundreds(host, 14)
      await until(() => host.publisher.stats.droppedFrames > 0)
      const finished = host.publisher.finish()
      await enlarge(stream)
      await finished
      const { frames, storedFrames, droppedFrames, unconfirmedFrames } = host.publisher.stats
      expect({ unconfirmedFrames, sum: storedFrames + droppedFrames }).toEqual({ unconfirmedFrames: 0, sum: frames })
      await using consumer = await openConsumer(server, { stream })
      const received = (async () => {
        for await (const batch of consumer) batch.release()
      })()
      const told = () => [...consumer.hosts.values()].reduce((sum, { droppedFrames }) => sum + droppedFrames, 0)
      await until(() => consumer.stats.frames === storedFrames && told() === droppedFrames)
      await consumer.close()
      await received
    },
  )
})
