/** Allocation per message of the views and of verdict templates. */

import { measured } from '@ringlink/test-support/measured'
import { expect, test } from 'vitest'

type Grown = Record<'packet' | 'verdict' | 'record' | 'connection' | 'control', number>

test('walking, aiming, reading properties and writing verdicts do not allocate', async () => {
  const grown = await measured<Grown>(new URL('./allocation.ts', import.meta.url), {
    // The vectors lie beside what reads them.
    define: { 'import.meta.url': JSON.stringify(new URL('../../../test/support/vectors.ts', import.meta.url)) },
  })
  expect(grown.control).toBeGreaterThan(8)
  // One number boxed on the heap per hundred packets would be 0.16.
  expect(grown.packet).toBeLessThan(0.05)
  expect(grown.verdict).toBeLessThan(0.05)
  expect(grown.record).toBeLessThan(0.05)
  expect(grown.connection).toBeLessThan(0.05)
})
