// Lists connections with views: a contender of the group conntrack. Prints one line of JSON.
import { parseArgs } from 'node:util'
import { openConntrack, openRing, openSocket } from 'ringlink'

const { values } = parseArgs({
  options: {
    transport: { type: 'string', default: 'socket' },
    warm: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '5' },
    /** datagrams for each wake-up of the event loop; left out: what the transport takes */
    batch: { type: 'string' },
  },
})
const batchSize = values.batch === undefined ? undefined : Number(values.batch)

await using conntrack = await openConntrack({
  transport: (needs) => {
    const { protocol, frameSize, receiveBufferSize } = needs
    return values.transport === 'ring'
      ? openRing({ protocol, frameSize, receiveBufferSize })
      : openSocket({ protocol, frameSize, receiveBufferSize, batchSize })
  },
})

let rows = 0
let sum = 0
async function list(): Promise<void> {
  for await (const batch of conntrack.listBatches()) {
    for (const view of batch) {
      const { original } = view
      rows++
      sum = (sum + (view.id ?? 0) + (original.sourcePort ?? 0) + original.sourceOffset) | 0
      sum = (sum + (view.mark ?? 0) + (view.status ?? 0) + (view.timeout ?? 0)) | 0
    }
  }
}

for (let round = Number(values.warm); round > 0; round--) await list()
rows = 0
const { stats } = conntrack.session.transport
const callsBefore = stats.systemCalls
globalThis.gc?.()
const heapBefore = process.memoryUsage().heapUsed
const before = process.cpuUsage()
const start = performance.now()
for (let round = Number(values.rounds); round > 0; round--) await list()
const { user, system } = process.cpuUsage(before)
const seconds = (performance.now() - start) / 1000
const heapBytesPerRow = Math.max(0, process.memoryUsage().heapUsed - heapBefore) / rows
console.log(
  JSON.stringify({
    ...{ rows, systemCalls: stats.systemCalls - callsBefore, cpuSeconds: (user + system) / 1e6, seconds },
    ...{ peakKilobytes: process.resourceUsage().maxRSS, heapBytesPerRow, sum },
  }),
)
