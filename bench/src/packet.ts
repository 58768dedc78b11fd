// Reads the headers of an IPv4 UDP packet again and again with one decoder, and prints nanoseconds for each and bytes
// that the heap grew by. In a process of its own, so that the engine sees one decoder only. The arguments: decoder,
// count.
import { Memory } from '@ringlink/codec'
import { PacketView, parseAddress } from 'ringlink'
import { decodeObjects } from './decoders/packet-objects.ts'
import { Arguments } from './handlers/arguments.ts'
import { spreadOf } from './statistics.ts'

/** Packets that are read in turn, so that they are not one cache line. */
const SLOTS = 64
const SLOT = 256
const ROUNDS = 9
const IPV4 = 0x0800
/** 192.0.2.1 port 5000 to 198.51.100.7 port 53, 16 bytes of payload. */
const PACKET = '4500002c00014000401111c8c0000201c6336407138800350018000073697874656e206279746573206f66207569'

const args = new Arguments(process.argv.slice(2))
const count = args.number('count', 200_000)
const bytes = Buffer.from(PACKET, 'hex').subarray(0, 44)
const memory = new Memory(SLOTS * SLOT)
for (let slot = 0; slot < SLOTS; slot++) {
  memory.u8.set(bytes, slot * SLOT)
  memory.u8[slot * SLOT + 21] = slot
}
const destination = parseAddress('198.51.100.7')
const packet = new PacketView()

function view(slot: number): number {
  packet.wrapNetwork(memory, slot * SLOT, bytes.length, IPV4)
  const ports = (packet.sourcePort ?? 0) + (packet.destinationPort ?? 0)
  return (
    ports + (packet.protocol ?? 0) + packet.payloadLength + (packet.destination?.equals(destination) === true ? 1 : 0)
  )
}

function objects(slot: number): number {
  const { network, transport, payload } = decodeObjects(memory.u8.subarray(slot * SLOT, slot * SLOT + bytes.length))
  const ports = (transport?.sourcePort ?? 0) + (transport?.destinationPort ?? 0)
  const isEqual = network.destination.every((byte, at) => byte === destination[at])
  return ports + network.protocol + payload.length + (isEqual ? 1 : 0)
}

const decode = args.text('decoder', 'view') === 'view' ? view : objects
let sum = 0
function round(): number {
  const start = performance.now()
  for (let i = 0; i < count; i++) sum += decode(i % SLOTS)
  return ((performance.now() - start) * 1e6) / count
}

round()
const nanoseconds = spreadOf(Array.from({ length: ROUNDS }, round))
process.stdout.write(`${JSON.stringify({ nanoseconds: nanoseconds?.median, checksum: decode(7), sum })}\n`)
