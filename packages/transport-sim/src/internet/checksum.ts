/** The Internet checksum: RFC 1071, its incremental update (RFC 1624), and the pseudo headers of TCP, UDP and ICMPv6. */
import { IpProtocol, type NetworkHeader, readNetworkHeader, readWord } from './network-header.ts'

/**
 * What a checksum turned out to be: `none` where the packet has none (UDP over IPv4 may leave it out), `unknown` where it
 * cannot be told (a fragment, a cut packet, another protocol).
 */
export type ChecksumState = 'valid' | 'invalid' | 'none' | 'unknown'

/** The checksums of a packet. */
export interface ChecksumReport {
  /** of the IPv4 header; IPv6 has `none` */
  readonly network: ChecksumState
  /** of TCP, UDP, ICMP or ICMPv6 */
  readonly transport: ChecksumState
}

/** Where the checksum lies behind the start of each transport header. */
export const CHECKSUM_OFFSET: Readonly<Record<IpProtocol, number>> = {
  [IpProtocol.Icmp]: 2,
  [IpProtocol.Tcp]: 16,
  [IpProtocol.Udp]: 6,
  [IpProtocol.Icmpv6]: 2,
}

/** `sum` and the 16-bit words of a region; an odd last byte counts as the upper half of a word. Not folded yet. */
export function addWords(sum: number, bytes: Uint8Array, offset: number, length: number): number {
  let total = sum
  const end = offset + length
  const even = end - (length & 1)
  for (let at = offset; at < even; at += 2) total += ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  return even === end ? total : total + ((bytes[even] as number) << 8)
}

/**
 * The one's complement of the sum in 16 bits: what is written into a header. Of a region that includes its checksum it
 * is 0.
 */
export function finishChecksum(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000)
  return ~folded & 0xffff
}

/** The checksum of a region whose checksum field holds 0. */
export function internetChecksum(bytes: Uint8Array, offset = 0, length: number = bytes.length - offset): number {
  return finishChecksum(addWords(0, bytes, offset, length))
}

/**
 * The sum of the pseudo header: both addresses, the protocol and the length of transport header and payload. It is the
 * same for IPv4 (RFC 9293 section 3.1) and for IPv6 (RFC 8200 section 8.1), which writes wider fields with zeros in front.
 */
export function pseudoHeaderSum(
  source: Uint8Array,
  destination: Uint8Array,
  protocol: number,
  transportLength: number,
): number {
  const addresses = addWords(addWords(0, source, 0, source.length), destination, 0, destination.length)
  return addresses + protocol + Math.floor(transportLength / 0x10000) + (transportLength & 0xffff)
}

/** The checksum after one of the words that it covers has changed (RFC 1624 equation 3). */
export function updateChecksum(checksum: number, before: number, after: number): number {
  return finishChecksum((~checksum & 0xffff) + (~before & 0xffff) + after)
}

/**
 * Checks all checksums of a packet that begins with its network header. Bytes beyond the packet's own length are padding.
 * Anything that is no packet is `unknown`.
 */
export function verifyChecksums(packet: Uint8Array): ChecksumReport {
  const header = readNetworkHeader(packet)
  if (typeof header === 'string') return { network: 'unknown', transport: 'unknown' }
  const { headerLength, version } = header
  const network = version === 6 ? 'none' : internetChecksum(packet, 0, headerLength) === 0 ? 'valid' : 'invalid'
  return { network, transport: verifyTransport(packet, header) }
}

function verifyTransport(packet: Uint8Array, header: NetworkHeader): ChecksumState {
  const { length, headerLength, protocol, version } = header
  const fragment = header.fragmentOffset > 0 || header.moreFragments
  if (fragment || header.routed || length > packet.length) return 'unknown'
  let transportLength = length - headerLength
  switch (protocol) {
    case IpProtocol.Icmp:
      return transportLength < 4 ? 'unknown' : toState(internetChecksum(packet, headerLength, transportLength))
    case IpProtocol.Icmpv6:
      if (transportLength < 4) return 'unknown'
      break
    case IpProtocol.Tcp:
      if (transportLength < 20) return 'unknown'
      break
    case IpProtocol.Udp: {
      if (transportLength < 8) return 'unknown'
      // A checksum of 0 means that there is none, which IPv6 forbids (RFC 8200 section 8.1).
      if (readWord(packet, headerLength + 6) === 0) return version === 4 ? 'none' : 'invalid'
      const claimed = readWord(packet, headerLength + 4)
      if (claimed < 8 || claimed > transportLength) return 'invalid'
      transportLength = claimed
      break
    }
    default:
      return 'unknown'
  }
  const { sourceAt, destinationAt, addressLength } = header
  const source = packet.subarray(sourceAt, sourceAt + addressLength)
  const destination = packet.subarray(destinationAt, destinationAt + addressLength)
  const pseudo = pseudoHeaderSum(source, destination, protocol, transportLength)
  return toState(finishChecksum(addWords(pseudo, packet, headerLength, transportLength)))
}

function toState(remainder: number): ChecksumState {
  return remainder === 0 ? 'valid' : 'invalid'
}
