/**
 * The simulated kernel's connection tracking against the real one's, as its queues in queue.kernel.test.ts. Random scripts:
 * default 10.
 */
import { describe, expect, it } from 'vitest'
import { kernelTests, kernelUnavailable } from '../support/namespace.ts'
import { CtRealMachine, CtSimMachine } from './conntrack-machine.ts'
import { runCt } from './conntrack-run.ts'
import type { CtScript } from './conntrack-script.ts'
import { ctScripts } from './conntrack-scripts.ts'

async function compare({ settings, steps }: CtScript): Promise<void> {
  await using simulated = new CtSimMachine(settings)
  await using real = await CtRealMachine.make(settings)
  const expected = await runCt(real, steps)
  expect(await runCt(simulated, steps)).toEqual(expected)
}

describe.skipIf(kernelUnavailable !== undefined)(
  kernelTests('the simulated kernel tracks connections as the real one'),
  () => {
    it.each(Object.entries(ctScripts))('%s', async (_, script) => compare(script))
  },
)
