/** The processing of the network stack around a queue: completes checksums, and segments packets. */
import { Memory } from '@ringlink/codec/memory'
import {
  foldSum,
  IPV6_HEADER_LENGTH,
  IpProtocol,
  PacketView,
  pseudoHeaderSum,
  TCP_HEADER_LENGTH,
  writeNetworkChecksum,
  writeTransportChecksum,
} from '@ringlink/packet'

/** Bytes of the network header; extension headers of IPv6 are not part of it. */
export function networkHeaderLength(packet: Uint8Array): number {
  return (packet[0] as number) >> 4 === 6 ? IPV6_HEADER_LENGTH : ((packet[0] as number) & 0xf) * 4
}

/** The headers of a packet, in a copy of it that the caller may change. */
export function headersOf(packet: Uint8Array): PacketView {
  return new PacketView().wrapNetwork(Memory.from(packet), 0, packet.length)
}

/** Fills in the transport checksum of a packet, in place. */
export function fillChecksum(packet: Uint8Array): void {
  const view = headersOf(packet)
  if (writeTransportChecksum(view)) packet.set(view.memory.u8.subarray(0, packet.length))
}

/**
 * Writes the sum of the pseudo header into the checksum field, as the start value for a device that computes the rest.
 */
export function fillPartialChecksum(packet: Uint8Array): void {
  const { memory, protocol, version, transportOffset, end } = headersOf(packet)
  const at = transportOffset + (protocol === IpProtocol.Tcp ? 16 : 6)
  if (transportOffset < 0 || (protocol !== IpProtocol.Tcp && protocol !== IpProtocol.Udp) || at + 2 > end) return
  const [addresses, length] = version === 4 ? [12, 8] : [8, 32]
  const sum = foldSum(pseudoHeaderSum(memory, addresses, length, protocol, end - transportOffset))
  packet[at] = sum >> 8
  packet[at + 1] = sum & 0xff
}

/** Fills in the header checksum of IPv4, in place. */
export function fillHeaderChecksum(packet: Uint8Array): void {
  const view = headersOf(packet)
  writeNetworkChecksum(view)
  packet.set(view.memory.u8.subarray(0, packet.length))
}

const TCP_FIN_AND_PUSH = 0x09
const TCP_CONGESTION_REDUCED = 0x80

/** Divides a TCP packet into segments of `size` bytes of data; `undefined` if that is not possible. */
export function segment(packet: Uint8Array, size: number): Uint8Array[] | undefined {
  const { protocol, version, transportOffset: transport, payloadOffset: headers } = headersOf(packet)
  if (protocol !== IpProtocol.Tcp || transport < 0 || headers < transport + TCP_HEADER_LENGTH) return undefined
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
    if (version === 6) {
      out.setUint16(4, bytes.length - IPV6_HEADER_LENGTH)
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
