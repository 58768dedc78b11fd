import { expect } from 'vitest'
import type { FrameBatch } from '../transport.ts'
import {
  bytesOf,
  type ConformanceCase,
  collect,
  expectDetached,
  expectLeaseReleased,
  expectNothing,
  expectRejects,
  expectThrows,
  framesOf,
  guarded,
  message,
  messages,
} from './case.ts'

const borrowed =
  '`for await` over a transport releases it when the next step is taken, on `break`, on a throw and on close; callers of {@link Transport.receive} release it themselves.'
const everyAccessor = 'Throws code `RELEASED` after release, in every accessor.'

export const batchCases: readonly ConformanceCase[] = [
  {
    title: 'as many frames as frameCount says are in live batches; then NO_FREE_FRAMES, and nothing is lost by it',
    promise:
      'Several batches may be live at one time, up to {@link Capabilities.frameCount}; beyond that the promise rejects with code `NO_FREE_FRAMES`, and nothing is lost that the kernel still has room for.',
    async run({ transport, peer }) {
      const { frameCount, batchSize } = transport.capabilities
      const sent = messages(frameCount + batchSize + 1)
      await peer.deliver(sent.slice(0, frameCount))
      // A ring has no queue: the peer waits with these messages until there is room.
      const delivered = guarded(Promise.resolve(peer.deliver(sent.slice(frameCount))))
      const live: FrameBatch[] = []
      let frames = 0
      while (frames < frameCount) {
        const batch = await transport.receive()
        live.push(batch)
        frames += batch.length
      }
      expect(frames).toBe(frameCount)
      expect(transport.stats.frames).toBe(frameCount)
      await expectRejects(transport.receive(), 'NO_FREE_FRAMES')
      expectThrows(() => transport.poll(), 'NO_FREE_FRAMES')
      expect(live.flatMap(framesOf)).toEqual(sent.slice(0, frameCount))
      for (const batch of live) batch.release()
      expect(await collect(transport, sent.length - frameCount)).toEqual(sent.slice(frameCount))
      await delivered
      expect(transport.stats.lost).toBe(0)
      expectNothing(transport)
    },
  },
  {
    title:
      'releasing any of many live batches makes room for the next; in a ring that copies, releasing the oldest does',
    promise:
      'A released frame can be filled again at once, except in a ring that copies: it reuses its frames in order',
    async run({ transport, peer }) {
      const { frameCount, batchSize, ring, hold } = transport.capabilities
      const oldestFirst = ring && hold === 'copy'
      const live: { batch: FrameBatch; frames: Uint8Array[] }[] = []
      const receive = async () => {
        const batch = await transport.receive()
        live.push({ batch, frames: framesOf(batch) })
      }
      await peer.deliver(messages(frameCount))
      for (let frames = 0; frames < frameCount; frames += live.at(-1)?.batch.length ?? 0) await receive()
      for (let round = 0; round < 12; round++) {
        const [released] = live.splice(oldestFirst ? 0 : (round * 5) % live.length, 1)
        released?.batch.release()
        await peer.deliver(messages(batchSize, round * batchSize))
        await receive()
        for (const { batch, frames } of live) expect(framesOf(batch)).toEqual(frames)
      }
      for (const { batch } of live) batch.release()
    },
  },
  {
    title: 'an iteration releases a batch when the next one is requested',
    promise: borrowed,
    async run({ transport, peer }) {
      const seen: FrameBatch[] = []
      await peer.deliver([message(0)])
      for await (const batch of transport) {
        for (const earlier of seen) expectReleased(earlier)
        expect(batch.released).toBe(false)
        expect(framesOf(batch)).toEqual([message(seen.length)])
        seen.push(batch)
        if (seen.length === 8) break
        await peer.deliver([message(seen.length)])
      }
    },
  },
  {
    title: 'an iteration releases its batch on break',
    promise: borrowed,
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      let last: FrameBatch | undefined
      for await (const batch of transport) {
        last = batch
        break
      }
      if (last === undefined) expect.fail('no batch')
      expectReleased(last)
    },
  },
  {
    title: 'an iteration releases its batch on a throw',
    promise: borrowed,
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      const thrown = new Error('thrown in the loop')
      let last: FrameBatch | undefined
      const loop = async () => {
        for await (const batch of transport) {
          last = batch
          throw thrown
        }
      }
      await expect(loop()).rejects.toBe(thrown)
      if (last === undefined) expect.fail('no batch')
      expectReleased(last)
      await peer.deliver([message(1)])
      expect(await collect(transport, 1)).toEqual([message(1)])
    },
  },
  {
    title: 'close detaches batches that are live, of an iteration and of receive',
    promise: 'live batches and leases are detached',
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      const first = await transport.receive()
      await peer.deliver([message(1)])
      const second = await transport.receive()
      await transport.close()
      expectReleased(first)
      expectReleased(second)
      first.release()
    },
  },
  {
    title: 'a batch that is used after its release throws in every accessor, in iterators and in its memory',
    promise: everyAccessor,
    async run({ transport, peer }) {
      await peer.deliver(messages(2))
      const batch = await transport.receive()
      const iterator = batch[Symbol.iterator]()
      batch.release()
      expectThrows(() => iterator.next(), 'RELEASED')
      expectReleased(batch)
      await collect(transport, 2 - batch.length)
    },
  },
  {
    title: 'received frames keep their bytes until they are released',
    promise: 'A batch is borrowed: its bytes are valid until it is released.',
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      const live = await transport.receive()
      for (let round = 1; round < 20; round++) {
        await peer.deliver([message(round)])
        await collect(transport, 1)
        expect(framesOf(live)).toEqual([message(0)])
      }
      live.release()
    },
  },
  {
    title: 'a second release does nothing, not even to the batch that has the frames now',
    promise: 'Returns the frames to the transport, except those held. Idempotent.',
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      const first = await transport.receive()
      first.release()
      await peer.deliver([message(1)])
      const second = await transport.receive()
      first.release()
      first[Symbol.dispose]()
      const { frameCount, batchSize } = transport.capabilities
      const others: FrameBatch[] = []
      for (let round = 1; round < frameCount / batchSize; round++) {
        await peer.deliver([message(1 + round)])
        others.push(await transport.receive())
      }
      expect(framesOf(second)).toEqual([message(1)])
      for (const batch of [second, ...others]) batch.release()
    },
  },
  {
    title: 'disposing a batch or a lease releases it',
    promise:
      'The life of a frame: the kernel fills it; the user borrows it in a {@link FrameBatch}; it is released, with its batch or, when it was held, with its lease;',
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      const batch = await transport.receive()
      const lease = batch.hold(0)
      batch[Symbol.dispose]()
      expectReleased(batch)
      expect(bytesOf(lease)).toEqual(message(0))
      lease[Symbol.dispose]()
      expectLeaseReleased(lease)
      expect(transport.stats.held).toBe(0)
    },
  },
]

type ReadMember = (batch: FrameBatch) => unknown
const accessors: readonly ReadMember[] = [
  (batch) => batch.offset(0),
  (batch) => batch.byteLength(0),
  (batch) => batch.fullLength(0),
  (batch) => batch.portId(0),
  (batch) => batch.groups(0),
  (batch) => batch.hold(0),
  (batch) => [...batch],
]

function expectReleased(batch: FrameBatch): void {
  expect(batch.released).toBe(true)
  for (const read of accessors) expectThrows(() => read(batch), 'RELEASED')
  expectDetached(batch)
}
