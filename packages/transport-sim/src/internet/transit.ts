/** Reading and mending packets as far as the network stack around the queue does: headers, checksums, segmentation. */
import { addWords, CHECKSUM_OFFSET, finishChecksum, internetChecksum, pseudoHeaderSum } from './checksum.ts'
import { IPV6_HEADER_LENGTH, IpProtocol, readWord } from './network-header.ts'

const isIpv6 = (packet: Uint8Array): boolean => (packet[0] as number) >> 4 === 6

/** Where the transport header begins; extension headers of IPv6 count as transport. */
export function transportOffset(packet: Uint8Array): number {
  return isIpv6(packet) ? IPV6_HEADER_LENGTH : ((packet[0] as number) & 0xf) * 4
}

/** Protocol of the transport header. */
export function transportProtocol(packet: Uint8Array): number {
  return packet[isIpv6(packet) ? 6 : 9] as number
}

/** Source and destination port of TCP and UDP; 0 for what has none. */
export function sourcePort(packet: Uint8Array): number {
  return portAt(packet, 0)
}

export function destinationPort(packet: Uint8Array): number {
  return portAt(packet, 2)
}

function portAt(packet: Uint8Array, offset: number): number {
  const protocol = transportProtocol(packet)
  const at = transportOffset(packet) + offset
  if ((protocol !== IpProtocol.Tcp && protocol !== IpProtocol.Udp) || at + 2 > packet.length) return 0
  return readWord(packet, at)
}

function putShort(packet: Uint8Array, at: number, value: number): void {
  packet[at] = value >> 8
  packet[at + 1] = value & 0xff
}

/** Where the checksum lies that covers the pseudo header; -1 where there is none. */
function checksumOffset(packet: Uint8Array): number {
  const protocol = transportProtocol(packet)
  switch (protocol) {
    case IpProtocol.Tcp:
    case IpProtocol.Udp:
    case IpProtocol.Icmpv6:
      return transportOffset(packet) + CHECKSUM_OFFSET[protocol]
    default:
      return -1
  }
}

function pseudoSum(packet: Uint8Array): number {
  const [source, destination, end] = isIpv6(packet) ? [8, 24, 40] : [12, 16, 20]
  const length = packet.length - transportOffset(packet)
  const addresses = [packet.subarray(source, destination), packet.subarray(destination, end)] as const
  return pseudoHeaderSum(...addresses, transportProtocol(packet), length)
}

/** Fills in the transport checksum of a packet, in place. */
export function fillChecksum(packet: Uint8Array): void {
  const at = checksumOffset(packet)
  if (at < 0 || at + 2 > packet.length) return
  putShort(packet, at, 0)
  const transport = transportOffset(packet)
  const checksum = finishChecksum(addWords(pseudoSum(packet), packet, transport, packet.length - transport))
  // In UDP a sum of zero would mean that there is none.
  putShort(packet, at, checksum === 0 && transportProtocol(packet) === IpProtocol.Udp ? 0xffff : checksum)
}

/** Writes the sum of the pseudo header where the checksum belongs: what a device that computes the rest starts from. */
export function fillPartialChecksum(packet: Uint8Array): void {
  const at = checksumOffset(packet)
  if (at >= 0 && at + 2 <= packet.length) putShort(packet, at, ~finishChecksum(pseudoSum(packet)) & 0xffff)
}

/** Fills in the header checksum of IPv4, in place. */
export function fillHeaderChecksum(packet: Uint8Array): void {
  if (isIpv6(packet)) return
  putShort(packet, 10, 0)
  putShort(packet, 10, internetChecksum(packet, 0, transportOffset(packet)))
}

const TCP_FIN_AND_PUSH = 0x09
const TCP_CONGESTION_REDUCED = 0x80

/** Cuts a TCP packet in segments of `size` bytes of data; `undefined` for what cannot be cut. */
export function segment(packet: Uint8Array, size: number): Uint8Array[] | undefined {
  if (transportProtocol(packet) !== IpProtocol.Tcp) return undefined
  const transport = transportOffset(packet)
  const headers = transport + ((packet[transport + 12] as number) >> 4) * 4
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const sequence = view.getUint32(transport + 4)
  const segments: Uint8Array[] = []
  for (let start = headers; start < packet.length; start += size) {
    const end = Math.min(start + size, packet.length)
    const bytes = new Uint8Array(headers + end - start)
    bytes.set(packet.subarray(0, headers))
    bytes.set(packet.subarray(start, end), headers)
    const out = new DataView(bytes.buffer)
    out.setUint32(transport + 4, sequence + (start - headers))
    if (end < packet.length) bytes[transport + 13] = (bytes[transport + 13] as number) & ~TCP_FIN_AND_PUSH
    if (start > headers) bytes[transport + 13] = (bytes[transport + 13] as number) & ~TCP_CONGESTION_REDUCED
    if (isIpv6(bytes)) {
      out.setUint16(4, bytes.length - 40)
    } else {
      out.setUint16(2, bytes.length)
      out.setUint16(4, view.getUint16(4) + segments.length)
      fillHeaderChecksum(bytes)
    }
    fillChecksum(bytes)
    segments.push(bytes)
  }
  return segments
}
