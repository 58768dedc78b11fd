/**
 * The simulated kernel's connection tracking against the real one's, as its queues in queue.kernel.test.ts. Random scripts:
 * default 10.
 */

import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { describe, expect, it } from 'vitest'
import { ctEventScripts } from './conntrack-event-scripts.ts'
import { CtRealMachine, CtSimMachine } from './conntrack-machine.ts'
import { ctPacketScripts } from './conntrack-packet-scripts.ts'
import { ctRequestScripts } from './conntrack-request-scripts.ts'
import { ctRuleScripts } from './conntrack-rule-scripts.ts'
import { runCt } from './conntrack-run.ts'
import type { CtScript } from './conntrack-script.ts'

const scripts = { ...ctPacketScripts, ...ctRequestScripts, ...ctRuleScripts, ...ctEventScripts }

async function compare({ settings, steps }: CtScript): Promise<void> {
  await using simulated = new CtSimMachine(settings)
  await using real = await CtRealMachine.make(settings)
  const expected = await runCt(real, steps)
  expect(await runCt(simulated, steps)).toEqual(expected)
}

describe.skipIf(kernelUnavailable !== undefined)(
  kernelTests('the simulated kernel tracks connections as the real one'),
  () => {
    it.each(Object.entries(scripts))('%s', async (_, script) => compare(script))
  },
)
