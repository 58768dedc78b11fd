import { expect, test } from 'vitest'
import { pairedRatios, spreadOf } from '../src/statistics.ts'

test('the median of an even number of values lies between the two in the middle', () => {
  expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, minimum: 1, maximum: 4, count: 4 })
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, minimum: 1, maximum: 3, count: 3 })
})

test('nothing has no median', () => {
  expect(spreadOf([])).toBeUndefined()
})

test('ratios pair runs of the same repetition, in any order, that both have', () => {
  const a = [
    { repetition: 1, value: 30 },
    { repetition: 0, value: 10 },
    { repetition: 2, value: 99 },
  ]
  const b = [
    { repetition: 0, value: 5 },
    { repetition: 1, value: 10 },
  ]
  expect(pairedRatios(a, b)).toEqual([3, 2])
  expect(pairedRatios(a, [{ repetition: 0, value: 0 }])).toEqual([])
})
