// Lists connections: a contender of the group conntrack. Prints one line of JSON.
import { parseArgs } from 'node:util'
import { ConntrackMessage, ConntrackView, nfnetlinkHeader } from '@ringlink/codec'
import { openConntrack, openRing, openSocket } from 'ringlink'

const { values } = parseArgs({
  options: {
    transport: { type: 'string', default: 'socket' },
    /** views: `listBatches`; rows: owned messages of `Session.rows`; list: owned connections */
    api: { type: 'string', default: 'views' },
    warm: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '5' },
    /** datagrams for each wake-up of the event loop; left out: what the transport takes */
    batch: { type: 'string' },
  },
})
const batchSize = values.batch === undefined ? undefined : Number(values.batch)
/** Rows between two looks at the memory that is held. */
const LOOK = 10_000

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
let look: (() => void) | undefined

function read(view: ConntrackView): void {
  const { original } = view
  sum = (sum + view.id + (original.sourcePort ?? 0) + original.sourceOffset) | 0
  sum = (sum + view.mark + (view.status ?? 0) + (view.timeout ?? 0)) | 0
  if (++rows % LOOK === 0) look?.()
}

async function listViews(): Promise<void> {
  for await (const batch of conntrack.listBatches()) for (const view of batch) read(view)
}

async function listRows(): Promise<void> {
  const view = new ConntrackView()
  const request = { what: 'list connections', type: ConntrackMessage.Get, header: nfnetlinkHeader(0, 0) }
  for await (const { view: row } of conntrack.session.rows(request)) read(view.wrap(row.memory, row.offset, row.length))
}

async function listConnections(): Promise<void> {
  for await (const { id = 0, mark, timeout = 0, original } of conntrack.list()) {
    sum = (sum + id + mark + timeout + (original.sourcePort ?? 0)) | 0
    if (++rows % LOOK === 0) look?.()
  }
}

const list = values.api === 'rows' ? listRows : values.api === 'list' ? listConnections : listViews
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
const heapBytes = process.memoryUsage().heapUsed - heapBefore
const measured = { rows, systemCalls: stats.systemCalls - callsBefore, cpuSeconds: (user + system) / 1e6, seconds }
// Owned rows are garbage that is collected on the way, so that the heap says nothing of how much there was.
const allocated = values.api === 'views' ? { heapBytesPerRow: Math.max(0, heapBytes) / rows } : {}
const { maxRSS: peakKilobytes } = process.resourceUsage()

/** Bytes that are still in use. */
function held(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

// One more listing, in which the memory in use is looked at again and again: it must not grow with the rows.
rows = 0
let first = 0
let growth = 0
look = () => {
  const now = held()
  if (first === 0) first = now
  growth = Math.max(growth, now - first)
}
await list()
const heldBytesPerRow = growth / Math.max(1, rows - LOOK)
console.log(JSON.stringify({ ...measured, ...allocated, peakKilobytes, heldBytesPerRow, sum }))
