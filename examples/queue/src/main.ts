// A packet filter: drops datagrams to a port or with a text in them, marks the rest, and shows how many there are.
import { parseArgs } from 'node:util'
import { openQueue, openRing, openSocket, openTransport } from 'ringlink'
import { datagramFilter } from './filter.ts'

const { values: options } = parseArgs({
  options: {
    /** number of the queue */
    queue: { type: 'string', default: '0' },
    /** send all UDP of this machine to the queue, for as long as the program runs */
    rule: { type: 'boolean', default: false },
    'drop-port': { type: 'string', default: '5000' },
    'drop-text': { type: 'string', default: '' },
    /** mark of accepted packets; 0 leaves the mark unchanged */
    mark: { type: 'string', default: '0' },
    seconds: { type: 'string' },
    /** socket, or mmap: memory shared with the kernel */
    transport: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const isDropped = datagramFilter({ port: Number(options['drop-port']), text: options['drop-text'] })
// Undefined sends the shorter verdict that changes nothing.
const changes = options.mark === '0' ? undefined : { mark: Number(options.mark) }
const transports = { socket: openSocket, mmap: openRing }
let bytes = 0

// The queue is ours until the block ends; packets that are left then are dropped (`unanswered` says so).
await using queue = await openQueue({
  number: Number(options.queue),
  rule: options.rule ? { hook: 'output', match: { protocol: 'udp' }, onExit: 'bypass' } : undefined,
  transport: transports[options.transport as keyof typeof transports] ?? openTransport,
  ruleTransport: openSocket,
  maxLength: 8192,
  segmentationOffload: true,
})
report('open', { queue: queue.number, transport: queue.transport.capabilities.kind })

let before = { packets: 0, time: performance.now() }
const timer = setInterval(() => {
  const { packets, lost } = queue.stats
  const now = performance.now()
  const packetsPerSecond = Math.round((packets - before.packets) / ((now - before.time) / 1000))
  before = { packets, time: now }
  report('rate', { packetsPerSecond, packets, lost })
}, 1000)

// A loop over a closed queue ends: that is how the program is stopped.
const stop = () => queue.close()
process.once('SIGINT', stop).once('SIGTERM', stop)
if (options.seconds !== undefined) setTimeout(stop, Number(options.seconds) * 1000).unref()

// A batch is what one wake-up of the kernel brought. Its verdicts are sent together when the loop asks for the next.
for await (const packets of queue) {
  // One object is shown as packet after packet: its properties are read where the kernel left them.
  for (const packet of packets) {
    bytes += packet.fullLength
    if (isDropped(packet)) packet.drop()
    else packet.accept(changes)
  }
}

clearInterval(timer)
const { packets, accepted, dropped, lost } = queue.stats
report('summary', { transport: queue.transport.capabilities.kind, packets, bytes, accepted, dropped, lost })

/** One line for people, or one JSON object. */
function report(event: string, values: Record<string, string | number>): void {
  const text = Object.entries(values).map(([name, value]) => `${name} ${value.toLocaleString('en-US')}`)
  console.log(options.json ? JSON.stringify({ event, ...values }) : `${event}: ${text.join('  ')}`)
}
