/** Allocation per packet on the whole way through a queue, and per row of a dump. */

import { measured } from '@ringlink/test-support/measured'
import { expect, test } from 'vitest'

/** Bytes by what they were measured of. */
interface Grown {
  readonly loop: number
  readonly coalesced: number
  readonly serve: number
  readonly whole: number
  readonly highIds: number
  readonly control: number
  readonly perBatch: number
  readonly perTurn: number
  readonly perServedBatch: number
}

test('a packet of a batch costs no allocation, from the frame to its verdict', async () => {
  // One thread, so that when a function is compiled depends on how often it ran, not on how busy the machine is.
  const grown = await measured<Grown>(new URL('./allocation.ts', import.meta.url), { flags: ['--single-threaded'] })
  const { control, perBatch, perTurn, perServedBatch, ...perPacket } = grown
  expect(control).toBeGreaterThan(8)
  for (const [name, bytes] of Object.entries(perPacket)) {
    // The smallest thing on the heap, a boxed number, is 16 bytes: one for every sixteenth packet would fail.
    expect(bytes, name).toBeLessThan(1)
  }
  // The cost of a batch: its object and, in a loop, two promises. Generous, to leave room for other engines.
  expect(perBatch).toBeLessThan(2000)
  // A turn of the event loop waits once for the transport and once for its caller, independent of the batch size.
  expect(perTurn).toBeLessThan(3000)
  expect(perServedBatch).toBeLessThan(1000)
})

test('a row of a dump costs no allocation: neither a view of it nor a filter', async () => {
  const script = new URL('./dump-allocation.ts', import.meta.url)
  const grown = await measured<Record<string, number>>(script, { flags: ['--single-threaded'] })
  const { control, fixed, ...perRow } = grown
  expect(control).toBeGreaterThan(8)
  expect(Object.keys(perRow)).toEqual(['rows', 'connections', 'selectedConnections'])
  // One boxed number of 16 bytes for every eighth row would fail.
  for (const [name, bytes] of Object.entries(perRow)) expect(bytes, name).toBeLessThan(2)
  // A whole dump: 16 batches with objects of their own, 0.4 MB. Room for the positions of 8192 rows, made again, would
  // be 0.5 MB more.
  expect(fixed).toBeLessThan(700_000)
})
