import { join } from 'node:path'
import { MESSAGES, type MessageName } from './decoders/messages.ts'
import { type DecoderName, decoders } from './decoders/table.ts'
import type { Experiment, Outcome, Settings } from './experiment.ts'
import { DIST } from './paths.ts'
import type { Peers } from './peers.ts'
import { Program } from './program.ts'

/** Messages in a round of the fastest; of those that are slower there are fewer. */
const COUNT = 1_000_000
const SLOW = 100_000

/** How long one message takes to be decoded, with no kernel in it. */
export function codecExperiment(message: MessageName, peers: Peers): Experiment {
  const checksums = new Map<string, number>()
  return {
    name: `codec-${message}`,
    group: 'codec',
    title: `one packet decoded: id, mark, device, three bytes of the payload (${MESSAGES[message]})`,
    unit: 'ns',
    better: 'less',
    contenders: Object.keys(decoders),
    obstacle: (decoder) => (decoder === 'npm-netlink' ? peers.obstacles.get('npm-netlink') : undefined),
    async run(decoder, settings) {
      const { checksum, outcome } = await decode(decoder, message, settings)
      checksums.set(decoder, checksum)
      const isAlike = checksum === (checksums.get('view') ?? checksum)
      return isAlike ? outcome : { ...outcome, problem: 'it decodes something else than the others' }
    },
  }
}

async function decode(
  decoder: string,
  message: MessageName,
  { scale }: Settings,
): Promise<{ checksum: number; outcome: Outcome }> {
  const count = Math.round(((decoder as DecoderName) === 'view' ? COUNT : SLOW) * scale)
  const args = [`decoder=${decoder}`, `message=${message}`, `count=${count}`]
  const program = new Program(decoder, process.execPath, [join(DIST, 'codec.js'), ...args])
  try {
    const { nanoseconds, checksum } = await program.json<{ nanoseconds: number; checksum: number }>()
    return { checksum, outcome: { value: nanoseconds, details: { checksum } } }
  } finally {
    await program.stop()
  }
}
