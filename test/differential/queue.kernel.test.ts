/**
 * The simulated kernel against the real one: the same script on both, and the same trace from both. Scripts written by hand,
 * then some at random; RINGLINK_DIFFERENTIAL_RUNS says how many (default 25), RINGLINK_DIFFERENTIAL_SEED repeats a run.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kernelTests, kernelUnavailable } from '../support/namespace.ts'
import { anyScript } from './arbitrary.ts'
import { RealMachine, SimMachine } from './machine.ts'
import { run } from './run.ts'
import type { Step } from './script.ts'
import { scripts } from './scripts.ts'

const RUNS = Number(process.env.RINGLINK_DIFFERENTIAL_RUNS ?? 25)
const SEED = process.env.RINGLINK_DIFFERENTIAL_SEED
/** Milliseconds: a script takes a twentieth of it, making one smaller takes hundreds of runs. */
const PER_SCRIPT = SEED === undefined ? 2000 : 20_000

async function compare(script: readonly Step[]): Promise<void> {
  await using simulated = new SimMachine()
  await using real = await RealMachine.make()
  const expected = await run(real, script)
  expect(await run(simulated, script)).toEqual(expected)
}

describe.skipIf(kernelUnavailable !== undefined)(kernelTests('the simulated kernel answers as the real one'), () => {
  it.each(Object.keys(scripts))('%s', async (name) => compare(scripts[name] as readonly Step[]))

  it(`${RUNS} random scripts`, { timeout: 20_000 + RUNS * PER_SCRIPT }, async () => {
    // A failure prints its seed. Run again with that seed, the script is also made as small as it can be.
    const parameters = SEED === undefined ? { endOnFailure: true } : { seed: Number(SEED) }
    await fc.assert(fc.asyncProperty(anyScript, compare), { numRuns: RUNS, ...parameters })
  })
})
