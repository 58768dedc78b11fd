import fc from 'fast-check'
import { type FaultName, faultNames, type Plan } from './program.ts'

/** Fixed, so that a test is the same each time. */
export const SEED: number = Number(process.env.FAST_CHECK_SEED ?? 18)

/**
 * Programs of random plans, with some of these faults. Without two that no kernel has: a packet that is shown twice,
 * once cut beyond its id, so that it could not be told which came first; and, with batch verdicts, one that was
 * reported as lost and yet waits in the kernel, which a batch verdict answers.
 */
export function plans(faults: readonly FaultName[] = faultNames): fc.Arbitrary<Plan> {
  const all = fc.record({
    seed: fc.integer({ min: 0, max: 0x7fffffff }),
    packets: fc.integer({ min: 0, max: 120 }),
    unanswered: fc.constantFrom('accept' as const, 'drop' as const),
    verdictBatching: fc.constantFrom('auto' as const, 'always' as const, 'never' as const),
    faults: fc.subarray([...faults]),
    closeAt: fc.integer({ min: 0, max: 200 }),
  })
  return all.map((plan) => ({ ...plan, faults: plan.faults.filter((name) => isPossible(name, plan)) }))
}

/** Programs whose packets have flipped bits, among other faults: their ids are not to be trusted. */
export function corruptedPlans(): fc.Arbitrary<Plan> {
  return plans().map((plan) => ({ ...plan, faults: ['corrupt', ...plan.faults] }))
}

function isPossible(name: FaultName, { faults, verdictBatching }: Plan): boolean {
  if (name === 'truncate') return !faults.includes('duplicate')
  return verdictBatching === 'never' || (name !== 'overrun' && name !== 'drop')
}
