import { join } from 'node:path'
import type { Experiment } from './experiment.ts'
import { DIST } from './paths.ts'
import { Program } from './program.ts'

/** Packets in a round of the fastest; of the slower one there are fewer. */
const COUNT = 1_000_000
const SLOW = 200_000

/** How long the headers of one packet take to be read: views beside a decoder that makes an object for each header. */
export function packetExperiment(): Experiment {
  const checksums = new Map<string, number>()
  return {
    name: 'packet-udp',
    group: 'codec',
    title: 'the headers of one IPv4 UDP packet read: addresses compared, ports, protocol, payload',
    unit: 'ns',
    better: 'less',
    contenders: ['view', 'objects'],
    obstacle: () => undefined,
    async run(decoder, { scale }) {
      const count = Math.round((decoder === 'view' ? COUNT : SLOW) * scale)
      const program = new Program(decoder, process.execPath, [
        join(DIST, 'packet.js'),
        `decoder=${decoder}`,
        `count=${count}`,
      ])
      try {
        const { nanoseconds, checksum } = await program.json<{ nanoseconds: number; checksum: number }>()
        checksums.set(decoder, checksum)
        const isAlike = checksum === (checksums.get('view') ?? checksum)
        const outcome = { value: nanoseconds, details: { checksum } }
        return isAlike ? outcome : { ...outcome, problem: 'it reads something else than the other' }
      } finally {
        await program.stop()
      }
    },
  }
}
