import fc from 'fast-check'
import { expect, test } from 'vitest'
import { driftsOf, growth, type Sample } from './drift.ts'

const MiB = 2 ** 20

function samples(count: number, change: (index: number) => Partial<Sample>): Sample[] {
  const steady = { heap: 8 * MiB, external: MiB, resident: 70 * MiB, descriptors: 21, handles: 0, packets: 0, lost: 0 }
  return Array.from({ length: count }, (_, index) => ({ seconds: index, ...steady, ...change(index) }))
}

test('a run that uses the same all the time has no drift, even if it uses more for moments', () => {
  const heaps = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 20, maxLength: 200 })
  fc.assert(
    fc.property(heaps, (noise) => {
      const run = samples(noise.length, (index) => ({ heap: 8 * MiB + (noise[index] as number) * 1000 }))
      expect(driftsOf(run, 600)).toEqual([])
    }),
  )
  const spike = samples(100, (index) => (index % 10 === 0 ? { heap: 50 * MiB, resident: 200 * MiB, handles: 3 } : {}))
  expect(driftsOf(spike, 600)).toEqual([])
})

test('what is compiled in the first quarter does not count as drift', () => {
  expect(
    driftsOf(
      samples(100, (index) => ({ heap: (index < 20 ? 4 : 12) * MiB })),
      600,
    ),
  ).toEqual([])
})

test('memory is not judged in a run of seconds, descriptors are', () => {
  const run = samples(100, (index) => ({ heap: index * MiB, descriptors: 21 + index }))
  expect(driftsOf(run, 10)).toEqual([expect.stringContaining('descriptors')])
})

test.each([
  ['heap', (index: number) => ({ heap: 8 * MiB + index * 50_000 })],
  ['external', (index: number) => ({ external: MiB + index * 100_000 })],
  ['resident', (index: number) => ({ resident: 70 * MiB + index * MiB })],
  ['descriptors', (index: number) => ({ descriptors: 21 + (index > 60 ? 1 : 0) })],
  ['handles', (index: number) => ({ handles: index > 60 ? 1 : 0 })],
] as const)('%s that grow are found', (measure, change) => {
  const run = samples(100, change)
  expect(growth(run, measure)).toBeGreaterThan(0)
  expect(driftsOf(run, 600)).toEqual([expect.stringContaining(measure)])
})
