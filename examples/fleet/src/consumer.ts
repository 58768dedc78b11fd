// One of the programs that share the work: it decodes the records of all hosts, and notes their numbers.
import { openNats } from '@ringlink/transport-nats'
import { openLog } from 'ringlink'
import { CONSUMER, type ConsumerReport, SERVER, STREAM } from './protocol.ts'
import { SeenNumbers } from './ranges.ts'

const transport = await openNats({
  servers: SERVER,
  stream: STREAM,
  consumer: CONSUMER,
  acknowledgeTimeout: 10_000,
  prefetch: 4,
  exclusive: true,
})
const log = await openLog({ group: 'any', transport, readInterval: 0 })
const seen = new Map<string, SeenNumbers>()

function report(): ConsumerReport {
  const dropped: Record<string, number> = {}
  for (const { host, droppedMessages } of transport.hosts.values())
    dropped[host] = (dropped[host] ?? 0) + droppedMessages
  return {
    ranges: Object.fromEntries([...seen].map(([host, { ranges }]) => [host, ranges])),
    dropped,
    records: log.stats.records,
  }
}

async function answer(question: string): Promise<void> {
  if (question === 'end') {
    await log.close()
    await transport.closed
  }
  process.send?.(report(), () => {
    if (question === 'end') process.exit()
  })
}

process.on('message', (question: string) => {
  void answer(question)
})
process.once('disconnect', () => process.exit())
process.send?.('ready')
for await (const records of log) {
  const host = records.origin?.host ?? ''
  let numbers = seen.get(host)
  if (numbers === undefined) {
    numbers = new SeenNumbers()
    seen.set(host, numbers)
  }
  for (const record of records) numbers.add(record.sequence ?? 0)
}
