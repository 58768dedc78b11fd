/** Headers and checksums of IP packets as scenarios describe them: owned objects, with reasons in words. */
import { Memory } from '@ringlink/codec'
import {
  type ChecksumState,
  Ipv4View,
  Ipv6View,
  MAXIMUM_EXTENSION_HEADERS,
  networkChecksum,
  PacketView,
  transportChecksum,
} from '@ringlink/packet'

/** The fields of the network header. Offsets count from the start of the packet. */
export interface NetworkHeader {
  readonly version: 4 | 6
  readonly source: string
  readonly destination: string
  /** `IpProtocol` or another: what follows the header and its extensions */
  readonly protocol: number
  /** hop limit in IPv6 */
  readonly timeToLive: number
  /** type of service in IPv4 */
  readonly trafficClass: number
  /** 0 in IPv6 without a fragment header */
  readonly identification: number
  /** bytes that the packet has by its own account; more than were given where it is cut */
  readonly length: number
  /** where the transport header begins: options and extension headers counted */
  readonly headerLength: number
  /** bytes; 0 in a whole packet and in the first fragment */
  readonly fragmentOffset: number
  readonly moreFragments: boolean
}

/** The checksums of a packet. */
export interface ChecksumReport {
  /** of the IPv4 header; IPv6 has `none` */
  readonly network: ChecksumState
  /** of TCP, UDP, ICMP or ICMPv6; a partial one is `invalid` */
  readonly transport: ChecksumState
}

function aim(bytes: Uint8Array): PacketView {
  return new PacketView().wrap(Memory.from(bytes), 0, bytes.length, { from: 'network' })
}

/** The header at the start of `bytes`, or why there is none. `bytes` may be cut after it, or carry padding. */
export function readNetworkHeader(bytes: Uint8Array): NetworkHeader | string {
  if (bytes.length === 0) return 'empty'
  const packet = aim(bytes)
  const { version, protocol, source, destination, cut, problem } = packet
  if (packet.etherType === 0) return `IP version ${(bytes[0] as number) >> 4}`
  if (problem === 'extension-count') return `more than ${MAXIMUM_EXTENSION_HEADERS} IPv6 extension headers`
  if (cut === 'extension') return 'cut in the IPv6 extension headers'
  if (cut === 'network') return `${bytes.length} bytes are not an IP header`
  if (version === 0 || problem === 'total-length') return `a wrong IP header (${problem})`
  const trafficClass = version === 4 ? new Ipv4View() : new Ipv6View()
  trafficClass.find(packet)
  return {
    version,
    source: String(source),
    destination: String(destination),
    protocol: protocol ?? -1,
    timeToLive: packet.timeToLive ?? 0,
    trafficClass: trafficClass.trafficClass,
    identification: packet.identification ?? 0,
    length: packet.networkLength,
    headerLength: transportStart(packet),
    fragmentOffset: packet.fragmentOffset,
    moreFragments: packet.moreFragments,
  }
}

/** Where what the network header and its extensions carry begins, whether or not a byte of it is there. */
function transportStart({ transportOffset, payloadOffset }: PacketView): number {
  return transportOffset >= 0 ? transportOffset : payloadOffset
}

/**
 * Checks all checksums of a packet that begins with its network header. Bytes beyond the packet's own length are
 * padding.
 */
export function verifyChecksums(bytes: Uint8Array): ChecksumReport {
  const packet = aim(bytes)
  const transport = transportChecksum(packet)
  return { network: networkChecksum(packet), transport: transport === 'partial' ? 'invalid' : transport }
}
