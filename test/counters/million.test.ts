import { Hook } from '@ringlink/codec'
import { SimKernel } from '@ringlink/transport-sim'
import { describe, test } from 'vitest'
import { expectSums, isLoaded, type Load, type LoadedKernel } from './load.ts'

/** What is injected between two turns of the event loop. */
const BURST = 3000

function simulated(rule: object, ring: boolean): LoadedKernel {
  const kernel = new SimKernel()
  kernel.addRule({ hook: Hook.Output, ...rule })
  let before = 0
  return {
    open: (needs) => kernel.open(ring ? { ...needs, ring: {} } : needs),
    send: async (count) => {
      for (let sent = 0; sent < count; sent++) {
        const packet = new Uint8Array(48)
        packet[0] = 0x45
        kernel.inject(packet)
        if (sent % BURST === BURST - 1) await new Promise(setImmediate)
      }
    },
    passed: () => {
      const passed = kernel.delivered - before
      before = kernel.delivered
      return Promise.resolve(passed)
    },
  }
}

const bySocket: readonly Load[] = [
  { what: 'queue', trouble: 'none', share: 0.3 },
  { what: 'queue', trouble: 'lossy', share: 0.3 },
  { what: 'queue', trouble: 'reordering', share: 0.2 },
  { what: 'log', trouble: 'none', share: 0.1 },
  { what: 'log', trouble: 'lossy', share: 0.1 },
]
// On a netlink ring every lost message counts, even the answer to a second verdict, and the loss after the last record
// is not known.
const byRing: readonly Load[] = [
  { what: 'queue', trouble: 'none', share: 0.5 },
  { what: 'queue', trouble: 'reordering', share: 0.3 },
  { what: 'log', trouble: 'none', share: 0.2 },
]

describe.each([
  ['simulated socket', false, bySocket],
  ['simulated netlink ring', true, byRing],
] as const)('the equations of docs/counters.md over a %s', (name, ring, loads) => {
  test.runIf(isLoaded(name)).each(loads)('a $what with faults of kind $trouble', { timeout: 600_000 }, async (load) => {
    await expectSums(simulated(load.what === 'queue' ? { queue: 5 } : { log: { group: 5 } }, ring), name, load)
  })
})
