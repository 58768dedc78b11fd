/** What kernels differ in that the queues' and logs' comparisons show, asked of the real one. */
import { QueueCommand } from '@ringlink/codec'
import { glueUnavailable } from '@ringlink/test-support/glue'
import { kernelUnavailable } from '@ringlink/test-support/namespace'
import type { SimKernelOptions } from '@ringlink/transport-sim'
import { RealMachine, SimMachine } from './machine.ts'
import { run } from './run.ts'
import { queueRules, type Step } from './script.ts'

type QueueKernel = Pick<SimKernelOptions, 'conntrackGlue' | 'smallBlock'>

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

/** The options of a simulated kernel that is like the real one. */
export const queueKernel: QueueKernel =
  kernelUnavailable === undefined
    ? { conntrackGlue: glueUnavailable === undefined, smallBlock: await probeSmallBlock() }
    : {}

async function probeSmallBlock(): Promise<number> {
  await using real = await RealMachine.make(queueRules)
  const expected = JSON.stringify(await run(real, overrun))
  for (const smallBlock of blocks) {
    await using simulated = new SimMachine(queueRules, { smallBlock })
    if (JSON.stringify(await run(simulated, overrun)) === expected) return smallBlock
  }
  throw new Error('no size of the blocks of small messages explains how many answers the kernel keeps')
}
