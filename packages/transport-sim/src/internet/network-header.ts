/**
 * The network header of a packet, as checksums and descriptions need it.
 *
 *  IPv4 (RFC 791 section 3.1)                              IPv6 (RFC 8200 section 3)
 *   0 version, words of header | 1 type of service          0 version, traffic class, flow label (4 bytes)
 *   2 total length             | 4 identification           4 payload length | 6 next header | 7 hop limit
 *   6 flags, fragment offset   | 8 ttl | 9 protocol         8 source (16)    | 24 destination (16)
 *  10 checksum | 12 source (4) | 16 destination (4)        40 extension headers, each naming the next
 *  20 options
 */

/** IP protocol numbers (IANA "Protocol Numbers") that the scenarios know. */
export const IpProtocol = {
  /** IPPROTO_ICMP */
  Icmp: 1,
  /** IPPROTO_TCP */
  Tcp: 6,
  /** IPPROTO_UDP */
  Udp: 17,
  /** IPPROTO_ICMPV6 */
  Icmpv6: 58,
} as const
export type IpProtocol = (typeof IpProtocol)[keyof typeof IpProtocol]

export const IPV4_HEADER_LENGTH = 20
export const IPV6_HEADER_LENGTH = 40

/** Extension headers (IANA "IPv6 Extension Header Types"). ESP and "no next header" end the chain, as a transport does. */
const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const AUTHENTICATION = 51
const DESTINATION_OPTIONS = 60
const MOBILITY = 135
const HOST_IDENTITY = 139
const SHIM6 = 140
/** More extension headers than this are refused: nobody sends them in good faith. */
export const MAXIMUM_EXTENSION_HEADERS = 16

/** What the network header says. Offsets count from the start of the packet. */
export interface NetworkHeader {
  readonly version: 4 | 6
  readonly sourceAt: number
  readonly destinationAt: number
  /** 4 or 16 */
  readonly addressLength: number
  /** `IpProtocol` or another: what follows the header and its extensions */
  readonly protocol: number
  /** hop limit in IPv6 */
  readonly ttl: number
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
  /**
   * a routing header has segments left: the address that the checksum covers is not in `destination` (RFC 8200 section
   * 8.1)
   */
  readonly routed: boolean
}

/** The header at the start of `bytes`, or why there is none. `bytes` may be cut behind it, or carry padding. */
export function readNetworkHeader(bytes: Uint8Array): NetworkHeader | string {
  if (bytes.length === 0) return 'empty'
  const version = (bytes[0] as number) >> 4
  if (version === 4) return readIpv4(bytes)
  if (version === 6) return readIpv6(bytes)
  return `IP version ${version}`
}

/** The big-endian half word at `at`. */
export function readWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

function readIpv4(bytes: Uint8Array): NetworkHeader | string {
  if (bytes.length < IPV4_HEADER_LENGTH) return `${bytes.length} bytes are no IPv4 header`
  const headerLength = ((bytes[0] as number) & 0x0f) * 4
  if (headerLength < IPV4_HEADER_LENGTH) return `IPv4 header of ${headerLength} bytes`
  if (headerLength > bytes.length) return `IPv4 header of ${headerLength} bytes, ${bytes.length} there`
  // Captures of segmentation offload have a total length of 0: the packet is as long as what was captured.
  const length = readWord(bytes, 2) || bytes.length
  if (length < headerLength) return `IPv4 total length ${length} below its header's ${headerLength}`
  const fragment = readWord(bytes, 6)
  return {
    version: 4,
    sourceAt: 12,
    destinationAt: 16,
    addressLength: 4,
    protocol: bytes[9] as number,
    ttl: bytes[8] as number,
    trafficClass: bytes[1] as number,
    identification: readWord(bytes, 4),
    length,
    headerLength,
    fragmentOffset: (fragment & 0x1fff) * 8,
    moreFragments: (fragment & 0x2000) !== 0,
    routed: false,
  }
}

function readIpv6(bytes: Uint8Array): NetworkHeader | string {
  if (bytes.length < IPV6_HEADER_LENGTH) return `${bytes.length} bytes are no IPv6 header`
  const payloadLength = readWord(bytes, 4)
  let protocol = bytes[6] as number
  // A payload length of 0 before hop-by-hop options is a jumbogram (RFC 2675 section 3).
  const length = payloadLength === 0 && protocol === HOP_BY_HOP ? bytes.length : IPV6_HEADER_LENGTH + payloadLength
  const end = Math.min(length, bytes.length)
  let headerLength = IPV6_HEADER_LENGTH
  let identification = 0
  let fragmentOffset = 0
  let moreFragments = false
  let routed = false
  for (let count = 0; ; count++) {
    const size = extensionLength(bytes, headerLength, end, protocol)
    if (size === undefined || fragmentOffset > 0) break
    if (count === MAXIMUM_EXTENSION_HEADERS) return `more than ${MAXIMUM_EXTENSION_HEADERS} IPv6 extension headers`
    if (headerLength + size > end) return 'cut in the IPv6 extension headers'
    if (protocol === ROUTING) routed ||= (bytes[headerLength + 3] as number) > 0
    if (protocol === FRAGMENT) {
      const fragment = readWord(bytes, headerLength + 2)
      fragmentOffset = fragment & 0xfff8
      moreFragments = (fragment & 1) !== 0
      identification = readWord(bytes, headerLength + 4) * 0x10000 + readWord(bytes, headerLength + 6)
    }
    protocol = bytes[headerLength] as number
    headerLength += size
  }
  return {
    version: 6,
    sourceAt: 8,
    destinationAt: 24,
    addressLength: 16,
    protocol,
    ttl: bytes[7] as number,
    trafficClass: (readWord(bytes, 0) >> 4) & 0xff,
    identification,
    length,
    headerLength,
    fragmentOffset,
    moreFragments,
    routed,
  }
}

/** Bytes of the extension header at `at`; `undefined` where `protocol` is none, beyond the packet where it is cut. */
function extensionLength(bytes: Uint8Array, at: number, end: number, protocol: number): number | undefined {
  switch (protocol) {
    case HOP_BY_HOP:
    case ROUTING:
    case DESTINATION_OPTIONS:
    case MOBILITY:
    case HOST_IDENTITY:
    case SHIM6:
      return at + 8 > end ? 8 : ((bytes[at + 1] as number) + 1) * 8
    case FRAGMENT:
      return 8
    case AUTHENTICATION:
      // Counted in words of four bytes, less two (RFC 4302 section 2.2).
      return at + 8 > end ? 8 : ((bytes[at + 1] as number) + 2) * 4
    default:
      return undefined
  }
}
