/**
 * The simulated kernel's logs against the real one's, as its queues in queue.kernel.test.ts. Random scripts: default
 * 10.
 */
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { describe, expect, test } from 'vitest'
import { compareKernels } from './compare.ts'
import { linux } from './linux.ts'
import { anyLogScript } from './log-arbitrary.ts'
import { logScripts } from './log-scripts.ts'
import { RealMachine, SimMachine } from './machine.ts'
import { withoutTime } from './queue-kernel.ts'
import { run } from './run.ts'
import { logRules } from './script.ts'

compareKernels('the simulated kernel logs as the real one', {
  rules: logRules,
  scripts: logScripts,
  random: anyLogScript,
  runs: 10,
})

describe.skipIf(kernelUnavailable !== undefined)(kernelTests('a record whose packet has no time of its own'), () => {
  test.skipIf(linux === undefined)(`is as the simulated Linux ${linux} has it`, async () => {
    await using simulated = new SimMachine(logRules, { linux })
    await using real = await RealMachine.make(logRules)
    expect(await run(simulated, withoutTime)).toEqual(await run(real, withoutTime))
  })
})
