// The counterpart of bench/peers/log.c with ringlink: reads a packet log and prints the CPU time between record WARM
// and the end.
import { parseArgs } from 'node:util'
import { openLog } from 'ringlink'
import { opener } from './handlers/open.ts'

const { values } = parseArgs({
  options: {
    group: { type: 'string', default: '5' },
    warm: { type: 'string', default: '0' },
    count: { type: 'string', default: '0' },
    threshold: { type: 'string', default: '64' },
    buffer: { type: 'string', default: '65536' },
    interval: { type: 'string' },
    transport: { type: 'string', default: 'socket' },
  },
})
const warm = Number(values.warm)
const count = Number(values.count)
const log = await openLog({
  group: Number(values.group),
  copyRange: 64,
  threshold: Number(values.threshold),
  bufferSize: Number(values.buffer),
  receiveBufferSize: 1 << 27,
  ...(values.interval === undefined ? {} : { readInterval: Number(values.interval) }),
  transport: opener(values.transport),
})
process.stdout.write('READY\n')
let checksum = 0
let started = 0
let start: NodeJS.CpuUsage | undefined
let heap = 0
for await (const records of log) {
  for (const record of records) {
    const { memory, payloadOffset } = record
    checksum += (record.mark ?? 0) + (memory.u8[payloadOffset + 9] as number)
    checksum += (memory.u8[payloadOffset + 22] as number) + (memory.u8[payloadOffset + 23] as number)
  }
  const seen = log.stats.records + log.stats.lost
  if (start === undefined && seen >= warm) {
    start = process.cpuUsage()
    started = seen
    heap = process.memoryUsage().heapUsed
  }
  if (seen >= warm + count) break
}
const { user, system } = process.cpuUsage(start)
const { records, lost } = log.stats
process.stdout.write(
  `${JSON.stringify({
    records,
    lost,
    measured: records + lost - started,
    cpuSeconds: (user + system) / 1e6,
    checksum,
    heapGrowthBytes: process.memoryUsage().heapUsed - heap,
    systemCalls: log.transport.stats.systemCalls,
    datagrams: log.transport.stats.frames,
  })}\n`,
)
await log.close()
