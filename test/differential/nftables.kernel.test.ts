/**
 * The simulated kernel's nf_tables against the real one's, as its queues in queue.kernel.test.ts. Random scripts:
 * default 10.
 */

import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import type { NfTablesOptions } from '@ringlink/transport-sim'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { linux } from './linux.ts'
import { anyNfScript } from './nftables-arbitrary.ts'
import { nfChangeScripts } from './nftables-change-scripts.ts'
import { probeNfTables, refusesWideNumbers } from './nftables-kernel.ts'
import { NfRealMachine, NfSimMachine } from './nftables-machine.ts'
import { nfMapScripts } from './nftables-map-scripts.ts'
import { inNewOrder, runNf, withoutOffsets } from './nftables-run.ts'
import type { NfStep } from './nftables-script.ts'
import { nfScripts, wideNumbers } from './nftables-scripts.ts'

const numRuns = Number(process.env.RINGLINK_DIFFERENTIAL_RUNS ?? 10)
const SEED = process.env.RINGLINK_DIFFERENTIAL_SEED
/** Milliseconds: a script takes a tenth of it, making one smaller takes hundreds of runs. */
const PER_SCRIPT = SEED === undefined ? 2000 : 20_000

/** Since Linux 6.4, with which chains of devices came, too. */
const hasNewOffsets = ({ optionalDevices }: NfTablesOptions) => optionalDevices === true

/** What this kernel has, and what it lacks. */
let kernel: NfTablesOptions = {}

async function compare(script: readonly NfStep[]): Promise<void> {
  await using simulated = new NfSimMachine(kernel)
  await using real = await NfRealMachine.make()
  const expected = (await runNf(real, script)).map(inNewOrder)
  const own = await runNf(simulated, script)
  if (hasNewOffsets(kernel)) expect(own).toEqual(expected)
  else expect(withoutOffsets(own)).toEqual(withoutOffsets(expected))
}

describe.skipIf(kernelUnavailable !== undefined)(kernelTests('the simulated nf_tables answers as the real one'), () => {
  beforeAll(async () => {
    await using real = await NfRealMachine.make()
    kernel = await probeNfTables(real)
  })

  it.skipIf(linux === undefined)(`it has the features that the simulator has as Linux ${linux}`, async () => {
    await using simulated = new NfSimMachine({ without: kernel.without, modules: kernel.modules }, linux)
    expect(await probeNfTables(simulated)).toEqual(kernel)
  })

  it.each(Object.entries({ ...nfScripts, ...nfMapScripts, ...nfChangeScripts }))('%s', async (_, script) =>
    compare(script),
  )

  it('numbers that a byte does not hold', async ({ skip }) => {
    await using real = await NfRealMachine.make()
    if (!(await refusesWideNumbers(real)))
      skip('before Linux 6.2 the kernel takes the lowest byte of some, which no program relies on')
    await compare(wideNumbers())
  })

  it(`${numRuns} random scripts`, { timeout: patience(20_000 + numRuns * PER_SCRIPT) }, async () => {
    // A failure prints its seed. Run again with that seed, the script is also made as small as it can be.
    const parameters = SEED === undefined ? { endOnFailure: true } : { seed: Number(SEED) }
    const property = fc.asyncProperty(anyNfScript, (script) => compare(script))
    await fc.assert(property, { numRuns, ...parameters })
  })
})
