import { expect } from 'vitest'
import { Random } from '../faults/random.ts'
import type { FrameBatch, Lease, Transport } from '../transport.ts'
import {
  bytesOf,
  type ConformanceCase,
  collect,
  expectNothing,
  expectRejects,
  expectThrows,
  frameOf,
  framesOf,
  guarded,
  message,
  messages,
} from './case.ts'

const borrowed =
  '`for await` over a transport releases it when the next step is taken, on `break`, on a throw and on close; callers of {@link Transport.receive} release it themselves.'
const manyHeld = 'Any number of frames may be held: receiving continues, as long as batches are released.'
const everyAccessor = 'Throws code `RELEASED` after release, in every accessor.'

export const leaseCases: readonly ConformanceCase[] = [
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
  {
    title: 'a held frame outlives its batch, and is released in any order',
    promise: 'A frame kept beyond its batch. It must be released, in any order;',
    async run({ transport, peer }) {
      const { batchSize, frameCount } = transport.capabilities
      const count = Math.min(batchSize, frameCount - batchSize)
      const sent = messages(count)
      await peer.deliver(sent)
      const held = await holdAll(transport, count)
      expect(held.map(bytesOf)).toEqual(sent)
      expect(transport.stats.held).toBe(count)
      for (let round = 0; round < 10; round++) {
        await peer.deliver(messages(batchSize, 100 + round))
        expect(await collect(transport, batchSize)).toEqual(messages(batchSize, 100 + round))
      }
      expect(held.map(bytesOf)).toEqual(sent)
      const order = held.map((_, index) => (index * 7 + 1) % count)
      const released = new Set<number>()
      for (const index of order) {
        held[index]?.release()
        held[index]?.release()
        released.add(index)
        expect(transport.stats.held).toBe(count - released.size)
        held.forEach((lease, at) => {
          if (released.has(at)) expectLeaseReleased(lease)
          else expect(bytesOf(lease)).toEqual(sent[at])
        })
      }
      for (const lease of held) lease.release()
      expect(transport.stats.held).toBe(0)
    },
  },
  {
    title: 'hold copies the frame or leaves it in place, as the capabilities say',
    promise: 'what {@link FrameBatch.hold} does: `ring` leaves the frame where it is, `copy` copies it out',
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      const batch = await transport.receive()
      const lease = batch.hold(0)
      const isSamePlace = lease.memory.buffer === batch.memory.buffer && lease.offset === batch.offset(0)
      expect(isSamePlace).toBe(transport.capabilities.hold === 'ring')
      expect(transport.stats.copied).toBe(transport.capabilities.hold === 'copy' ? 1 : 0)
      expect(lease.byteLength).toBe(batch.byteLength(0))
      expect(lease.released).toBe(false)
      batch.release()
      lease.release()
    },
  },
  {
    title: 'far more frames can be held than there are, and receiving continues',
    promise: manyHeld,
    async run({ transport, peer }) {
      const { frameCount, hold, holdLimit } = transport.capabilities
      const count = frameCount * 2 + 1
      const held: Lease[] = []
      for (let index = 0; index < count; index++) {
        await peer.deliver([message(index)])
        held.push(...(await holdAll(transport, 1)))
      }
      expect(held.map(bytesOf)).toEqual(messages(count))
      const { stats } = transport
      expect(stats.held).toBe(count)
      if (hold === 'copy') expect(stats.copied).toBe(count)
      else expect(stats.copied).toBeGreaterThanOrEqual(count - holdLimit)
      for (const lease of held) lease.release()
      expect(stats.held).toBe(0)
      await peer.deliver([message(250)])
      expect(await collect(transport, 1)).toEqual([message(250)])
      expect(stats.lost).toBe(0)
    },
  },
  {
    title: 'no more frames are held in place than holdLimit',
    promise:
      'maximum number of frames held in place, fewer than there are; further ones are copied out, so that the kernel always has frames to fill.',
    async run({ transport, peer }) {
      const { frameCount, hold, holdLimit } = transport.capabilities
      expect(holdLimit).toBeGreaterThanOrEqual(hold === 'ring' ? 1 : 0)
      expect(holdLimit).toBeLessThan(hold === 'ring' ? frameCount : 1)
      const held: Lease[] = []
      for (let index = 0; index <= holdLimit; index++) {
        await peer.deliver([message(index)])
        const batch = await transport.receive()
        held.push(batch.hold(0))
        const isInPlace = held[index]?.memory === batch.memory
        expect(isInPlace).toBe(index < holdLimit)
        expect(transport.stats.copied).toBe(isInPlace ? 0 : 1)
        batch.release()
      }
      expect(held.map(bytesOf)).toEqual(messages(holdLimit + 1))
      for (const lease of held) lease.release()
    },
  },
  {
    title: 'frames held and released in any pattern keep their bytes, and never stop the receiving',
    promise: manyHeld,
    async run({ transport, peer }) {
      const { frameCount, batchSize, hold } = transport.capabilities
      const random = new Random(frameCount)
      const held: { lease: Lease; bytes: Uint8Array }[] = []
      let copied = 0
      let next = 0
      for (let round = 0; round < 60; round++) {
        const sent = messages(1 + random.below(batchSize), next)
        next += sent.length
        // Frames held in place leave a ring little room, so the peer may have to wait.
        const delivered = guarded(Promise.resolve(peer.deliver(sent)))
        // Holds more and more at first, then fewer and fewer.
        const holds = round < 30 ? 0.7 : 0.2
        for (let frames = 0; frames < sent.length; ) {
          const batch = await transport.receive()
          for (let index = 0; index < batch.length; index++) {
            const bytes = message(next - sent.length + frames + index)
            expect(frameOf(batch, index)).toEqual(bytes)
            if (!random.chance(holds)) continue
            const lease = batch.hold(index)
            if (lease.memory !== batch.memory) copied++
            held.push({ lease, bytes })
          }
          frames += batch.length
          batch.release()
        }
        await delivered
        for (const { lease, bytes } of held) expect(bytesOf(lease)).toEqual(bytes)
        for (let index = held.length - 1; index >= 0; index--) {
          if (random.chance(0.5 - holds / 2)) held.splice(index, 1)[0]?.lease.release()
        }
        expect(transport.stats).toMatchObject({ held: held.length, copied, lost: 0 })
      }
      if (hold === 'copy') expect(copied).toBeGreaterThan(frameCount)
      for (const { lease } of held) lease.release()
      expect(transport.stats.held).toBe(0)
    },
  },
  {
    title: 'a lease that outlives its transport is detached',
    promise: 'a lease that outlives its transport is detached, and reading it then throws code `RELEASED`',
    async run({ transport, peer }) {
      await peer.deliver(messages(2))
      const held = await holdAll(transport, 2)
      await transport.close()
      for (const lease of held) expectLeaseReleased(lease)
      expect(transport.stats.held).toBe(0)
      held[0]?.release()
      expect(transport.stats.held).toBe(0)
    },
  },
  {
    title: 'released bytes are overwritten, so that code that still reads them is found',
    promise: 'A batch is borrowed: its bytes are valid until it is released.',
    needs: ['poison'],
    async run({ transport, peer }) {
      await peer.deliver([message(0, 64)])
      const batch = await transport.receive()
      const { memory } = batch
      const offset = batch.offset(0)
      batch.release()
      const left = memory.copy(offset, 64).filter((byte, at) => byte === message(0, 64)[at])
      expect(left.length).toBeLessThanOrEqual(8)
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

function expectLeaseReleased(lease: Lease): void {
  expect(lease.released).toBe(true)
  expectDetached(lease)
}

function expectDetached({ memory }: { memory: FrameBatch['memory'] }): void {
  for (const name of ['buffer', 'u8', 'u16', 'u32', 'i32', 'data'] as const) {
    expectThrows(() => memory[name], 'RELEASED')
  }
  expectThrows(() => memory.copy(0, 4), 'RELEASED')
}

/** Holds the next `count` frames, and releases their batches. */
async function holdAll(transport: Transport, count: number): Promise<Lease[]> {
  const held: Lease[] = []
  while (held.length < count) {
    const batch = await transport.receive()
    for (let index = 0; index < batch.length; index++) held.push(batch.hold(index))
    batch.release()
  }
  return held
}
