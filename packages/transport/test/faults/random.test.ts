import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Random } from '../../src/faults/index.ts'

const take = (random: Random, count: number) => Array.from({ length: count }, () => random.next())

test('a seed repeats its numbers, on every machine', () => {
  expect(take(new Random(1), 100)).toEqual(take(new Random(1), 100))
  expect(take(new Random(2), 4)).not.toEqual(take(new Random(1), 4))
  expect(take(new Random(2 ** 32 + 5), 4)).toEqual(take(new Random(5), 4))
})

test('numbers are integers, in bounds, and spread', () => {
  for (const seed of [0, 1, 2, 0xffffffff]) {
    const random = new Random(seed)
    const buckets = new Array<number>(16).fill(0)
    for (let round = 0; round < 16_000; round++) {
      const bucket = random.below(16)
      expect(Number.isInteger(bucket)).toBe(true)
      buckets[bucket] = (buckets[bucket] as number) + 1
    }
    // 1000 each are expected; six standard deviations are 184.
    expect(Math.min(...buckets)).toBeGreaterThan(816)
    expect(Math.max(...buckets)).toBeLessThan(1184)
    const fractions = Array.from({ length: 1000 }, () => random.fraction())
    expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...fractions)).toBeLessThan(1)
  }
})

test('chance is never true at 0 and always at 1, and uses one number in each case', () => {
  const random = new Random(3)
  for (let round = 0; round < 1000; round++) {
    expect(random.chance(0)).toBe(false)
    expect(random.chance(1)).toBe(true)
  }
  const other = new Random(3)
  take(other, 2000)
  expect(random.next()).toBe(other.next())
})

test('a fork depends on seed and index, not on the numbers taken', () => {
  const random = new Random(4)
  const before = take(random.fork(0), 4)
  take(random, 10)
  expect(take(random.fork(0), 4)).toEqual(before)
  expect(take(random.fork(1), 4)).not.toEqual(before)
  expect(take(new Random(5).fork(0), 4)).not.toEqual(before)
})

test('no seed leads to a constant state', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      expect(new Set(take(new Random(seed), 8)).size).toBeGreaterThan(1)
    }),
  )
})
