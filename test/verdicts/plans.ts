import fc from 'fast-check'
import { type FaultName, faultNames, type Plan } from './program.ts'

/** Programs of random plans, with some of these faults. */
export function plans(faults: readonly FaultName[] = faultNames): fc.Arbitrary<Plan> {
  return fc.record({
    seed: fc.integer({ min: 0, max: 0x7fffffff }),
    packets: fc.integer({ min: 0, max: 120 }),
    unanswered: fc.constantFrom('accept' as const, 'drop' as const),
    verdictBatching: fc.constantFrom('auto' as const, 'always' as const, 'never' as const),
    // If a packet is shown twice and one of them is cut before its id, nothing tells which one was first.
    faults: fc
      .subarray([...faults])
      .map((some) => some.filter((name) => name !== 'truncate' || !some.includes('duplicate'))),
    closeAt: fc.integer({ min: 0, max: 200 }),
  })
}
