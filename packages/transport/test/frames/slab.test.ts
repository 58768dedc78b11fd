import { describe, expect, test } from 'vitest'
import { copyBatch, FRAME_WORDS, type FrameBatch, POISON, SlabPool } from '../../src/index.ts'

const sizes = { frameSize: 40, batchSize: 3, slabs: 2, poison: true }

/** Fills the next slab with frames of the lengths given, each full of its number from `first` on. */
function take(pool: SlabPool, byteLengths: number[], first = 1, lost = 0): FrameBatch {
  const slab = pool.next()
  byteLengths.forEach((byteLength, index) => {
    const frame = slab * pool.sizes.batchSize + index
    pool.memory.u8.fill(first + index, frame * pool.stride, frame * pool.stride + byteLength)
    pool.words.set([byteLength, byteLength + 100, index + 7, 1 << index], frame * FRAME_WORDS)
  })
  return pool.take(slab, byteLengths.length, lost)
}

const code = (name: string) => expect.objectContaining({ code: name })

test.each([
  [1, 64],
  [64, 64],
  [65, 192],
  [128, 192],
  [192, 192],
  [193, 320],
  [4096, 4160],
  [32768, 32832],
])('frames of %i bytes are %i apart: an odd number of cache lines', (frameSize, stride) => {
  const pool = new SlabPool({ frameSize, batchSize: 2, slabs: 2 })
  expect(pool.stride).toBe(stride)
  expect(pool.memory.byteLength).toBe(4 * stride)
  expect(pool.words.length).toBe(4 * FRAME_WORDS)
})

test('a batch shows what was written about its frames', () => {
  const pool = new SlabPool(sizes)
  const batch = take(pool, [4, 9, 0], 1, 5)
  expect(batch.lost).toBe(5)
  expect(batch.length).toBe(3)
  const read = [0, 1, 2].map((index) => ({
    at: batch.offset(index),
    byteLength: batch.byteLength(index),
    fullLength: batch.fullLength(index),
    portId: batch.portId(index),
    groups: batch.groups(index),
  }))
  const first = batch.offset(0)
  expect(read).toEqual([
    { at: first, byteLength: 4, fullLength: 104, portId: 7, groups: 1 },
    { at: first + 64, byteLength: 9, fullLength: 109, portId: 8, groups: 2 },
    { at: first + 128, byteLength: 0, fullLength: 100, portId: 9, groups: 4 },
  ])
  const seen = []
  for (const { index, offset, byteLength } of batch) seen.push({ index, offset, byteLength })
  expect(seen).toEqual(read.map(({ at, byteLength }, index) => ({ index, offset: at, byteLength })))
})

test.each([-1, 3, Number.NaN])('frame %s of three is refused', (index) => {
  const batch = take(new SlabPool(sizes), [4, 4, 4])
  expect(() => batch.offset(index)).toThrow(code('ARGUMENT'))
  expect(() => batch.hold(index)).toThrow(code('ARGUMENT'))
})

test('the slab that was returned last is used next', () => {
  const pool = new SlabPool({ ...sizes, slabs: 3 })
  const [first, second] = [take(pool, [4]), take(pool, [4])]
  const at = first.offset(0)
  second.release()
  first.release()
  expect(take(pool, [4]).offset(0)).toBe(at)
})

test('with all slabs live it refuses and says what to do; after a release there is room again', () => {
  const pool = new SlabPool(sizes)
  const batches = [take(pool, [4]), take(pool, [4])]
  expect(() => pool.next()).toThrow(
    expect.objectContaining({
      code: 'NO_FREE_FRAMES',
      message: 'receive: 2 batches of 3 frames are live; release one',
    }),
  )
  batches[0]?.release()
  batches[0]?.release()
  pool.take(pool.next(), 1, 0)
  expect(() => pool.next()).toThrow(code('NO_FREE_FRAMES'))
})

test('a batch that is released between next and take leaves all slabs accounted for', () => {
  const pool = new SlabPool({ ...sizes, slabs: 3 })
  const early = take(pool, [4])
  const slab = pool.next()
  early.release()
  pool.take(slab, 1, 0)
  const others = [pool.next()]
  pool.take(others[0] as number, 1, 0)
  others.push(pool.next())
  pool.take(others[1] as number, 1, 0)
  expect(new Set([slab, ...others]).size).toBe(3)
  expect(() => pool.next()).toThrow(code('NO_FREE_FRAMES'))
})

