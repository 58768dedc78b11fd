// Lists connections: a contender of the group conntrack. Prints one line of JSON.
import { parseArgs } from 'node:util'
import { ConntrackMessage, ConntrackView, nfnetlinkHeader } from '@ringlink/codec'
import { type Conntrack, openConntrack, openRing, openSocket } from 'ringlink'

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
/** Rows between two looks at the memory that is held. */
const LOOK = 5000
/** Listings that are looked at for what they allocate. */
const LOOKED_AT = 3

function open(datagrams?: number): Promise<Conntrack> {
  return openConntrack({
    transport: ({ protocol, frameSize, receiveBufferSize }) =>
      values.transport === 'ring'
        ? openRing({ protocol, frameSize, receiveBufferSize })
        : openSocket({ protocol, frameSize, receiveBufferSize, batchSize: datagrams }),
  })
}

await using conntrack = await open(values.batch === undefined ? undefined : Number(values.batch))

let rows = 0
let sum = 0
let look: (() => void) | undefined

function read(view: ConntrackView): void {
  const { original } = view
  sum = (sum + view.id + (original.sourcePort ?? 0) + original.sourceOffset) | 0
  sum = (sum + view.mark + (view.status ?? 0) + (view.timeout ?? 0)) | 0
  if (++rows % LOOK === 0) look?.()
}

async function listViews(from: Conntrack): Promise<void> {
  for await (const batch of from.listBatches()) for (const view of batch) read(view)
}

async function listRows(from: Conntrack): Promise<void> {
  const view = new ConntrackView()
  const request = { what: 'list connections', type: ConntrackMessage.Get, header: nfnetlinkHeader(0, 0) }
  for await (const { view: row } of from.session.rows(request)) read(view.wrap(row.memory, row.offset, row.length))
}

async function listConnections(from: Conntrack): Promise<void> {
  for await (const { id = 0, mark, timeout = 0, original } of from.list()) {
    sum = (sum + id + mark + timeout + (original.sourcePort ?? 0)) | 0
    if (++rows % LOOK === 0) look?.()
  }
}

const list = values.api === 'rows' ? listRows : values.api === 'list' ? listConnections : listViews
for (let round = Number(values.warm); round > 0; round--) await list(conntrack)
rows = 0
const { stats } = conntrack.session.transport
const callsBefore = stats.systemCalls
globalThis.gc?.()
const before = process.cpuUsage()
const start = performance.now()
for (let round = Number(values.rounds); round > 0; round--) await list(conntrack)
const { user, system } = process.cpuUsage(before)
const seconds = (performance.now() - start) / 1000
const measured = { rows, systemCalls: stats.systemCalls - callsBefore, cpuSeconds: (user + system) / 1e6, seconds }
const { maxRSS: peakKilobytes } = process.resourceUsage()
const heap = values.api === 'views' && values.batch === undefined ? await allocated() : {}
const heldBytesPerRow = await held()
console.log(JSON.stringify({ ...measured, ...heap, peakKilobytes, heldBytesPerRow, sum }))
// It stays until its output has been read: the bench reads the processor time of a process that is there.
process.stdin.resume()

/** Bytes that a row and a wake-up cost: the least of some listings, because the engine also allocates for itself. */
async function allocated(): Promise<{ heapBytesPerRow: number; heapBytesPerBatch: number }> {
  const heapUsed = () => process.memoryUsage().heapUsed
  const perRow: number[] = []
  const perBatch: number[] = []
  for (let round = 0; round < LOOKED_AT; round++) {
    globalThis.gc?.()
    rows = 0
    let batches = 0
    let inBatches = 0
    let between = 0
    let last = heapUsed()
    for await (const batch of conntrack.listBatches()) {
      const arrived = heapUsed()
      between += arrived - last
      for (const view of batch) read(view)
      last = heapUsed()
      inBatches += last - arrived
      batches++
    }
    perRow.push(inBatches / rows)
    perBatch.push(between / batches)
  }
  return { heapBytesPerRow: Math.max(0, Math.min(...perRow)), heapBytesPerBatch: Math.min(...perBatch) }
}

/**
 * Bytes that each further row of one listing holds: what is in use in its second half, less what was in its first. One
 * datagram for each wake-up, so that rows which have arrived and were not read are few.
 */
async function held(): Promise<number> {
  await using flat = await open(1)
  const looks: number[] = []
  look = () => {
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    looks.push(heapUsed + external)
  }
  rows = 0
  await list(flat)
  look = undefined
  const half = looks.length >> 1
  const mean = (some: readonly number[]) => some.reduce((total, each) => total + each, 0) / some.length
  return Math.max(0, mean(looks.slice(half)) - mean(looks.slice(0, half))) / (half * LOOK)
}
