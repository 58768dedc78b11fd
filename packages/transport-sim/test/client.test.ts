/** The client on a simulated kernel. */

import { openQueue, type Queue, type QueueOptions } from '@ringlink/client'
import { describe, expect, test } from 'vitest'
import { SimKernel } from '../src/index.ts'
import { textOf, udp } from './support.ts'

async function open(options: Partial<QueueOptions> = {}) {
  const kernel = new SimKernel({ seed: 1 })
  kernel.addRule({ hook: 3, queue: 0 })
  const delivered: string[] = []
  kernel.onDelivered(({ bytes }) => delivered.push(textOf(bytes)))
  const queue = await openQueue({ number: 0, transport: (needs) => kernel.open(needs), ...options })
  const inject = (...texts: string[]) => {
    for (const text of texts) kernel.inject(udp(5000, text))
  }
  return { kernel, queue, delivered, inject }
}

/** Runs a loop over `queue` until it has seen `count` packets. */
async function read(
  queue: Queue,
  count: number,
  each: (text: string, packet: { accept(): void; drop(): void; hold(): unknown }) => void,
) {
  let seen = 0
  for await (const packets of queue) {
    for (const packet of packets) each(textOf(packet.payload()), packet)
    seen += packets.length
    if (seen >= count) break
  }
}

describe('the client on a simulated kernel', () => {
  test('answers packets', async () => {
    const { kernel, queue, delivered, inject } = await open()
    inject('a', 'b', 'c')
    await read(queue, 3, (text, packet) => (text === 'b' ? packet.drop() : packet.accept()))
    expect([delivered, kernel.dropped.verdict]).toEqual([['a', 'c'], 1])
    expect(queue.counters()).toMatchObject({ waiting: 0, lastId: 3, queueDropped: 0, userDropped: 0 })
    await queue.close()
  })

  test('wakes a loop that waits', async () => {
    const { queue, delivered, inject } = await open()
    const reading = read(queue, 2, (_, packet) => packet.accept())
    inject('first')
    await new Promise((resolve) => setImmediate(resolve))
    expect(delivered).toEqual(['first'])
    inject('second')
    await reading
    expect(delivered).toEqual(['first', 'second'])
    await queue.close()
  })

  test('gives packets without a verdict the queue’s own, at the end of their batch', async () => {
    const accepting = await open({ unanswered: 'accept' })
    accepting.inject('a', 'b')
    await read(accepting.queue, 2, (text, packet) => text === 'b' && packet.drop())
    expect(accepting.delivered).toEqual(['a'])
    const dropping = await open()
    dropping.inject('a')
    await expect(
      read(dropping.queue, 1, () => {
        throw new Error('handler')
      }),
    ).rejects.toThrow('handler')
    expect(dropping.kernel.dropped.verdict).toBe(1)
  })

  test('keeps a held packet readable after its frame was overwritten', async () => {
    const { queue, delivered, inject } = await open()
    inject('held', 'other')
    const held: { payload(): Uint8Array; accept(): void }[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        if (textOf(packet.payload()) === 'held') held.push(packet.hold())
        else packet.accept()
      }
      break
    }
    expect(delivered).toEqual(['other'])
    expect(textOf(held[0]?.payload() ?? new Uint8Array(0))).toBe('held')
    held[0]?.accept()
    await Promise.resolve()
    expect(delivered).toEqual(['other', 'held'])
    await queue.close()
  })

  test('tells the owner of a packet whose verdict came too late', async () => {
    const { kernel, queue, inject } = await open()
    const late: number[] = []
    queue.events.on('late', (id) => late.push(id))
    inject('a')
    let turn = 0
    for await (const packets of queue) {
      for (const packet of packets) packet.accept()
      if (++turn === 2) break
      kernel.flushQueues()
      inject('b')
    }
    queue.flush()
    queue.transport.stats
    inject('c')
    await read(queue, 1, (_, packet) => packet.accept())
    expect([late, queue.stats.late, kernel.dropped.flushed]).toEqual([[1], 1, 1])
    await queue.close()
  })

  test('can be configured from inside the loop', async () => {
    const { queue, delivered, inject } = await open({ copyRange: 60 })
    inject('long enough to be cut by the copy range')
    const lengths: number[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        lengths.push(packet.payloadLength)
        packet.accept()
      }
      if (lengths.length === 2) break
      await queue.configure({ copyRange: 30, maxLength: 7 })
      inject('long enough to be cut by the copy range')
    }
    expect([lengths, delivered.length]).toEqual([[60, 30], 2])
    await expect(queue.configure({ conntrack: true })).rejects.toMatchObject({ code: 'KERNEL', errno: 95 })
    await queue.close()
  })

  test('counts what was lost as the gap in the ids', async () => {
    const { kernel, queue, inject } = await open({ receiveBufferSize: 8320 })
    inject(...Array.from({ length: 15 }, () => 'x'))
    const lost: number[] = []
    for await (const packets of queue) {
      lost.push(packets.lost)
      packets.accept()
      if (lost.length === 2) break
      inject('after')
    }
    expect([lost, kernel.dropped.undelivered]).toEqual([[0, 5], 5])
    await queue.close()
  })

  test('refuses a queue that another owns, and one without privileges', async () => {
    const { kernel, queue } = await open()
    const refused = (privileged: boolean) =>
      openQueue({ number: 0, transport: (needs) => kernel.open({ ...needs, privileged }) })
    await expect(refused(true)).rejects.toMatchObject({ code: 'QUEUE_REFUSED' })
    await expect(refused(false)).rejects.toMatchObject({ code: 'QUEUE_REFUSED' })
    const conntrack = {
      number: 1,
      conntrack: true,
      transport: (needs: Parameters<SimKernel['open']>[0]) => kernel.open(needs),
    }
    await expect(openQueue(conntrack)).rejects.toMatchObject({ code: 'QUEUE_UNSUPPORTED' })
    await queue.close()
  })

  test('answers unread packets when it is closed', async () => {
    const { kernel, queue, delivered, inject } = await open({ unanswered: 'accept' })
    inject('a', 'b', 'c')
    await queue.close()
    expect([delivered, kernel.dropped.flushed]).toEqual([['a', 'b', 'c'], 0])
  })

  test('exposes reads of a packet after its batch', async () => {
    const { queue, inject } = await open()
    inject('a')
    let kept: { readonly id: number } | undefined
    for await (const packets of queue) {
      for (const packet of packets) kept = packet
      break
    }
    expect(() => kept?.id).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    await queue.close()
  })

  test('survives thousands of queues opened and closed', async () => {
    const kernel = new SimKernel()
    for (let i = 0; i < 2000; i++) {
      const transport = (needs: Parameters<SimKernel['open']>[0]) =>
        kernel.open({ ...needs, batchSize: 1, liveBatches: 1 })
      const queue = await openQueue({ number: i % 3, copyRange: 60, transport })
      await queue.close()
    }
    const last = kernel.open({ protocol: 12 })
    expect([last.portId, last.readProcNet('netfilter/nfnetlink_queue')]).toEqual([1000, ''])
  })
})
