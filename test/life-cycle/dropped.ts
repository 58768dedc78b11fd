// Opens a queue or a log with a rule, gives its privileges up, sends a packet and prints how that came out. The
// arguments: `queue` or `log`, and the transport, one of `ways`.
import dgram from 'node:dgram'
import { openLog, openQueue, openTransport, type TransportNeeds } from 'ringlink'
import { transportOptions, type Way } from './life.ts'

const PORT = 9000
const NOBODY = 65534

const [kind = '', way = ''] = process.argv.slice(2)
const transport = (needs: TransportNeeds) => openTransport({ ...needs, ...transportOptions[way as Way] })
const rule = { hook: 'output', match: { protocol: 'udp', destinationPort: PORT } } as const
const opened =
  kind === 'queue'
    ? await openQueue({ number: 5, copyRange: 64, transport, rule })
    : await openLog({ group: 5, copyRange: 64, transport, rule })
process.setuid?.(NOBODY)
const sender = dgram.createSocket('udp4')
await new Promise((resolve) => sender.send('x', PORT, '127.0.0.1', resolve))
sender.close()

let packets = 0
let end: { readonly code?: unknown; readonly errno?: unknown } = {}
try {
  for await (const batch of opened) {
    for (const packet of batch) {
      packets++
      if ('accept' in packet) packet.accept()
    }
    // The answer to a verdict of a queue ends the loop; a log has none.
    if (kind === 'log') break
  }
} catch (error) {
  end = error as { code: unknown; errno: unknown }
}
await opened.close()
console.log(JSON.stringify({ packets, code: end.code, errno: end.errno }))
