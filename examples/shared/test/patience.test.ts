import { afterEach, expect, test } from 'vitest'
import { deadline, setDeadline } from '../src/patience.ts'

const VARIABLE = 'RINGLINK_DEMO_SECONDS'
afterEach(() => {
  delete process.env[VARIABLE]
})

test('a machine as usual gets twelve seconds, one that starts ten times slower ten times as many', () => {
  expect(deadline()).toBe(12)
  for (const [start, seconds] of [
    [40, 12],
    [100, 12],
    [1000, 120],
    [8000, 960],
  ] as const) {
    delete process.env[VARIABLE]
    setDeadline(start)
    expect(deadline()).toBe(seconds)
  }
})

test('what was set before stays', () => {
  process.env[VARIABLE] = '30'
  setDeadline(8000)
  expect(deadline()).toBe(30)
  process.env[VARIABLE] = 'soon'
  expect(deadline()).toBe(12)
})
