/** What kernels differ in that the queues' and logs' comparisons show, asked of the real one. */
import { LogCommand, QueueCommand } from '@ringlink/codec'
import { glueUnavailable } from '@ringlink/test-support/glue'
import { kernelUnavailable } from '@ringlink/test-support/namespace'
import type { SimKernelOptions } from '@ringlink/transport-sim'
import { RealMachine, SimMachine } from './machine.ts'
import { run } from './run.ts'
import { logPorts, logRules, type PortRules, queueRules, type Step } from './script.ts'

type QueueKernel = Pick<SimKernelOptions, 'conntrackGlue' | 'smallBlock' | 'logTimes'>

const REQUESTS = 120
/** More answers than fit, of which as many arrive as blocks are small. */
const overrun: readonly Step[] = [
  { do: 'open', socket: 'a', receiveBufferSize: 1 << 16 },
  ...Array.from({ length: REQUESTS }, (): Step => {
    const config = { command: { command: QueueCommand.Bind, family: 2 } }
    return { do: 'config', socket: 'a', queue: 0, config, acknowledge: true }
  }),
  { do: 'read', socket: 'a' },
]
const CACHE_LINE = 64
/** A cache's blocks hold the longest header of TCP; 512: there is no such cache. */
const blocks = Array.from({ length: 9 }, (_, index) => 512 + index * CACHE_LINE)

/** A record of a packet that has no time of its own. */
export const withoutTime: readonly Step[] = [
  { do: 'open', socket: 'a' },
  { do: 'log', socket: 'a', group: 6, config: { command: { command: LogCommand.Bind }, threshold: 1 } },
  { do: 'read', socket: 'a' },
  { do: 'traffic', port: logPorts.input, count: 1, size: 0 },
  { do: 'read', socket: 'a' },
]

/** The options of a simulated kernel that is like the real one. */
export const queueKernel: QueueKernel =
  kernelUnavailable === undefined
    ? {
        conntrackGlue: glueUnavailable === undefined,
        smallBlock: await probe(queueRules, overrun, 'smallBlock', blocks),
        logTimes: await probe(logRules, withoutTime, 'logTimes', [true, false]),
      }
    : {}

/** The value of an option with which the simulated kernel does the same as the real one. */
async function probe<Value>(
  rules: PortRules,
  script: readonly Step[],
  option: keyof QueueKernel,
  values: readonly Value[],
): Promise<Value> {
  await using real = await RealMachine.make(rules)
  const expected = JSON.stringify(await run(real, script))
  for (const value of values) {
    await using simulated = new SimMachine(rules, { [option]: value })
    if (JSON.stringify(await run(simulated, script)) === expected) return value
  }
  throw new Error(`no value of ${option} explains what the kernel does: ${expected}`)
}
