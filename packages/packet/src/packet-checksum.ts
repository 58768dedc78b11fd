/**
 * The checksums of a whole packet: of the IPv4 header, and of TCP, UDP, UDP-Lite, DCCP, ICMP, ICMPv6, GRE and SCTP.
 *
 * A packet that this machine sends may carry a *partial* transport checksum (the kernel's CHECKSUM_PARTIAL): only the
 * sum of the pseudo header (in SCTP and GRE: 0), which the network card would complete. The kernel completes it before
 * it queues a packet, except under `segmentationOffload`. If such a packet is sent on with other bytes, it must be
 * completed: {@link completeChecksums}.
 */
import { read16, read32, swap32, write16, write32 } from './bytes.ts'
import { checksumOf, foldSum, internetChecksum, pseudoHeaderSum, sumBytes } from './checksum.ts'
import { crc32c } from './crc32c.ts'
import { GRE_CHECKSUM_FLAG, GRE_HEADER_LENGTH } from './gre.ts'
import { ICMP_CHECKSUM } from './icmp.ts'
import { IPV4_CHECKSUM, IPV4_SOURCE, ipv4HeaderLength } from './ipv4.ts'
import { IPV6_SOURCE } from './ipv6.ts'
import type { PacketView } from './packet.ts'
import type { PacketLayout } from './packet-layout.ts'
import { IpProtocol } from './protocol.ts'
import { SCTP_CHECKSUM } from './sctp.ts'
import { TCP_CHECKSUM } from './tcp.ts'
import { UDP_CHECKSUM, UDP_HEADER_LENGTH, UDP_LENGTH } from './udp.ts'
import { UDP_LITE_CHECKSUM, UDP_LITE_COVERAGE } from './udp-lite.ts'

/** DCCP (RFC 4340 section 5.1) */
const DCCP_COVERAGE = 5
const DCCP_CHECKSUM = 6

/**
 * The state of a checksum: `none` if the packet carries none (UDP over IPv4 may leave it out, IPv6 has no header
 * checksum), `partial` if it covers only the pseudo header, `unknown` if it cannot be determined (a fragment, a cut or
 * damaged packet, a protocol without one, a Routing header of an unknown kind).
 */
export type ChecksumState = 'valid' | 'invalid' | 'partial' | 'none' | 'unknown'

/** The state of the IPv4 header's checksum. */
export function networkChecksum(packet: PacketLayout): ChecksumState {
  if (packet.version === 6) return 'none'
  if (packet.version !== 4 || packet.cut === 'network') return 'unknown'
  const { memory, networkOffset } = packet
  return internetChecksum(memory, networkOffset, ipv4HeaderLength(memory, networkOffset)) === 0 ? 'valid' : 'invalid'
}

/** The state of the transport header's checksum. */
export function transportChecksum(packet: PacketLayout): ChecksumState {
  const { memory, transportOffset: start, protocol } = packet
  if (!isComputable(packet)) return 'unknown'
  const at = start + checksumOffset(packet)
  if (protocol === IpProtocol.Sctp) {
    return swap32(crc32c(memory, start, packet.end - start, at)) === read32(memory, at) ? 'valid' : 'invalid'
  }
  if (protocol === IpProtocol.Gre && (read16(memory, start) & GRE_CHECKSUM_FLAG) === 0) return 'none'
  const checksum = read16(memory, at)
  // A UDP checksum of 0 means that there is none, which IPv6 does not allow (RFC 8200 section 8.1).
  if (protocol === IpProtocol.Udp && checksum === 0) return packet.version === 4 ? 'none' : 'invalid'
  const length = coveredLength(packet)
  if (length < 0) return 'invalid'
  const pseudo = pseudoSum(packet)
  if (checksumOf(pseudo + sumBytes(memory, start, length)) === 0) return 'valid'
  const isOffloaded = protocol === IpProtocol.Tcp || protocol === IpProtocol.Udp
  return isOffloaded && checksum === pseudo ? 'partial' : 'invalid'
}

/** Computes the checksum of the IPv4 header and writes it. Does nothing if there is no whole IPv4 header. */
export function writeNetworkChecksum(packet: PacketLayout): void {
  if (packet.version !== 4 || packet.cut === 'network') return
  const { memory, networkOffset } = packet
  write16(memory, networkOffset + IPV4_CHECKSUM, 0)
  const checksum = internetChecksum(memory, networkOffset, ipv4HeaderLength(memory, networkOffset))
  write16(memory, networkOffset + IPV4_CHECKSUM, checksum)
}

/**
 * Computes the transport checksum and writes it. False, and nothing is written, if it cannot be computed (`unknown`).
 */
export function writeTransportChecksum(packet: PacketLayout): boolean {
  const { memory, transportOffset: start, protocol } = packet
  const length = isComputable(packet) ? coveredLength(packet) : -1
  if (length < 0) return false
  const at = start + checksumOffset(packet)
  if (protocol === IpProtocol.Sctp) {
    write32(memory, at, swap32(crc32c(memory, start, packet.end - start, at)))
    return true
  }
  if (protocol === IpProtocol.Gre && (read16(memory, start) & GRE_CHECKSUM_FLAG) === 0) return true
  write16(memory, at, 0)
  const checksum = checksumOf(pseudoSum(packet) + sumBytes(memory, start, length))
  // In UDP 0 means that there is none; 0xffff is the same number in one's complement (RFC 768).
  const isUdp = protocol === IpProtocol.Udp || protocol === IpProtocol.UdpLite
  write16(memory, at, isUdp && checksum === 0 ? 0xffff : checksum)
  return true
}

