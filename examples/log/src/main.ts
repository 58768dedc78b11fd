// Reads what the firewall logs: a line for each packet, and a capture that Wireshark opens.
import { parseArgs } from 'node:util'
import { LinkType, nflogRecord, openCapture } from '@ringlink/capture'
import { escapeText, jsonText } from '@ringlink/codec'
import { packetText } from '@ringlink/packet'
import { openLog, openRing, openSocket, openTransport } from 'ringlink'

const { values: options } = parseArgs({
  options: {
    /** number of a group; several are allowed */
    group: { type: 'string', multiple: true, default: ['5'] },
    /** log all UDP that this machine sends, for as long as the program runs */
    rule: { type: 'boolean', default: false },
    /** file for the packets */
    write: { type: 'string' },
    /** packets that the kernel collects before it delivers them, and milliseconds after which it delivers fewer */
    threshold: { type: 'string', default: '64' },
    timeout: { type: 'string', default: '500' },
    seconds: { type: 'string' },
    /** socket, or mmap: memory shared with the kernel */
    transport: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const groups = options.group.map(Number)
const transports = { socket: openSocket, mmap: openRing }
const capture =
  options.write === undefined ? undefined : openCapture(options.write, { application: 'ringlink example' })
// Each group is an interface of the capture.
const interfaces = new Map(
  groups.map((group) => [group, capture?.addInterface({ linkType: LinkType.Nflog, name: `nflog:${group}` }) ?? 0]),
)

await using log = await openLog({
  group: groups,
  rule: options.rule ? { hook: 'output', match: { protocol: 'udp' }, prefix: 'out: ' } : undefined,
  transport: transports[options.transport as keyof typeof transports] ?? openTransport,
  ruleTransport: openSocket,
  threshold: Number(options.threshold),
  timeout: Number(options.timeout),
})
report('open', { groups: groups.join(), transport: log.transport.capabilities.kind })

// Records that the kernel has collected come first; then the loop ends.
const stop = () => log.finish()
process.once('SIGINT', stop).once('SIGTERM', stop)
if (options.seconds !== undefined) setTimeout(stop, Number(options.seconds) * 1000).unref()

// A batch is what one wake-up of the kernel brought: some datagrams, of one record or a hundred.
for await (const records of log) {
  const now = BigInt(Date.now()) * 1_000_000n
  let lostBefore = 0
  for (const record of records) {
    // The records of a group are numbered: a gap is a loss.
    const lost = records.lost - lostBefore
    lostBefore = records.lost
    const headers = record.headers()
    const { group, sequence = 0, payloadLength: captured } = record
    const prefix = record.prefix() ?? ''
    const length = headers.networkLength
    report('packet', { group, sequence, prefix, length, captured, lost, text: packetText(headers) })
    // The kernel stamps what comes in; other packets have the time at which they were read.
    const stamp = record.timestamp()
    const at = stamp === undefined ? now : stamp * 1000n
    capture?.writePacket(nflogRecord(interfaces.get(group) ?? 0, at, record, { dropCount: BigInt(lost) }))
  }
  if (capture?.congested) await capture.drained()
}

await capture?.close()
const { records: packets, lost } = log.stats
report('summary', { transport: log.transport.capabilities.kind, packets, lost })

/** One line for people, or one JSON object. A prefix is text from elsewhere: escaped, it cannot steer a terminal. */
function report(event: string, values: Record<string, string | number>): void {
  const text = Object.entries(values).map(([name, value]) => `${name} ${escapeText(String(value))}`)
  console.log(options.json ? jsonText({ event, ...values }) : `${event}: ${text.join('  ')}`)
}
