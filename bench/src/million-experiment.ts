import { join } from 'node:path'
import type { Experiment } from './experiment.ts'
import { DIST } from './paths.ts'
import { Program } from './program.ts'

const PACKETS = 1_000_000
/** Number of packets of a quick run. */
const FEWER = 200_000

interface MillionReport {
  readonly ok: boolean
  readonly packets: number
  readonly received: number
  readonly lost: number
  readonly late: number
  readonly heapGrowthBytes: number
  readonly packetsPerSecond: number
  readonly systemCallsPerPacket: number
}

/** No packet of a million is lost, and the heap does not grow. */
export const millionExperiment: Experiment = {
  name: 'million',
  group: 'million',
  title: 'a million packets, at most 1024 in flight, sent by Node: none lost, no growth of the heap',
  unit: 'packets/s',
  better: 'more',
  contenders: ['ringlink'],
  obstacle: () => undefined,
  async run(_contender, { scale }) {
    const packets = scale < 1 ? FEWER : PACKETS
    const args = ['--expose-gc', join(DIST, 'million.js'), '--packets', String(packets)]
    const program = new Program('million', process.execPath, args)
    try {
      const { ok, packetsPerSecond, ...report } = await program.json<MillionReport>()
      const { received, lost, late, heapGrowthBytes, systemCallsPerPacket } = report
      return {
        value: packetsPerSecond,
        details: { packets, received, lost, late, heapGrowthBytes, systemCallsPerPacket },
        ...(ok ? {} : { problem: `${packets - received} lost, the heap grew by ${heapGrowthBytes} bytes` }),
      }
    } finally {
      await program.stop()
    }
  },
}
