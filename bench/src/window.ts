// The traffic of a closed loop: sends UDP to itself with at most WINDOW datagrams in flight, COUNT in all, and prints
// what arrived. Runs in a namespace whose rule queues this port.
import dgram from 'node:dgram'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    count: { type: 'string' },
    window: { type: 'string' },
    port: { type: 'string' },
    size: { type: 'string' },
  },
})
const count = Number(values.count)
const window = Number(values.window)
const port = Number(values.port)
const payload = Buffer.alloc(Number(values.size ?? 64), 'x')
const BURST = 64

let sent = 0
let received = 0
const receiver = dgram.createSocket({ type: 'udp4', recvBufferSize: 1 << 22 })
const sender = dgram.createSocket({ type: 'udp4', sendBufferSize: 1 << 22 })
let resume: (() => void) | undefined
receiver.on('message', () => {
  received++
  resume?.()
})
await new Promise<void>((resolve) => receiver.bind(port, '127.0.0.1', resolve))
await new Promise<void>((resolve) => sender.connect(port, '127.0.0.1', resolve))
while (received < count) {
  const burst = Math.min(BURST, window - (sent - received), count - sent)
  for (let i = 0; i < burst; i++) sender.send(payload)
  sent += Math.max(0, burst)
  if (burst > 0) {
    await new Promise(setImmediate)
  } else {
    await new Promise<void>((resolve) => {
      resume = resolve
    })
    resume = undefined
  }
}
receiver.close()
sender.close()
process.stdout.write(`${JSON.stringify({ sent, received })}\n`)
