// A million packets through the socket transport with at most 1024 in flight: none may be lost, and once warm the heap
// may not grow. Runs in the namespace of the bench, with --expose-gc; prints what it saw as JSON.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openQueue, openSocket } from 'ringlink'
import { DIST } from './paths.ts'
import { Port } from './rules.ts'

const { values } = parseArgs({
  options: { packets: { type: 'string', default: '1000000' }, window: { type: 'string', default: '1024' } },
})
/**
 * Heap that may come and go with compiled code and caches, over the whole run; a leak of 2 bytes a packet would show.
 */
const TOLERANCE = 1 << 20

await measure(Number(values.packets), Number(values.window))

async function measure(packets: number, window: number): Promise<void> {
  const traffic = join(DIST, 'window.js')
  const queue = await openQueue({ number: 0, copyRange: 128, maxLength: 4096, transport: openSocket })
  const warm = Math.floor(packets / 5)
  const child = spawn(
    process.execPath,
    [traffic, '--count', String(packets), '--window', String(window), '--port', String(Port.Queue)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  let heapWhenWarm = 0
  let bytesRead = 0
  const start = performance.now()
  for await (const batch of queue) {
    for (const packet of batch) {
      bytesRead += packet.payloadLength
      packet.accept()
    }
    const seen = queue.stats.packets
    if (heapWhenWarm === 0 && seen >= warm) heapWhenWarm = usedHeap()
    if (seen >= packets) break
  }
  const seconds = (performance.now() - start) / 1000
  const growth = usedHeap() - heapWhenWarm
  if (child.exitCode === null) await once(child, 'exit')
  const { sent, received } = JSON.parse(output)
  const { stats } = queue
  const { systemCalls, wakeups, lost } = queue.transport.stats
  const result = {
    sent,
    received,
    packets: stats.packets,
    accepted: stats.accepted,
    lost: stats.lost + lost,
    late: stats.late,
    bytesRead,
    heapGrowthBytes: growth,
    packetsPerSecond: Math.round(packets / seconds),
    systemCallsPerPacket: Number((systemCalls / packets).toFixed(4)),
    wakeups,
  }
  await queue.close()
  const ok = received === packets && stats.accepted === packets && result.lost === 0 && growth < TOLERANCE
  process.stdout.write(`${JSON.stringify({ ok, ...result })}\n`)
  process.exitCode = ok ? 0 : 1
}

function usedHeap(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
