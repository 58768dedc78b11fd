import { expect } from 'vitest'
import { Random } from '../faults/random.ts'
import type { Lease, Transport } from '../transport.ts'
import {
  bytesOf,
  type ConformanceCase,
  collect,
  expectLeaseReleased,
  frameOf,
  guarded,
  message,
  messages,
} from './case.ts'

const manyHeld = 'Any number of frames may be held: receiving continues, as long as batches are released.'

export const leaseCases: readonly ConformanceCase[] = [
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
