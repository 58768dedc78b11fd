import { existsSync, readdirSync } from 'node:fs'
import { expect } from 'vitest'
import type { FrameBatch, Transport } from '../transport.ts'
import {
  type ConformanceCase,
  expectRejects,
  expectThrows,
  framesOf,
  guarded,
  message,
  messages,
  send,
  settled,
  turns,
} from './case.ts'

const closesNow =
  'Closes at once: a pending receive rejects with code `CLOSED`, an iteration ends, live batches and leases are detached, and committed messages that were not flushed are discarded. Idempotent. Nothing dangles and nothing hangs.'
/** Rounds for transports without descriptors: enough to find leaks in memory. */
const FEW_ROUNDS = 20

export const lifecycleCases: readonly ConformanceCase[] = [
  {
    title: 'the capabilities are frozen, complete, and agree with each other',
    promise: 'The properties of a transport, fixed for its life.',
    async run({ transport }) {
      const { capabilities } = transport
      expect(Object.isFrozen(capabilities)).toBe(true)
      expect(transport.capabilities).toBe(capabilities)
      expect(capabilities.kind).toMatch(/^[a-z][a-z0-9+ -]*$/)
      expect(['ring', 'copy']).toContain(capabilities.hold)
      for (const name of ['ring', 'ordered', 'exactLoss'] as const) expect(capabilities[name]).toBeTypeOf('boolean')
      for (const name of ['frameSize', 'frameCount', 'batchSize', 'outboxSize'] as const) {
        expect(Number.isInteger(capabilities[name])).toBe(true)
        expect(capabilities[name]).toBeGreaterThan(0)
      }
      expect(capabilities.batchSize).toBeLessThanOrEqual(capabilities.frameCount)
      expect(capabilities.hold === 'ring' && !capabilities.ring).toBe(false)
      expect(transport.outbox.available).toBe(capabilities.outboxSize)
      expect(Number.isInteger(transport.portId)).toBe(true)
      expect(transport.portId).toBeGreaterThan(0)
    },
  },
  {
    title: 'all stats are there, and start at zero',
    promise: 'The counters of a transport since it was opened.',
    async run({ transport }) {
      expect(statsOf(transport)).toEqual({
        frames: 0,
        bytes: 0,
        batches: 0,
        wakeups: 0,
        systemCalls: expect.toSatisfy((calls: number) => Number.isInteger(calls) && calls >= 0),
        lost: 0,
        truncated: 0,
        foreign: 0,
        held: 0,
        copied: 0,
        sent: 0,
        sentBytes: 0,
      })
    },
  },
  {
    title: 'the stats add up to the observed traffic',
    promise: 'Plain counters; reading them costs nothing.',
    async run({ transport, peer }) {
      const seen = { frames: 0, bytes: 0, batches: 0 }
      for (let round = 0; round < 5; round++) {
        const count = transport.capabilities.batchSize + round
        await peer.deliver(Array.from({ length: count }, (_, index) => message(index, 20 + index + round)))
        for (let received = 0; received < count; ) {
          const batch = await transport.receive()
          received += batch.length
          seen.batches++
          for (let index = 0; index < batch.length; index++) {
            seen.frames++
            seen.bytes += batch.byteLength(index)
          }
          batch.release()
        }
      }
      expect(transport.stats).toMatchObject({ ...seen, lost: 0, truncated: 0, foreign: 0, held: 0, sent: 0 })
    },
  },
  {
    title: 'close wakes a pending receive with code CLOSED',
    promise: closesNow,
    async run({ transport }) {
      const waiting = guarded(transport.receive())
      await turns()
      await transport.close()
      await expectRejects(waiting, 'CLOSED')
    },
  },
  {
    title: 'a receive that began in the same turn as close is woken too',
    promise: closesNow,
    async run({ transport }) {
      const waiting = guarded(transport.receive())
      const closing = transport.close()
      await expectRejects(waiting, 'CLOSED')
      await closing
    },
  },
  {
    title: 'close ends an iteration that waits',
    promise: 'Ends at close.',
    async run({ transport }) {
      const iterator = transport[Symbol.asyncIterator]()
      const waiting = guarded(iterator.next())
      await turns()
      await transport.close()
      expect(await settled(waiting)).toEqual({ status: 'fulfilled', value: { done: true, value: undefined } })
      expect(await iterator.next()).toEqual({ done: true, value: undefined })
    },
  },
  {
    title: 'close inside the loop ends it, and frees the batch in hand',
    promise: closesNow,
    async run({ transport, peer }) {
      await peer.deliver(messages(transport.capabilities.batchSize + 1))
      let rounds = 0
      let last: FrameBatch | undefined
      for await (const batch of transport) {
        rounds++
        last = batch
        await transport.close()
        expect(batch.released).toBe(true)
        await expectRejects(transport.receive(), 'CLOSED')
      }
      expect(rounds).toBe(1)
      expect(last?.released).toBe(true)
    },
  },
  {
    title: 'closing twice, consecutively or at the same time, is idempotent, and the event comes once',
    promise: closesNow,
    async run({ transport }) {
      let closes = 0
      transport.events.on('close', () => {
        closes++
      })
      await Promise.all([transport.close(), transport.close()])
      await transport.close()
      await transport[Symbol.asyncDispose]()
      await turns()
      expect(closes).toBe(1)
    },
  },
  {
    title: 'no event comes after that of the close',
    promise: 'the transport is closed; nothing comes after it',
    async run({ transport, peer }) {
      const seen: string[] = []
      transport.events.on('close', () => seen.push('close'))
      transport.events.on('overrun', () => seen.push('overrun'))
      await peer.deliver([message(0)])
      const waiting = settled(transport.receive())
      await transport.close()
      await waiting
      await turns()
      expect(seen).toEqual(['close'])
    },
  },
  {
    title: 'after close everything is refused with code CLOSED, and an iteration is over at once',
    promise: 'After (or at) close it rejects with code `CLOSED`.',
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      await transport.close()
      await expectRejects(transport.receive(), 'CLOSED')
      expectThrows(() => transport.poll(), 'CLOSED')
      expectThrows(() => transport.poll(10), 'CLOSED')
      expectThrows(() => transport.joinGroup(1), 'CLOSED')
      expectThrows(() => transport.leaveGroup(1), 'CLOSED')
      expectThrows(() => transport.readProcNet('netlink'), 'CLOSED')
      let rounds = 0
      for await (const _ of transport) rounds++
      expect(rounds).toBe(0)
      expect(transport.stats.frames).toBe(0)
    },
  },
  {
    title: 'await using closes',
    promise: 'A connection to the kernel (or its model), opened by the factory of its package.',
    async run({ transport, peer }) {
      let kept: FrameBatch | undefined
      {
        await using scoped = transport
        await peer.deliver([message(0)])
        kept = await scoped.receive()
        expect(framesOf(kept)).toEqual([message(0)])
      }
      expect(kept.released).toBe(true)
      await expectRejects(transport.receive(), 'CLOSED')
    },
  },
  {
    title: 'a missing file is an error',
    promise: 'Throws code `SYSTEM` if there is no such file, `UNSUPPORTED` if the transport has no such files.',
    async run({ transport }) {
      let code: unknown
      try {
        transport.readProcNet('no_such_file_of_ringlink')
      } catch (error) {
        code = error instanceof Error && 'code' in error ? error.code : undefined
      }
      expect(['SYSTEM', 'UNSUPPORTED']).toContain(code)
    },
  },
  {
    title: 'transports that are open at the same time are independent',
    promise: 'A connection to the kernel (or its model), opened by the factory of its package.',
    async run({ transport, peer, open }) {
      const other = await open({})
      try {
        const waiting = guarded(transport.receive())
        await other.peer.deliver([message(1)])
        const batch = await other.transport.receive()
        expect(framesOf(batch)).toEqual([message(1)])
        await peer.deliver([message(2)])
        expect(framesOf(await waiting)).toEqual([message(2)])
        expect(framesOf(batch)).toEqual([message(1)])
        await other.transport.close()
        await peer.deliver([message(3)])
        const next = await transport.receive()
        expect(framesOf(next)).toEqual([message(3)])
      } finally {
        await other.close()
      }
    },
  },
  {
    title: 'opening, using and closing many transports leaks no descriptor',
    promise: closesNow,
    async run({ open, peer }) {
      const before = descriptors()
      for (let round = 0, rounds = 1; round < rounds; round++) {
        const fixture = await open({})
        rounds = fixture.openRounds ?? FEW_ROUNDS
        const { transport } = fixture
        await fixture.peer.deliver([message(round)])
        const batch = await transport.receive()
        batch.hold(0)
        const waiting = settled(transport.receive())
        transport.outbox.reserve(16)
        await fixture.close()
        expect((await waiting).status).toBe('rejected')
        expect(transport.stats.held).toBe(0)
        expect(batch.released).toBe(true)
      }
      await turns()
      expect(descriptors()).toBe(before)
      await peer.deliver([message(0)])
    },
  },
  {
    title: 'using a transport adds no listeners, to itself or to the process',
    promise: closesNow,
    async run({ transport, peer }) {
      const count = () =>
        transport.events.listenerCount('close') +
        transport.events.listenerCount('overrun') +
        process.eventNames().reduce((total, name) => total + process.listenerCount(name), 0)
      const before = count()
      for (let round = 0; round < 30; round++) {
        const waiting = guarded(transport.receive())
        await peer.deliver([message(round)])
        const batch = await waiting
        batch.hold(0).release()
        batch.release()
        for (let iteration = 0; iteration < 2; iteration++) {
          await peer.deliver([message(round)])
          for await (const _ of transport) break
        }
      }
      expect(count()).toBe(before)
    },
  },
  {
    title: 'a transport with traffic in both directions closes completely',
    promise: closesNow,
    needs: ['sent'],
    async run({ transport, peer }) {
      send(transport.outbox, peer.request(0, 32))
      await peer.deliver(messages(transport.capabilities.batchSize))
      const batch = await transport.receive()
      await transport.close()
      await turns()
      expect(batch.released).toBe(true)
      await expectRejects(transport.receive(), 'CLOSED')
      expectThrows(() => transport.outbox.flush(), 'CLOSED')
    },
  },
]

function statsOf({ stats }: Transport): Record<string, unknown> {
  const names: (keyof Transport['stats'])[] = [
    'frames',
    'bytes',
    'batches',
    'wakeups',
    'systemCalls',
    'lost',
    'truncated',
    'foreign',
    'held',
    'copied',
    'sent',
    'sentBytes',
  ]
  return Object.fromEntries(names.map((name) => [name, stats[name]]))
}

/** The number of open descriptors of this process; 0 if unknown. */
function descriptors(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0
}
