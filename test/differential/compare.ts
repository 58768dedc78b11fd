import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RealMachine, SimMachine } from './machine.ts'
import { queueKernel } from './queue-kernel.ts'
import { run } from './run.ts'
import type { PortRules, Step } from './script.ts'

const SEED = process.env.RINGLINK_DIFFERENTIAL_SEED
/** Milliseconds: a script takes a twentieth of it, making one smaller takes hundreds of runs. */
const PER_SCRIPT = SEED === undefined ? 2000 : 20_000

async function compare(rules: PortRules, script: readonly Step[]): Promise<void> {
  await using simulated = new SimMachine(rules, queueKernel)
  await using real = await RealMachine.make(rules)
  const expected = await run(real, script)
  expect(await run(simulated, script)).toEqual(expected)
}

/** Scripts to be compared. */
export interface Comparison {
  /** the rules that both kernels have */
  readonly rules: PortRules
  /** written by hand, each run from a fresh machine */
  readonly scripts: Readonly<Record<string, readonly Step[]>>
  readonly random: Arbitrary<readonly Step[]>
  /** how many random ones there are, if RINGLINK_DIFFERENTIAL_RUNS does not say it */
  readonly runs: number
}

/** The tests of a comparison: the same script on both kernels, and the same trace from both. */
export function compareKernels(name: string, { rules, scripts, random, runs }: Comparison): void {
  const numRuns = Number(process.env.RINGLINK_DIFFERENTIAL_RUNS ?? runs)

  describe.skipIf(kernelUnavailable !== undefined)(kernelTests(name), () => {
    test.each(Object.entries(scripts))('%s', async (_, script) => compare(rules, script))

    test(`${numRuns} random scripts`, { timeout: patience(20_000 + numRuns * PER_SCRIPT) }, async () => {
      // A failure prints its seed. Run again with that seed, the script is also made as small as it can be.
      const parameters = SEED === undefined ? { endOnFailure: true } : { seed: Number(SEED) }
      const property = fc.asyncProperty(random, (script) => compare(rules, script))
      await fc.assert(property, { numRuns, ...parameters })
    })
  })
}
