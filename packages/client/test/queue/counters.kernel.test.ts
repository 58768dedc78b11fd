import { spawnSync } from 'node:child_process'
import { stat } from 'node:fs'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { repetitions } from '@ringlink/test-support/patience'
import type { OpenTransport } from '@ringlink/transport'
import { openUring } from '@ringlink/transport-mmap'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { uringUnavailable } from '../../../transport-mmap/test/uring/support/fixture.ts'
import { type HeldPacket, openQueue, type Queue, type QueueOptions } from '../../src/index.ts'

const PORT = 9000
const SENT = 100 * repetitions(30, 10)

const transports: Record<string, (networkNamespace: string) => OpenTransport> = {
  socket: (networkNamespace) => (needs) => openSocket({ ...needs, networkNamespace }),
}
if (uringUnavailable === undefined) {
  transports.ring = (networkNamespace) => (needs) => openUring({ ...needs, networkNamespace })
  transports['ring with a kernel thread'] = (networkNamespace) => (needs) =>
    openUring({ ...needs, networkNamespace, kernelThread: true })
}

describe.skipIf(kernelUnavailable)(kernelTests('the counters of a queue of the real kernel'), () => {
  let namespace: Namespace
  let queue: Queue

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.listen(PORT)
    await namespace.queueOutput(5, { protocol: 'udp', destinationPort: PORT })
  })

  afterEach(async () => {
    await queue.close()
    await namespace.close()
  })

  describe.each(Object.entries(transports))('over a %s', (_, openIn) => {
    async function open(options: Partial<QueueOptions>): Promise<void> {
      const transport = openIn(namespace.path)
      queue = await openQueue({ number: 5, copyRange: 64, maxLength: 65536, transport, ...options })
    }

    /** Closes, and holds every equation of a queue in docs/counters.md to the kernel's counters. */
    async function expectEquations(sent = SENT): Promise<void> {
      await queue.close()
      const { stats } = queue
      const { lastId = -1, queueDropped = -1 } = queue.counters() ?? {}
      expect(lastId + queueDropped).toBe(sent)
      expect(stats.packets + stats.lost + stats.unseen).toBe(lastId)
      expect(stats.accepted + stats.dropped + stats.other).toBe(stats.packets)
      expect(stats).toMatchObject({ refused: 0, late: 0, malformed: 0 })
      await namespace.waitFor(PORT, stats.accepted + stats.unseen)
      expect((await namespace.received(PORT)).count).toBe(stats.accepted + stats.unseen)
    }

    test.each(['drop', 'accept'] as const)(
      'overrun, and silence: lost is exact at the latest at close (unanswered: %s)',
      async (unanswered) => {
        await open({ receiveBufferSize: 8192, unanswered })
        await namespace.send({ port: PORT, count: SENT })
        const { userDropped = -1 } = queue.counters() ?? {}
        expect(userDropped).toBeGreaterThan(SENT / 2)
        await expectEquations()
        expect(queue.stats).toMatchObject({ lost: userDropped, unanswered: SENT - userDropped })
      },
    )

    test('flood: a loop that reads while it is overrun', async () => {
      await open({ receiveBufferSize: 8192 })
      const reading = (async () => {
        for await (const packets of queue) packets.accept()
      })()
      await namespace.send({ port: PORT, count: SENT })
      const { userDropped = -1 } = queue.counters() ?? {}
      await expectEquations()
      await reading
      expect(queue.stats.lost).toBe(userDropped)
    })

    test.each(['reads', 'does not read'])('configure is answered during a flood, while a program %s', async (mode) => {
      await open({ receiveBufferSize: 8192, unanswered: 'accept' })
      const reading = (async () => {
        if (mode === 'reads') for await (const packets of queue) packets.accept()
      })()
      const flood = { isOver: false }
      const flooding = namespace.send({ port: PORT, count: 2 * SENT }).finally(() => {
        flood.isOver = true
      })
      let settings = 0
      for (; settings < 3 || !flood.isOver; settings++)
        await queue.configure({ maxLength: 60_000 + settings, copyRange: 32 + (settings % 32) })
      await flooding
      const { userDropped = -1 } = queue.counters() ?? {}
      if (mode === 'does not read') expect(userDropped).toBeGreaterThan(0)
      await expectEquations(2 * SENT)
      await reading
    })

    test('a full queue drops what has no id', async () => {
      await open({ maxLength: 100 })
      await namespace.send({ port: PORT, count: SENT })
      const { queueDropped = -1, waiting = -1 } = queue.counters() ?? {}
      expect({ queueDropped, waiting }).toEqual({ queueDropped: SENT - 100, waiting: 100 })
      await expectEquations()
      expect(queue.stats).toMatchObject({ packets: 100, lost: 0 })
    })

    test('a full queue with failOpen passes what has no id, and the kernel does not count it', async () => {
      await open({ maxLength: 100, failOpen: true })
      await namespace.send({ port: PORT, count: SENT })
      await queue.close()
      expect(queue.stats).toMatchObject({ packets: 100, dropped: 100, lost: 0, unseen: 0 })
      expect(queue.counters()).toMatchObject({ lastId: 100, queueDropped: 0 })
      await namespace.waitFor(PORT, SENT - 100)
      expect((await namespace.received(PORT)).count).toBe(SENT - 100)
    })

    test('with failOpen, what could not be delivered has passed unseen, and is not lost', async () => {
      await open({ receiveBufferSize: 8192, failOpen: true, unanswered: 'drop' })
      await namespace.send({ port: PORT, count: SENT })
      await expectEquations()
      expect(queue.stats.lost).toBe(0)
      expect(queue.stats.unseen).toBeGreaterThan(SENT / 2)
    })

    test('a slow consumer', async () => {
      await open({ receiveBufferSize: 100_000, maxLength: 200 })
      const reading = (async () => {
        for await (const packets of queue) {
          packets.accept()
          for (const end = performance.now() + 20; performance.now() < end; );
        }
      })()
      await namespace.send({ port: PORT, count: SENT })
      await expectEquations()
      await reading
    })

    test('packets that nobody has read are delivered and answered by close', async () => {
      await open({ unanswered: 'drop' })
      await namespace.send({ port: PORT, count: 500 })
      await expectEquations(500)
      expect(queue.stats).toMatchObject({ packets: 500, dropped: 500, unanswered: 500, lost: 0 })
    })

    test('packets that come in the very turn of close are answered, and counted as that', async () => {
      await open({ unanswered: 'accept' })
      const reading = (async () => {
        for await (const packets of queue) packets.drop()
      })()
      await new Promise(setImmediate)
      // From here to close the event loop handles what was ready before: it cannot know of these packets.
      await new Promise((resolve) => stat('.', resolve))
      const send = `for i in $(seq 20); do echo > /dev/udp/127.0.0.1/${PORT}; done`
      const { status } = spawnSync('nsenter', [`--net=${namespace.path}`, 'bash', '-c', send])
      expect(status).toBe(0)
      await expectEquations(20)
      await reading
      expect(queue.stats).toMatchObject({ packets: 20, accepted: 20, unanswered: 20, lost: 0 })
    })

    test('abrupt close, with packets held, answered and unread', async () => {
      await open({ unanswered: 'accept' })
      await namespace.send({ port: PORT, count: 500 })
      for await (const packets of queue) {
        for (const packet of packets) {
          if (packet.id % 3 === 0) packet.hold()
          else if (packet.id % 3 === 1) packet.drop()
        }
        break
      }
      await expectEquations(500)
    })

    test('finish leaves all packets to the loop, and waits for those that are held', async () => {
      await open({ unanswered: 'drop', maxLength: 65_536 })
      await namespace.send({ port: PORT, count: SENT })
      const held: HeldPacket[] = []
      const reading = (async () => {
        for await (const packets of queue) {
          for (const packet of packets) packet.id % 100 === 0 ? held.push(packet.hold()) : packet.accept()
          await new Promise(setImmediate)
        }
      })()
      const finished = queue.finish()
      while (held.length < SENT / 100) await new Promise(setImmediate)
      for (const packet of held) packet.accept()
      await finished
      await reading
      expect(queue.stats).toMatchObject({ packets: SENT, accepted: SENT, unanswered: 0 })
      await expectEquations()
    })

    test('finish ends while rules of others flood the queue', async () => {
      await open({ unanswered: 'drop' })
      const reading = (async () => {
        for await (const packets of queue) packets.accept()
      })()
      const sending = namespace.send({ port: PORT, count: SENT })
      while (queue.stats.packets === 0) await new Promise(setImmediate)
      await queue.finish()
      await reading
      await sending
      const { stats } = queue
      expect(stats.accepted + stats.dropped).toBe(stats.packets)
    })
  })
})
