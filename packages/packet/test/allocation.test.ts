/** Allocation and time of aiming and reading a PacketView. */

import { measured } from '@ringlink/test-support/measured'
import { expect, test } from 'vitest'

interface Measured {
  readonly bytes: number
  readonly nanoseconds: number
  readonly sum: number
}

test('aiming and reading allocate nothing, and are several times faster than making objects', async () => {
  const program = new URL('./allocation.ts', import.meta.url)
  const result = await measured<Record<'views' | 'objects' | 'everything', Measured>>(program, { youngGeneration: 256 })
  const { views, objects, everything } = result
  // The control: an object decoder is seen to allocate.
  expect(objects.bytes).toBeGreaterThan(50)
  // One number boxed on the heap per hundred packets would be 0.16.
  expect(views.bytes).toBeLessThan(0.05)
  expect(everything.bytes).toBeLessThan(0.05)
  expect(views.sum).toBe(objects.sum)
  // Measured: 20 to 60. A guard against a view that has become slow, as a ratio that a busy machine leaves alone.
  expect(objects.nanoseconds / views.nanoseconds).toBeGreaterThan(5)
  if (process.env.RINGLINK_SHOW_TIMES !== undefined) console.log(JSON.stringify(result))
})
