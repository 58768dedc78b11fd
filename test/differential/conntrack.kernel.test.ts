/**
 * The simulated kernel's connection tracking against the real one's, as its queues in queue.kernel.test.ts. Random
 * scripts: default 10.
 */

import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import type { ConntrackOptions } from '@ringlink/transport-sim'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { anyCtScript } from './conntrack-arbitrary.ts'
import { ctEventScripts, unheardSteps } from './conntrack-event-scripts.ts'
import { probeConntrack, probeSettings } from './conntrack-kernel.ts'
import { type CtKernel, CtRealMachine, CtSimMachine } from './conntrack-machine.ts'
import { ctPacketScripts } from './conntrack-packet-scripts.ts'
import { ctRequestScripts } from './conntrack-request-scripts.ts'
import { ctRuleScripts } from './conntrack-rule-scripts.ts'
import { runCt, withoutReusedIds } from './conntrack-run.ts'
import type { CtScript } from './conntrack-script.ts'
import { linux } from './linux.ts'
import { probeNfTables } from './nftables-kernel.ts'
import { NfRealMachine } from './nftables-machine.ts'

const numRuns = Number(process.env.RINGLINK_DIFFERENTIAL_RUNS ?? 10)
const SEED = process.env.RINGLINK_DIFFERENTIAL_SEED
/** Milliseconds: a script takes a tenth of it, making one smaller takes hundreds of runs. */
const PER_SCRIPT = SEED === undefined ? 20_000 : 200_000
const scripts = { ...ctPacketScripts, ...ctRequestScripts, ...ctRuleScripts, ...ctEventScripts }

/** What this kernel does in its own way. */
let kernel: CtKernel = {}
let features: ConntrackOptions = {}

async function compare({ settings, steps }: CtScript): Promise<void> {
  await using simulated = new CtSimMachine(settings, kernel)
  await using real = await CtRealMachine.make(settings)
  const expected = await runCt(real, steps)
  const own = await runCt(simulated, steps)
  expect(own).toEqual(withoutReusedIds(expected, own))
}

/** Whether a program on this machine listens to events of connections, as `conntrack -E` and conntrackd do. */
async function someoneListens(): Promise<boolean> {
  await using real = await CtRealMachine.make(undefined)
  const lines = await runCt(real, unheardSteps)
  return lines.some((line) => line.includes('"type":258'))
}

describe.skipIf(kernelUnavailable !== undefined)(
  kernelTests('the simulated kernel tracks connections as the real one'),
  () => {
    beforeAll(async () => {
      await using real = await CtRealMachine.make(probeSettings)
      await using rules = await NfRealMachine.make()
      const maximum = await real.setting('nf_conntrack_max')
      features = await probeConntrack(real)
      kernel = { conntrack: { ...features, maximum }, nfTables: await probeNfTables(rules) }
    })

    test.skipIf(linux === undefined)(`it has the features that the simulator has as Linux ${linux}`, async () => {
      await using simulated = new CtSimMachine(probeSettings, { linux })
      expect(await probeConntrack(simulated)).toEqual(features)
    })

    test.for(Object.entries<CtScript>(scripts))(
      '%s',
      { timeout: patience(PER_SCRIPT) },
      async ([, script], { skip }) => {
        if (script.needsSilence === true && (await someoneListens()))
          skip(
            'another program of this machine listens to events of connections, which counts in every network namespace',
          )
        await compare(script)
      },
    )

    test(`${numRuns} random scripts`, { timeout: patience(20_000 + numRuns * PER_SCRIPT) }, async () => {
      // A failure prints its seed. Run again with that seed, the script is also made as small as it can be.
      const parameters = SEED === undefined ? { endOnFailure: true } : { seed: Number(SEED) }
      const property = fc.asyncProperty(anyCtScript, (script) => compare(script))
      await fc.assert(property, { numRuns, ...parameters })
    })
  },
)
