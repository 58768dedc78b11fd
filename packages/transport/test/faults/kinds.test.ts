import { expect, test } from 'vitest'
import { corrupt, delay, drop, overrun, shortSend } from '../../src/faults/index.ts'

test.each([
  () => drop({ probability: 1.1 }),
  () => corrupt({ probability: -0.1 }),
  () => shortSend({ probability: Number.NaN }),
  () => delay({ probability: 0.5, batches: 0 }),
  () => delay({ probability: 0.5, batches: 1.5 }),
  () => overrun({ probability: 0.5, length: 0 }),
])('faults without a valid time are refused (%#)', (make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
})

test.each([
  () => drop({}),
  () => drop({ at: [1], probability: 1 }),
  () => drop({ probabilty: 0.5 } as object),
  () => drop({ at: 3 } as object),
  () => drop(undefined as unknown as object),
  () => delay({ probability: 0.5 } as unknown as { batches: number }),
  () => shortSend({ limit: 1 } as unknown as { limit: () => number }),
])('faults of the wrong shape are refused (%#)', (make) => {
  expect(make).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
})