describe('release', () => {
  test('poisons the frames, all of their bytes and nothing else', () => {
    const pool = new SlabPool(sizes)
    const lengths = [40, 7, 0]
    const released = take(pool, lengths, 1)
    const kept = take(pool, [40, 40, 40], 11)
    const { memory } = released
    const at = released.offset(0)
    released.release()
    const expected = lengths.flatMap((length) =>
      Array.from({ length: 64 }, (_, offset) => (offset < length ? POISON : 0)),
    )
    expect([...memory.copy(at, 3 * 64)]).toEqual(expected)
    expect(kept.memory.copy(kept.offset(2), 40)).toEqual(new Uint8Array(40).fill(13))
  })

  test('does not write without poisoning', () => {
    const pool = new SlabPool({ ...sizes, poison: false })
    const batch = take(pool, [4])
    const at = batch.offset(0)
    batch.release()
    expect(pool.memory.u8[at]).toBe(1)
  })

  test('detaches the batch', () => {
    const batch = take(new SlabPool(sizes), [4, 4])
    const iterator = batch[Symbol.iterator]()
    iterator.next()
    batch[Symbol.dispose]()
    expect(batch.released).toBe(true)
    for (const read of ['offset', 'byteLength', 'fullLength', 'portId', 'groups', 'hold'] as const) {
      expect(() => batch[read](0)).toThrow(code('RELEASED'))
    }
    expect(() => iterator.next()).toThrow(code('RELEASED'))
    expect(() => batch.memory.u8).toThrow(code('RELEASED'))
  })
})

describe('hold', () => {
  test('copies the frame, and counts', () => {
    const pool = new SlabPool(sizes)
    const batch = take(pool, [5, 3])
    const lease = batch.hold(1)
    const empty = batch.hold(0)
    expect(pool).toMatchObject({ held: 2, copied: 2 })
    batch.release()
    expect(lease.memory.copy(lease.offset, lease.byteLength)).toEqual(new Uint8Array(3).fill(2))
    lease.release()
    lease.release()
    expect(pool).toMatchObject({ held: 1, copied: 2 })
    expect(lease.released).toBe(true)
    expect(() => lease.memory.u8).toThrow(code('RELEASED'))
    empty[Symbol.dispose]()
    expect(pool.held).toBe(0)
  })

  test('accepts an empty frame too', () => {
    const lease = take(new SlabPool(sizes), [0]).hold(0)
    expect(lease.byteLength).toBe(0)
    expect(lease.memory.u8.length).toBe(0)
  })

  test('does not reduce the room for receiving', () => {
    const pool = new SlabPool(sizes)
    const leases = Array.from({ length: 100 }, (_, round) => {
      const batch = take(pool, [4], round)
      const lease = batch.hold(0)
      batch.release()
      return lease
    })
    expect(leases.map(({ memory }) => memory.u8[0])).toEqual(leases.map((_, round) => round))
    expect(pool.held).toBe(100)
  })
})

test('close detaches all batches and leases', () => {
  const pool = new SlabPool(sizes)
  const batches = [take(pool, [4]), take(pool, [4])]
  const leases = batches.map((batch) => batch.hold(0))
  pool.close()
  for (const part of [...batches, ...leases]) {
    expect(part.released).toBe(true)
    expect(() => part.memory.data).toThrow(code('RELEASED'))
  }
  expect(pool.held).toBe(0)
})

test('a copy of a batch is its own', () => {
  const pool = new SlabPool(sizes)
  const batch = take(pool, [4, 0, 9], 1, 3)
  const copy = copyBatch(batch)
  batch.release()
  expect(copy.lost).toBe(3)
  expect([0, 1, 2].map((index) => [...copy.memory.copy(copy.offset(index), copy.byteLength(index))])).toEqual([
    [1, 1, 1, 1],
    [],
    new Array(9).fill(3),
  ])
  expect([0, 1, 2].map((index) => [copy.fullLength(index), copy.portId(index), copy.groups(index)])).toEqual([
    [104, 7, 1],
    [100, 8, 2],
    [109, 9, 4],
  ])
})
