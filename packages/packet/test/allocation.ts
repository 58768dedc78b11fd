/**
 * Run by allocation.test.ts in a separate process with `--expose-gc`: prints by how many bytes the heap grew per
 * packet, and the best time per packet in nanoseconds, together with those of a decoder that makes an object for each
 * header.
 */
import { Memory } from '@ringlink/codec/memory'
import { decodeObjects } from '../../../bench/src/decoders/packet-objects.ts'
import {
  IpProtocol,
  ipv4Packet,
  ipv6Packet,
  PacketView,
  parseAddress,
  parsePrefix,
  TcpView,
  tcpPacket,
  udpPacket,
} from '../src/index.ts'

const COUNT = 200_000
const SLOT = 256
const ends = { source: '192.0.2.1', destination: '198.51.100.7', sourcePort: 5000, destinationPort: 53 }
const ends6 = { ...ends, source: '2001:db8::1', destination: '2001:db8::7' }

function slots(packets: readonly Uint8Array[]): { memory: Memory; lengths: readonly number[] } {
  const memory = new Memory(packets.length * SLOT)
  for (const [index, packet] of packets.entries()) memory.u8.set(packet, index * SLOT)
  return { memory, lengths: packets.map((packet) => packet.length) }
}

const udp = slots(
  Array.from({ length: 64 }, (_, index) =>
    udpPacket({ ...ends, sourcePort: 1000 + index, payload: 'sixteen bytes of' }),
  ),
)
const options = Uint8Array.of(IpProtocol.Udp, 0, 1, 4, 0, 0, 0, 0)
const extended = ipv6Packet({
  ...ends6,
  nextHeader: IpProtocol.DestinationOptions,
  payload: Uint8Array.from([...options, ...udpPacket(ends6).subarray(40)]),
})
const mixed = slots([
  udpPacket(ends),
  tcpPacket({ ...ends6, flags: 2, options: Uint8Array.of(2, 4, 5, 180) }),
  extended,
  ipv4Packet({ ...ends, protocol: 4, payload: udpPacket(ends) }),
])

const packet = new PacketView()
const tcp = new TcpView()
const prefix = parsePrefix('192.0.2.0/24')
const address = parseAddress('198.51.100.7')

function readUdp(): number {
  const { memory, lengths } = udp
  let sum = 0
  for (let count = 0; count < COUNT; count++) {
    const slot = count & 63
    packet.wrapNetwork(memory, slot * SLOT, lengths[slot] as number, 0x0800)
    sum += (packet.sourcePort ?? 0) + (packet.destinationPort ?? 0) + (packet.protocol ?? 0) + packet.payloadLength
  }
  return sum
}

function readObjects(): number {
  const { memory, lengths } = udp
  let sum = 0
  for (let count = 0; count < COUNT; count++) {
    const slot = count & 63
    const layers = decodeObjects(memory.u8.subarray(slot * SLOT, slot * SLOT + (lengths[slot] as number)))
    const { transport, network } = layers
    sum += (transport?.sourcePort ?? 0) + (transport?.destinationPort ?? 0) + network.protocol + layers.payload.length
  }
  return sum
}

/** Everything that promises to allocate nothing. */
function readMixed(): number {
  const { memory, lengths } = mixed
  let sum = 0
  for (let count = 0; count < COUNT; count++) {
    const slot = count & 3
    packet.wrapNetwork(memory, slot * SLOT, lengths[slot] as number)
    if (packet.source?.isIn(prefix) === true) sum++
    if (packet.destination?.equals(address) === true) sum++
    sum += packet.innermost().destinationPort ?? 0
    if (!tcp.find(packet)) continue
    const { options: walk } = tcp
    while (walk.next()) sum += walk.maximumSegmentSize ?? 0
  }
  return sum
}

/** The best of several rounds that take turns: what the engine does for itself, once, is not the work's. */
function measure(works: readonly (() => number)[]): { bytes: number; nanoseconds: number; sum: number }[] {
  const best = works.map(() => ({ bytes: Number.POSITIVE_INFINITY, nanoseconds: Number.POSITIVE_INFINITY, sum: 0 }))
  for (let round = 0; round < 8; round++) {
    for (const [index, work] of works.entries()) {
      globalThis.gc?.()
      const before = process.memoryUsage().heapUsed
      const cpu = process.cpuUsage()
      const sum = work()
      const used = process.cpuUsage(cpu)
      const nanoseconds = ((used.user + used.system) * 1000) / COUNT
      const bytes = (process.memoryUsage().heapUsed - before) / COUNT
      const one = best[index]
      if (one !== undefined)
        best[index] = { bytes: Math.min(one.bytes, bytes), nanoseconds: Math.min(one.nanoseconds, nanoseconds), sum }
    }
  }
  return best
}

const [views, objects, everything] = measure([readUdp, readObjects, readMixed])
console.log(JSON.stringify({ views, objects, everything }))
