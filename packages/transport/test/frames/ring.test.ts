import { Memory } from '@ringlink/codec/memory'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeFrame, FRAME_WORDS, type FrameBatch, FrameRing, type Lease } from '../../src/index.ts'

const FRAME_SIZE = 8

/** A ring whose kernel fills the frame that was returned first, with an increasing number. */
class CountingRing extends FrameRing {
  readonly free: number[]
  #number = 0

  constructor(count: number, holdLimit: number) {
    const tables = {
      memory: new Memory(count * FRAME_SIZE),
      words: new Uint32Array(count * FRAME_WORDS),
      offsets: Uint32Array.from({ length: count }, (_, frame) => frame * FRAME_SIZE),
    }
    super(tables, { batchSize: count, holdLimit })
    this.free = Array.from({ length: count }, (_, frame) => frame)
  }

  /** A batch of up to `length` frames, and the numbers in them. */
  receive(length: number): { batch: FrameBatch; numbers: number[] } | undefined {
    const numbers: number[] = []
    for (const frame of this.free.splice(0, length)) {
      numbers.push(++this.#number)
      this.memory.u32[(frame * FRAME_SIZE) >> 2] = this.#number
      describeFrame(this.words, frame, 4, 4, 0, 0)
      this.add(frame)
    }
    return this.filled === 0 ? undefined : { batch: this.take(0), numbers }
  }

  protected override giveFrame(frame: number): void {
    expect(this.free).not.toContain(frame)
    this.free.push(frame)
  }
}

/**
 * The actions of a user: receives some frames, holds some of those (a frame perhaps more than once), releases others,
 * in any order.
 */
const step = fc.record({
  receive: fc.integer({ min: 1, max: 6 }),
  hold: fc.array(fc.nat(5), { maxLength: 8 }),
  releaseFirst: fc.boolean(),
  release: fc.array(fc.nat(40), { maxLength: 6 }),
})

test('for any holds and releases, the kernel has a frame once batches are released, bytes stay, counts are right', () => {
  const rings = fc
    .integer({ min: 2, max: 9 })
    .chain((count) => fc.record({ count: fc.constant(count), holdLimit: fc.nat(count - 1) }))
  fc.assert(
    fc.property(rings, fc.array(step, { maxLength: 40 }), ({ count, holdLimit }, steps) => {
      const ring = new CountingRing(count, holdLimit)
      const held: { lease: Lease; number: number }[] = []
      let copied = 0
      for (const { receive, hold, releaseFirst, release } of steps) {
        const received = ring.receive(receive)
        if (received === undefined) expect.fail('no frame is free although no batch is live')
        const { batch, numbers } = received
        for (const index of hold.filter((wanted) => wanted < batch.length)) {
          const lease = batch.hold(index)
          if (lease.memory !== ring.memory) copied++
          held.push({ lease, number: numbers[index] as number })
        }
        const releaseSome = () => {
          for (const at of release) held.splice(at % (held.length + 1), 1)[0]?.lease.release()
        }
        if (releaseFirst) releaseSome()
        batch.release()
        if (!releaseFirst) releaseSome()
        for (const { lease, number } of held) expect(lease.memory.u32[lease.offset >> 2]).toBe(number)
        const inPlace = new Set(held.filter(({ lease }) => lease.memory === ring.memory).map(({ number }) => number))
        expect(inPlace.size).toBeLessThanOrEqual(holdLimit)
        expect(ring).toMatchObject({ held: held.length, kept: inPlace.size, copied })
        expect(ring.free.length).toBe(count - inPlace.size)
      }
      ring.close()
      expect(ring.held).toBe(0)
      expect(ring.free.length).toBe(count)
    }),
    { numRuns: 300 },
  )
})

test('a frame is returned once its batch and all its leases are released, in any order', () => {
  const ring = new CountingRing(4, 3)
  const { batch } = ring.receive(2) as { batch: FrameBatch }
  const leases = [batch.hold(0), batch.hold(0), batch.hold(1)]
  leases[2]?.release()
  expect(ring.free.length).toBe(2)
  batch.release()
  expect(ring.free.length).toBe(3)
  leases[0]?.release()
  expect(ring.free.length).toBe(3)
  leases[1]?.release()
  expect(ring.free.length).toBe(4)
})