/** Computes all checksums of a packet that was just written. False if the transport checksum cannot be computed. */
export function writeChecksums(packet: PacketLayout): boolean {
  writeNetworkChecksum(packet)
  return writeTransportChecksum(packet)
}

/**
 * Completes a partial transport checksum in place, in a tunnel that of the packet inside; other packets are unchanged.
 * Use it for packets with the kernel's flag "checksum not ready" (NFQA_SKB_CSUMNOTREADY), or check `transportChecksum`
 * first, which does not recognise a partial checksum of SCTP or GRE. False if it cannot be completed (a cut packet).
 */
export function completeChecksums(packet: PacketView): boolean {
  const inside = packet.innermost()
  const isInside = inside !== packet && isPartial(inside)
  return completeChecksum(isInside ? inside : packet)
}

/** Whether the checksum of a packet in a tunnel is the partial one, and not that of the tunnel. */
function isPartial(packet: PacketLayout): boolean {
  if (packet.protocol !== IpProtocol.Sctp) return transportChecksum(packet) === 'partial'
  // The kernel leaves 0 where the CRC is to be.
  return isComputable(packet) && read32(packet.memory, packet.transportOffset + SCTP_CHECKSUM) === 0
}

function completeChecksum(packet: PacketLayout): boolean {
  const { protocol, memory, transportOffset } = packet
  switch (protocol) {
    case IpProtocol.Udp:
      // 0: it has none.
      if (isComputable(packet) && read16(memory, transportOffset + UDP_CHECKSUM) === 0) return true
      return writeTransportChecksum(packet)
    case IpProtocol.Tcp:
    case IpProtocol.Sctp:
    case IpProtocol.Gre:
      return writeTransportChecksum(packet)
    default:
      return true
  }
}

/** The sum that the transport checksum covers besides the transport header and payload. */
function pseudoSum(packet: PacketLayout): number {
  const { memory, networkOffset, version, protocol, finalDestinationOffset } = packet
  if (protocol === IpProtocol.Icmp || protocol === IpProtocol.Gre || protocol === undefined) return 0
  const length = transportLength(packet)
  if (version === 4) return pseudoHeaderSum(memory, networkOffset + IPV4_SOURCE, 8, protocol, length)
  if (!packet.isRouted) return pseudoHeaderSum(memory, networkOffset + IPV6_SOURCE, 32, protocol, length)
  const source = sumBytes(memory, networkOffset + IPV6_SOURCE, 16)
  return foldSum(source + pseudoHeaderSum(memory, finalDestinationOffset, 16, protocol, length))
}

/** Bytes of transport header and payload. */
function transportLength({ memory, protocol, transportOffset, end }: PacketLayout): number {
  const claimed = protocol === IpProtocol.Udp ? read16(memory, transportOffset + UDP_LENGTH) : 0
  return claimed === 0 ? end - transportOffset : claimed
}

/** Bytes from the start of the transport header that the checksum covers; -1 if the header is invalid. */
function coveredLength(packet: PacketLayout): number {
  const length = transportLength(packet)
  if (packet.protocol === IpProtocol.Dccp) return dccpCoverage(packet, length)
  if (packet.protocol !== IpProtocol.UdpLite) return length
  const coverage = read16(packet.memory, packet.transportOffset + UDP_LITE_COVERAGE)
  if (coverage === 0) return length
  return coverage < UDP_HEADER_LENGTH || coverage > length ? -1 : coverage
}

/**
 * DCCP (RFC 4340 section 9.2): coverage 0 is everything, 1 only the header, each further one 4 more bytes of payload.
 */
function dccpCoverage({ memory, transportOffset, transportHeaderLength }: PacketLayout, length: number): number {
  const coverage = (memory.u8[transportOffset + DCCP_COVERAGE] as number) & 0x0f
  if (coverage === 0) return length
  const covered = transportHeaderLength + (coverage - 1) * 4
  return covered > length ? -1 : covered
}

/** Whether all bytes that the transport checksum covers are present, and its field is known. */
function isComputable(packet: PacketLayout): boolean {
  const { transportHeaderLength, cut, problem, moreFragments, fragmentOffset } = packet
  if (transportHeaderLength === 0 || cut !== undefined || problem !== undefined) return false
  if (packet.isRouted && packet.finalDestinationOffset < 0) return false
  return !moreFragments && fragmentOffset === 0 && checksumOffset(packet) >= 0
}

/** Offset of the checksum in the transport header; -1 for a protocol without a known one. */
export function checksumOffset({ protocol }: { readonly protocol: number | undefined }): number {
  switch (protocol) {
    case IpProtocol.Tcp:
      return TCP_CHECKSUM
    case IpProtocol.Udp:
      return UDP_CHECKSUM
    case IpProtocol.UdpLite:
      return UDP_LITE_CHECKSUM
    case IpProtocol.Dccp:
      return DCCP_CHECKSUM
    case IpProtocol.Icmp:
    case IpProtocol.Icmpv6:
      return ICMP_CHECKSUM
    case IpProtocol.Sctp:
      return SCTP_CHECKSUM
    case IpProtocol.Gre:
      return GRE_HEADER_LENGTH
    default:
      return -1
  }
}
