import { Hook } from '@ringlink/codec'
import { SimKernel } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import { type LoadedKernel, loadLog, loadQueue, PACKETS, SEED } from './load.ts'

/** What is injected between two turns of the event loop. */
const BURST = 3000

function simulated(rule: object, ring: boolean): LoadedKernel & { readonly kernel: SimKernel } {
  const kernel = new SimKernel()
  kernel.addRule({ hook: Hook.Output, ...rule })
  return {
    kernel,
    open: (needs) => kernel.open(ring ? { ...needs, ring: {} } : needs),
    send: async (count) => {
      for (let sent = 0; sent < count; sent++) {
        const packet = new Uint8Array(48)
        packet[0] = 0x45
        kernel.inject(packet)
        if (sent % BURST === BURST - 1) await new Promise(setImmediate)
      }
    },
    passed: () => Promise.resolve(kernel.delivered),
  }
}

describe.each([
  ['a simulated socket', false],
  ['a simulated netlink ring', true],
])(`the equations of docs/counters.md over %s, seed ${SEED}`, (_, ring) => {
  test.each([
    ['none', 0.3],
    // On a netlink ring every lost message counts, even the answer to a second verdict.
    ...(ring ? [] : ([['lossy', 0.3]] as const)),
    ['reordering', 0.2],
  ] as const)('a queue with faults of kind %s', { timeout: 600_000 }, async (trouble, share) => {
    const kernel = simulated({ queue: 5 }, ring)
    const sums = await loadQueue(kernel, Math.ceil(PACKETS * share), trouble, SEED)
    expect(sums).toMatchObject({ ids: 0, delivered: 0, answered: 0, passed: 0, refused: 0 })
  })

  test.each([
    ['none', 0.1],
    // On a netlink ring the loss after the last record is not known.
    ...(ring ? [] : ([['lossy', 0.1]] as const)),
  ] as const)('a log with faults of kind %s', { timeout: 600_000 }, async (trouble, share) => {
    const kernel = simulated({ log: { group: 5 } }, ring)
    const sums = await loadLog(kernel, Math.ceil(PACKETS * share), trouble, SEED)
    expect(sums).toMatchObject({ logged: 0, shown: 0, told: 0, tooMuch: 0 })
  })
})
