/** Every packet gets exactly one verdict for any behaviour of a program, over the simulated kernel with every fault. */

import { Hook } from '@ringlink/codec'
import { udpPacket } from '@ringlink/packet'
import { runs } from '@ringlink/test-support/fuzz'
import { SimKernel } from '@ringlink/transport-sim'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { corruptedPlans, plans, SEED } from './plans.ts'
import { type Plan, QUEUE, runProgram } from './program.ts'

const ends = { source: '192.0.2.1', destination: '198.51.100.7', sourcePort: 5000, destinationPort: 9000 }

describe.each([
  ['a simulated socket', false],
  ['a simulated netlink ring', true],
])('over %s', (_, ring) => {
  /** Runs a program on a kernel of its own. Resolves to how often each packet passed, too. */
  async function runOnce(plan: Plan) {
    const kernel = new SimKernel({ seed: plan.seed })
    kernel.addRule({ hook: Hook.Output, queue: QUEUE })
    const passed: number[] = Array.from({ length: plan.packets }, () => 0)
    kernel.onDelivered(({ bytes }) => {
      const number = Number(new TextDecoder().decode(bytes).slice(-4))
      passed[number] = (passed[number] ?? 0) + 1
    })
    const { given, queue } = await runProgram(
      {
        open: (needs) => kernel.open(ring ? { ...needs, ring: {} } : needs),
        send: async (count) => {
          for (let number = 0; number < count; number++) {
            kernel.inject(udpPacket({ ...ends, payload: `${number}`.padStart(4, '0') }))
            if (number % 20 === 19) await new Promise(setImmediate)
          }
        },
      },
      plan,
    )
    expect(Math.max(0, ...passed)).toBeLessThanOrEqual(1)
    return { given, passed, queue }
  }

  test('random programs give each packet its first verdict, and the others one', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(plans(), async (plan) => {
        const { given, passed, queue } = await runOnce(plan)
        expect(passed).toEqual(
          given.map((verdict, number) => (verdict === undefined ? passed[number] : Number(verdict === 'accept'))),
        )
        expect(queue.stats.refused).toBe(0)
      }),
      { numRuns: Math.min(runs, 150), seed: SEED },
    )
  })

  test('packets whose bits are flipped, ids too, get one verdict at most each', { timeout: 300_000 }, async () => {
    const property = fc.asyncProperty(corruptedPlans(), async (plan) => {
      const { queue } = await runOnce(plan)
      expect(queue.stats.accepted + queue.stats.dropped + queue.stats.other).toBe(queue.stats.packets)
    })
    await fc.assert(property, { numRuns: Math.min(Math.ceil(runs / 3), 50), seed: SEED })
  })
})
