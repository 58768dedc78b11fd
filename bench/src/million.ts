// A million packets through the socket transport with at most 1024 in flight: none may be lost, and once warm the heap may
// not grow. Makes its own namespace; exit code 0 only if both hold.
//
//   node bench/dist/million.js [--packets 1000000] [--window 1024] [--json]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openQueue } from 'ringlink'
import { runInNamespace } from './namespace.ts'

const HELP = `A million packets through a queue of the real kernel, without loss and without growth of the heap.

  --packets N   how many (default 1000000)
  --window N    how many in flight at the most (default 1024)
  --json        the result as one JSON object
  --help`

const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '1000000' },
    window: { type: 'string', default: '1024' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    inside: { type: 'boolean', default: false },
  },
})
const PORT = 9000
/** Heap that may come and go with compiled code and caches, over the whole run; a leak of 2 bytes a packet would show. */
const TOLERANCE = 1 << 20

if (values.help) {
  process.stdout.write(`${HELP}\n`)
} else if (values.inside) {
  await measure(Number(values.packets), Number(values.window))
} else {
  runInNamespace(import.meta.url, [`-A OUTPUT -p udp --dport ${PORT} -j NFQUEUE --queue-num 0`], ['--expose-gc'])
}

async function measure(packets: number, window: number): Promise<void> {
  const traffic = join(dirname(fileURLToPath(import.meta.url)), 'window.js')
  const queue = await openQueue({ number: 0, copyRange: 128, maxLength: 4096 })
  const warm = Math.floor(packets / 5)
  const child = spawn(
    process.execPath,
    [traffic, '--count', String(packets), '--window', String(window), '--port', String(PORT)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  let heapWhenWarm = 0
  let bytesRead = 0
  const start = performance.now()
  let nextReport = packets / 10
  for await (const batch of queue) {
    for (const packet of batch) {
      bytesRead += packet.payloadLength
      packet.accept()
    }
    const seen = queue.stats.packets
    if (heapWhenWarm === 0 && seen >= warm) heapWhenWarm = usedHeap()
    if (seen >= nextReport) {
      nextReport += packets / 10
      if (!values.json) process.stderr.write(`${seen} packets\n`)
    }
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
  if (values.json) process.stdout.write(`${JSON.stringify({ ok, ...result })}\n`)
  else
    for (const [name, value] of Object.entries({ ok, ...result })) process.stdout.write(`${name.padEnd(22)}${value}\n`)
  process.exitCode = ok ? 0 : 1
}

function usedHeap(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
