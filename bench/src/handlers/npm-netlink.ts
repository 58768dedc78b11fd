// npm netlink 0.3.0 as a handler of the bench: its raw socket, with messages read and written here, because it knows no
// queues; its own parser would cost more (see the codec measurements). `sends=batch` has the verdicts of one turn of
// the event loop sent together, which takes some knowledge; by default each is sent by itself, as its interface
// suggests.

import { Arguments } from './arguments.ts'
import { Meter } from './meter.ts'
import { requirePeer } from './peer-module.ts'

interface RawSocket {
  on(event: 'message', listener: (message: Buffer) => void): void
  send(message: Uint8Array | Uint8Array[]): void
}

interface Netlink {
  readonly RawNetlinkSocket: new (
    protocol: number,
    options: { messagePeeking: boolean; msgBufferSize: number; recvBufferSize: number; sendBufferSize: number },
  ) => RawSocket
}

const NETFILTER = 12
const QUEUE_SUBSYSTEM = 3 << 8
const Message = { Packet: QUEUE_SUBSYSTEM, Verdict: QUEUE_SUBSYSTEM | 1, Config: QUEUE_SUBSYSTEM | 2 } as const
const Attribute = { PacketHeader: 1, Mark: 3, OutputDevice: 6, Payload: 10 } as const
const HEADERS = 20
/** The largest buffer that a socket has without a privileged option, which the module does not know. */
const BUFFER = 2 << 20

const args = new Arguments(process.argv.slice(2))
const queue = args.number('queue', 0)
const range = args.number('range', 65531)
const verdict = args.text('verdict', 'accept') === 'drop' ? 0 : 1
const { RawNetlinkSocket } = requirePeer('netlink') as Netlink
const socket = new RawNetlinkSocket(NETFILTER, {
  messagePeeking: false,
  msgBufferSize: range + 1024,
  recvBufferSize: BUFFER,
  sendBufferSize: 1 << 18,
})
let checksum = 0
let errors = 0
let pending: Uint8Array[] = []
const sendsBatches = args.text('sends', 'each') === 'batch'
const meter = new Meter(args, () => ({ systemCalls: null, errors, lost: 0, checksum }))
const configured = new Promise<void>((resolve) => {
  socket.on('message', (message) => {
    const type = message.readUInt16LE(4)
    if (type === Message.Packet) onPacket(message)
    else if (message.readInt32LE(16) !== 0) errors++
    else resolve()
  })
})
socket.send(config())
await configured
meter.ready()

function onPacket(message: Buffer): void {
  meter.received()
  let id = 0
  const length = message.readUInt32LE(0)
  for (let at = HEADERS; at + 4 <= length; ) {
    const size = message.readUInt16LE(at)
    if (size < 4) break
    const value = at + 4
    switch (message.readUInt16LE(at + 2) & 0x3fff) {
      case Attribute.PacketHeader:
        id = message.readUInt32BE(value)
        break
      case Attribute.Mark:
      case Attribute.OutputDevice:
        checksum += message.readUInt32BE(value)
        break
      case Attribute.Payload:
        if (size >= 32) checksum += message.readUInt8(value + 9) + message.readUInt16BE(value + 22)
        break
    }
    at += (size + 3) & ~3
  }
  const answer = header(Message.Verdict, 1, 12)
  answer.writeUInt16LE(12, HEADERS)
  answer.writeUInt16LE(2, HEADERS + 2)
  answer.writeUInt32BE(verdict, HEADERS + 4)
  answer.writeUInt32BE(id, HEADERS + 8)
  if (sendsBatches) sendLater(answer)
  else sendNow(answer, 1)
}

function sendNow(message: Uint8Array | Uint8Array[], packets: number): void {
  socket.send(message)
  meter.answered(packets, () => {})
}

function sendLater(message: Uint8Array): void {
  if (pending.length === 0) {
    setImmediate(() => {
      const messages = pending
      pending = []
      sendNow(Buffer.concat(messages), messages.length)
    })
  }
  pending.push(message)
}

function header(type: number, flags: number, attributes: number): Buffer {
  const message = Buffer.alloc(HEADERS + attributes)
  message.writeUInt32LE(message.length, 0)
  message.writeUInt16LE(type, 4)
  message.writeUInt16LE(flags, 6)
  message.writeUInt16BE(queue, 18)
  return message
}

/** Binds the queue and configures it: command, parameters, length. */
function config(): Buffer {
  const message = header(Message.Config, 1 | 4, 8 + 12 + 8)
  let at = HEADERS
  const attribute = (length: number, type: number): number => {
    const value = at + 4
    message.writeUInt16LE(4 + length, at)
    message.writeUInt16LE(type, at + 2)
    at = value + ((length + 3) & ~3)
    return value
  }
  message.writeUInt8(1, attribute(4, 1))
  const parameters = attribute(5, 2)
  message.writeUInt32BE(range, parameters)
  message.writeUInt8(range === 0 ? 1 : 2, parameters + 4)
  message.writeUInt32BE(args.number('maxlength', 1024), attribute(4, 3))
  return message
}
