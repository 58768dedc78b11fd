/**
 * Run by allocation.test.ts in a separate process, as allocation.ts: prints by how many bytes the heap grew per row of
 * a dump. A dump has a fixed cost, the code that the engine compiles for it included, so it compares a short and a long
 * one.
 */
import { parsePrefix } from '@ringlink/packet'
import { dumpConnections } from '../src/conntrack/requests.ts'
import { type ConnectionBatch, type ConnectionFilter, Conntrack, Session } from '../src/index.ts'
import { EndlessDump } from './endless-dump.ts'

const SHORT = 1 << 17
const LONG = 1 << 19
/** Frames of a batch, so many that its own cost is small for each of its rows. */
const FRAMES = 128
const ROUNDS = 4

type List = (session: Session) => Promise<unknown>

const listRows: List = async (session) => {
  let sum = 0
  const request = dumpConnections(0, {})
  for await (const batch of session.rowBatches(request)) for (const view of batch) sum ^= view.length ^ view.type
  return sum
}

/** Reads everything that a view promises to show without an allocation. */
function readConnections(batch: ConnectionBatch): number {
  let sum = 0
  for (const view of batch) {
    const { original, reply } = view
    sum ^= view.id ^ view.mark ^ (view.timeout ?? 0) ^ (view.status ?? 0) ^ (view.tcpState ?? 0) ^ (view.zone ?? 0)
    sum ^= (original.sourcePort ?? 0) ^ (reply.destinationPort ?? 0) ^ (original.protocol ?? 0) ^ original.sourceOffset
    sum ^= reply.destinationOffset ^ (view.originalPackets ?? 0) ^ (view.replyBytes ?? 0)
    if (view.sourceAddress.isIn(network)) sum++
  }
  return sum
}
const network = parsePrefix('10.0.0.0/8')

const listConnections =
  (filter: ConnectionFilter): List =>
  async (session) => {
    let sum = 0
    for await (const batch of new Conntrack(session, undefined).listBatches(filter)) sum ^= readConnections(batch)
    return sum
  }

/** Each property that is checked here and not by the kernel alone. */
const everyProperty: ConnectionFilter = {
  ...{ family: 'ip', protocol: 'tcp', destinationPort: { from: 1, to: 1000 }, sourceAddress: '10.0.0.0/8' },
  ...{ state: 'established', status: 'assured', zone: 0, mark: { value: 0, mask: 0x4000_0000 } },
}

/** Bytes of a dump of so many rows: the minimum of several rounds, because the engine also allocates for itself. */
async function bytesOf(rows: number, list: List): Promise<number> {
  const session = new Session(new EndlessDump(FRAMES, rows))
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    await list(session)
    least = Math.min(least, process.memoryUsage().heapUsed - before)
  }
  await session.close()
  return least
}

async function bytesPerRow(list: List): Promise<number> {
  const short = await bytesOf(SHORT, list)
  return ((await bytesOf(LONG, list)) - short) / (LONG - SHORT)
}

/** What must be seen for a valid measurement. */
const listAndAllocate: List = async (session) => {
  const kept: object[] = []
  for await (const batch of session.rowBatches(dumpConnections(0, {})))
    for (const view of batch) kept[view.length & 3] = [kept.length > 0 ? view : kept]
}

console.log(
  JSON.stringify({
    rows: await bytesPerRow(listRows),
    connections: await bytesPerRow(listConnections({})),
    selectedConnections: await bytesPerRow(listConnections(everyProperty)),
    control: await bytesPerRow(listAndAllocate),
    fixed: await bytesOf(SHORT, listConnections({})),
  }),
)
