// An HTTP server in the process that answers queues under a flood: how long its event loop makes others wait. Prints
// READY, measures after a line on its standard input, and prints what it saw as JSON. Arguments: queues=N seconds=S
// transport=socket|ring; with 0 queues the flood passes it by.
import { createServer } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Arguments } from './handlers/arguments.ts'
import { openQueueFor } from './handlers/open.ts'
import { Port } from './rules.ts'

const args = new Arguments(process.argv.slice(2))
const count = args.number('queues', 2)
const queues = await Promise.all(Array.from({ length: count }, (_, number) => openQueueFor(args, number)))
const loops = queues.map(async (queue) => {
  for await (const packets of queue) packets.accept()
})

let requests = 0
const server = createServer((_request, response) => {
  requests++
  response.end('ok')
})
await new Promise<void>((resolve) => server.listen(Port.Http, '127.0.0.1', resolve))
process.stdout.write('READY\n')
await new Promise((resolve) => process.stdin.once('data', resolve))

const sum = () => queues.reduce((total, { stats }) => total + stats.packets, 0)
const before = sum()
requests = 0
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const start = performance.now()
await new Promise((resolve) => setTimeout(resolve, args.number('seconds', 1) * 1000))
delay.disable()
const seconds = (performance.now() - start) / 1000
const milliseconds = (nanoseconds: number) => nanoseconds / 1e6
process.stdout.write(
  `${JSON.stringify({
    p50: milliseconds(delay.percentile(50)),
    p99: milliseconds(delay.percentile(99)),
    maximum: milliseconds(delay.max),
    packetsPerSecond: (sum() - before) / seconds,
    requestsPerSecond: requests / seconds,
  })}\n`,
)
for (const queue of queues) await queue.close()
await Promise.all(loops)
server.closeAllConnections()
server.close()
process.stdin.destroy()
