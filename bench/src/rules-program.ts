// What the group `rules` measures of ringlink. Prints READY, does its part after a line on its standard input, and
// prints what it saw as JSON.
//   mode=queue packets=N gso=0|1   answers a queue, with N > 0 only the first N packets of each connection
//   mode=add count=N               adds N elements to a set
//   mode=drop count=N              drops what goes to 64 addresses, which are among N elements, before a queue
import { installRules, openQueue, openSocket, type QueueRule } from 'ringlink'
import { Arguments } from './handlers/arguments.ts'
import { Port } from './rules.ts'
import { elementsOf, floodAddresses } from './rules-elements.ts'

const QUEUE = 5
const args = new Arguments(process.argv.slice(2))
const isReady = async () => {
  process.stdout.write('READY\n')
  await new Promise((resolve) => process.stdin.once('data', resolve))
}
const report = (values: object) => process.stdout.write(`${JSON.stringify(values)}\n`)

async function answer(): Promise<void> {
  const packets = args.number('packets', 0)
  const plain: QueueRule = { hook: 'output', match: { protocol: 'tcp', destinationPort: Port.Rules } }
  const rule = packets > 0 ? { ...plain, offload: { packets } } : plain
  const segmentationOffload = args.number('gso', 0) !== 0
  const queue = await openQueue({ number: QUEUE, transport: openSocket, rule, segmentationOffload, copyRange: 128 })
  const loop = async () => {
    for await (const batch of queue) batch.accept()
  }
  loop()
  await isReady()
  await new Promise((resolve) => process.stdin.once('data', resolve))
  const { later } = packets > 0 ? ((await queue.rules?.offloaded()) ?? {}) : {}
  report({ queued: queue.stats.packets, handled: later?.packets ?? 0 })
  await queue.close()
}

async function add(): Promise<void> {
  const elements = elementsOf(args.number('count', 1))
  const sets = { blocked: { type: 'ipv4' } } as const
  await using rules = await installRules(['output ip daddr @blocked drop'], { transport: openSocket, sets })
  await isReady()
  const start = performance.now()
  await rules.set('blocked').add(elements)
  report({ seconds: (performance.now() - start) / 1000 })
}

async function drop(): Promise<void> {
  const elements = [...elementsOf(args.number('count', 1)), ...floodAddresses]
  const sets = { blocked: { type: 'ipv4' } } as const
  const texts = [
    `output udp dport ${Port.Rules} ip daddr @blocked drop`,
    `output udp dport ${Port.Rules} queue to ${QUEUE}`,
  ]
  await using rules = await installRules(texts, { transport: openSocket, sets })
  await rules.set('blocked').add(elements)
  await using queue = await openQueue({ number: QUEUE, transport: openSocket })
  await isReady()
  await new Promise((resolve) => process.stdin.once('data', resolve))
  const [dropped, passed] = await rules.counters()
  const { waiting = 0 } = queue.counters() ?? {}
  report({ dropped: dropped?.packets, passed: passed?.packets, queued: queue.stats.packets + waiting })
}

const modes: Readonly<Record<string, () => Promise<void>>> = { queue: answer, add, drop }
await modes[args.text('mode', '')]?.()
