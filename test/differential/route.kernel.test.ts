/** The simulated kernel's rtnetlink against the real one's. Random scripts: default 3, of one seed. */
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressScripts } from './address-scripts.ts'
import { anyBridgeScript, bridgeScripts } from './bridge-scripts.ts'
import { FamilyRealMachine, FamilySimMachine } from './family-machine.ts'
import { runFamily } from './family-run.ts'
import type { FamilyStep } from './family-script.ts'
import { linkScripts } from './link-scripts.ts'
import { lookupScripts } from './lookup-scripts.ts'
import { neighbourScripts } from './neighbour-scripts.ts'
import { anyRouteScript } from './route-arbitrary.ts'
import { routeScripts } from './route-scripts.ts'

const numRuns = Number(process.env.RINGLINK_DIFFERENTIAL_RUNS ?? 3)
const seed = Number(process.env.RINGLINK_DIFFERENTIAL_SEED ?? 1)
const PER_SCRIPT = 20_000
const scripts = {
  ...linkScripts,
  ...bridgeScripts,
  ...addressScripts,
  ...routeScripts,
  ...lookupScripts,
  ...neighbourScripts,
}

async function compare(script: readonly FamilyStep[]): Promise<void> {
  await using simulated = await FamilySimMachine.make()
  await using real = await FamilyRealMachine.make()
  const expected = await runFamily(real, script)
  expect(expected.length).toBeGreaterThan(0)
  expect(await runFamily(simulated, script)).toEqual(expected)
}

describe.skipIf(kernelUnavailable !== undefined)(
  kernelTests('rtnetlink of the simulated kernel, as the real one'),
  () => {
    test(`${numRuns} random scripts`, { timeout: patience(20_000 + numRuns * PER_SCRIPT) }, async () => {
      const property = fc.asyncProperty(anyRouteScript, (script) => compare(script))
      await fc.assert(property, { numRuns, seed, endOnFailure: process.env.RINGLINK_DIFFERENTIAL_SEED === undefined })
    })

    test(`${numRuns} random scripts of bridges`, { timeout: patience(20_000 + numRuns * PER_SCRIPT) }, async () => {
      const property = fc.asyncProperty(anyBridgeScript, (script) => compare(script))
      await fc.assert(property, { numRuns, seed, endOnFailure: process.env.RINGLINK_DIFFERENTIAL_SEED === undefined })
    })

    test.for(Object.entries(scripts))('%s', { timeout: PER_SCRIPT }, ([, script]) => compare(script))
  },
)
