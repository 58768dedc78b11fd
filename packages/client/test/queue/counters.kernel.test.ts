import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import type { TransportNeeds } from '@ringlink/transport'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openQueue, type Queue, type QueueOptions } from '../../src/index.ts'

const PORT = 9000
const SENT = 3000

describe.skipIf(kernelUnavailable)(kernelTests('the counters of a queue of the real kernel'), () => {
  let namespace: Namespace
  let queue: Queue | undefined

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.listen(PORT)
    await namespace.queueOutput(5, { protocol: 'udp', destinationPort: PORT })
  })

  afterEach(async () => {
    await queue?.close()
    await namespace.close()
  })

  const transport = (needs: TransportNeeds) => openSocket({ ...needs, networkNamespace: namespace.path })

  async function open(options: Partial<QueueOptions>): Promise<Queue> {
    queue = await openQueue({ number: 5, copyRange: 64, maxLength: 65536, transport, ...options })
    return queue
  }

  /** Every packet with an id is counted once, and every packet that was delivered has one verdict. */
  function expectWhole({ stats }: Queue, queued: number): void {
    expect(stats.packets + stats.lost + stats.unseen).toBe(queued)
    expect(stats.accepted + stats.dropped + stats.other).toBe(stats.packets)
  }

  test.each(['drop', 'accept'] as const)(
    'after a burst that overruns the socket, lost is exact once the queue is closed (unanswered: %s)',
    async (unanswered) => {
      const opened = await open({ receiveBufferSize: 8192, unanswered })
      await namespace.send({ port: PORT, count: SENT })
      const { userDropped = -1 } = opened.counters() ?? {}
      expect(userDropped).toBeGreaterThan(SENT / 2)
      await opened.close()
      expect(opened.stats.lost).toBe(userDropped)
      expectWhole(opened, SENT)
      expect(opened.stats.unanswered).toBe(SENT - userDropped)
    },
  )

  test('while a loop reads', async () => {
    const opened = await open({ receiveBufferSize: 8192 })
    const reading = (async () => {
      for await (const packets of opened) packets.accept()
    })()
    await namespace.send({ port: PORT, count: SENT })
    const { userDropped = -1 } = opened.counters() ?? {}
    await opened.close()
    await reading
    expect(opened.stats.lost).toBe(userDropped)
    expectWhole(opened, SENT)
  })

  test('with failOpen, packets that could not be delivered have passed unseen and are not lost', async () => {
    const opened = await open({ receiveBufferSize: 8192, failOpen: true, unanswered: 'drop' })
    await namespace.send({ port: PORT, count: SENT })
    await opened.close()
    expect(opened.stats.lost).toBe(0)
    expect(opened.stats.unseen).toBeGreaterThan(SENT / 2)
    expectWhole(opened, SENT)
    await namespace.waitFor(PORT, opened.stats.unseen)
    expect((await namespace.received(PORT)).count).toBe(opened.stats.unseen)
  })

  test('close answers packets that were delivered and not read', async () => {
    const opened = await open({ unanswered: 'drop' })
    await namespace.send({ port: PORT, count: 500 })
    await opened.close()
    expect(opened.stats).toMatchObject({ packets: 500, dropped: 500, unanswered: 500, lost: 0 })
    expectWhole(opened, 500)
  })

  test('after break, with packets held, answered and unread', async () => {
    const opened = await open({ unanswered: 'accept' })
    await namespace.send({ port: PORT, count: 500 })
    for await (const packets of opened) {
      for (const packet of packets) {
        if (packet.id % 3 === 0) packet.hold()
        else if (packet.id % 3 === 1) packet.drop()
      }
      break
    }
    await opened.close()
    expectWhole(opened, 500)
    const { accepted } = opened.stats
    await namespace.waitFor(PORT, accepted)
    expect((await namespace.received(PORT)).count).toBe(accepted)
  })
})
