/** The simulated kernel's generic netlink against the real one's: the controller, and a family that both have. */
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { describe, expect, test } from 'vitest'
import { FamilyRealMachine, FamilySimMachine } from './family-machine.ts'
import { runFamily } from './family-run.ts'
import { genericScripts } from './generic-scripts.ts'

const PER_SCRIPT = 20_000

describe.skipIf(kernelUnavailable !== undefined)(
  kernelTests('generic netlink of the simulated kernel, as the real one'),
  () => {
    test.for(Object.entries(genericScripts))('%s', { timeout: PER_SCRIPT }, async ([, script]) => {
      await using simulated = await FamilySimMachine.make()
      await using real = await FamilyRealMachine.make(['netdev'])
      const expected = await runFamily(real, script)
      expect(expected.length).toBeGreaterThan(0)
      expect(await runFamily(simulated, script)).toEqual(expected)
    })
  },
)
