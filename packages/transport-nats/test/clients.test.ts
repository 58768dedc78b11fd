/** Logs, events of connections and inspect of @ringlink/client and codec, over frames that came through a server. */

import { openConntrack, openLog } from '@ringlink/client'
import { Hook, NetfilterGroup, Protocol } from '@ringlink/codec'
import { inspectText } from '@ringlink/codec/inspect'
import { udpPacket } from '@ringlink/packet'
import { SimKernel } from '@ringlink/transport-sim'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PublishOptions, publish } from '../src/index.ts'
import { newStream, openConsumer, until } from './support/fixture.ts'
import { serverTests, serverUnavailable, TestServer } from './support/server.ts'

const packet = (port: number) =>
  udpPacket({
    ...{ source: '10.0.0.1', destination: '10.0.0.2', sourcePort: port, destinationPort: 5000 },
    payload: new Uint8Array(8),
  })

/** A simulated kernel that logs to group 5 and 6, and the publisher of its log. */
async function openHost(server: TestServer, stream: string, host: string, options: Partial<PublishOptions> = {}) {
  const kernel = new SimKernel()
  for (const group of [5, 6]) kernel.addRule({ hook: Hook.Output, log: { group, prefix: `${host} ${group}: ` } })
  const log = await openLog({ group: [5, 6], threshold: 4, readInterval: 0, transport: (needs) => kernel.open(needs) })
  const publisher = await publish(log.frames(), { servers: server.address, stream, host, delay: 1, ...options })
  return { kernel, log, publisher }
}

describe.skipIf(serverUnavailable !== undefined)(serverTests('clients on the other side of a stream'), () => {
  let server: TestServer
  beforeAll(async () => {
    server = await TestServer.open()
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  test('a log shows the records of several hosts, with their groups, numbers and losses', async () => {
    const stream = await newStream(server)
    for (const [index, host] of ['web1', 'web2'].entries()) {
      const { kernel, log, publisher } = await openHost(server, stream, host)
      for (let i = 0; i < 10 + index; i++) kernel.inject(packet(1000 + i))
      // The last records are delivered by the end of the log, and published.
      await log.finish()
      await publisher.finish()
      expect(publisher.stats).toMatchObject({ messages: 2 * (10 + index), storedMessages: 2 * (10 + index), lost: 0 })
    }
    await using log = await openLog({ group: [5], transport: await openConsumer(server, { stream }) })
    const seen: string[] = []
    for await (const records of log) {
      for (const record of records) seen.push(`${records.origin?.host} ${record.prefix()}${record.sequence}`)
      if (seen.length === 21) break
    }
    const expected = ['web1', 'web2'].flatMap((host, index) =>
      Array.from({ length: 10 + index }, (_, i) => `${host} ${host} 5: ${i}`),
    )
    expect(seen).toEqual(expected)
    expect(log.stats).toMatchObject({ records: 21, lost: 0, malformed: 0 })
  })

  test('a log counts the records that the publisher dropped, by their numbers', async () => {
    await using away = await TestServer.open()
    const stream = await newStream(away, { storage: 'file' })
    const { kernel, log, publisher } = await openHost(away, stream, 'web1', { messageSize: 4096, bufferSize: 16_384 })
    for (let i = 0; i < 4; i++) kernel.inject(packet(i))
    await until(() => publisher.stats.storedMessages === 8)
    await away.stop()
    await until(() => publisher.trouble !== undefined)
    for (let i = 0; i < 400; i++) kernel.inject(packet(i))
    await until(() => publisher.stats.messages === 808)
    await away.start()
    await log.finish()
    await publisher.finish()
    const { storedMessages, droppedMessages, unconfirmedMessages } = publisher.stats
    expect(droppedMessages).toBeGreaterThan(0)
    expect([storedMessages + droppedMessages, unconfirmedMessages]).toEqual([808, 0])
    await using other = await openLog({ group: 'any', transport: await openConsumer(away, { stream }) })
    for await (const batch of other) {
      for (const record of batch) expect(record.payloadLength).toBeGreaterThan(0)
      if (other.stats.records + other.stats.lost >= 808) break
    }
    expect(other.stats).toMatchObject({ records: storedMessages, lost: droppedMessages })
  })

  test('rules belong to the host, and all groups to transports that only receive', async () => {
    const stream = await newStream(server)
    const transport = () => openConsumer(server, { stream })
    await expect(openLog({ group: 5, rule: 'output udp', transport })).rejects.toMatchObject({
      code: 'ARGUMENT',
      path: 'rule',
    })
    const local = openLog({ group: 'any', transport: (needs) => new SimKernel().open(needs) })
    await expect(local).rejects.toMatchObject({ code: 'ARGUMENT', path: 'group' })
  })

  test('events of connections come with the name of their host, and requests are refused', async () => {
    const stream = await newStream(server)
    const kernel = new SimKernel({ conntrack: { track: 'always' } })
    const groups = [NetfilterGroup.ConntrackNew, NetfilterGroup.ConntrackUpdate, NetfilterGroup.ConntrackDestroy]
    const source = kernel.open({ protocol: Protocol.Netfilter })
    for (const group of groups) source.joinGroup(group)
    await using publisher = await publish(source, { servers: server.address, stream, host: 'gateway', delay: 1 })
    await using conntrack = await openConntrack({ transport: () => openConsumer(server, { stream }) })
    await using events = await conntrack.events({ update: false, destroy: false })
    for (const port of [1, 2, 3]) kernel.inject(packet(port))
    const seen: string[] = []
    for await (const batch of events) {
      for (const connection of batch)
        seen.push(`${batch.origin?.host} ${connection.event} ${connection.connection().original.sourcePort}`)
      if (seen.length >= 3) break
    }
    expect(seen).toEqual(['gateway new 1', 'gateway new 2', 'gateway new 3'])
    await expect(conntrack.count()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    expect(publisher.stats.droppedFrames).toBe(0)
    await source.close()
  })

  test('inspect reads the frames', async () => {
    const stream = await newStream(server)
    const { kernel, log, publisher } = await openHost(server, stream, 'web1')
    kernel.inject(packet(7))
    await log.finish()
    await publisher.finish()
    await using transport = await openConsumer(server, { stream })
    const batch = await transport.receive()
    const bytes = batch.memory.copy(batch.offset(0), batch.byteLength(0))
    batch.release()
    expect(inspectText(bytes)).toContain('web1 5: ')
  })
})
