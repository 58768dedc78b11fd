/**
 * From a captured frame to the packet in it: the headers of the link types that captures come with
 * (tcpdump.org/linktypes.html).
 */
import { readNetworkHeader, readWord } from '@ringlink/transport-sim/internet'

/** Link types (LINKTYPE_*) that are understood. */
export const LinkType = {
  /** LINKTYPE_NULL: a four-byte address family in the order of the capturing machine, BSD loopback */
  Null: 0,
  /** LINKTYPE_ETHERNET */
  Ethernet: 1,
  /** LINKTYPE_RAW: begins with an IPv4 or IPv6 header */
  Raw: 101,
  /** LINKTYPE_LOOP: as Null, in network order; OpenBSD */
  Loop: 108,
  /** LINKTYPE_LINUX_SLL: `tcpdump -i any` of older tools */
  LinuxCooked: 113,
  /** LINKTYPE_IPV4 */
  Ipv4: 228,
  /** LINKTYPE_IPV6 */
  Ipv6: 229,
  /** LINKTYPE_NFLOG: `tcpdump -i nflog:1` */
  Nflog: 239,
  /** LINKTYPE_LINUX_SLL2: `tcpdump -i any` */
  LinuxCooked2: 276,
} as const
export type LinkType = (typeof LinkType)[keyof typeof LinkType]

/** VLAN tags in a row; more are refused. */
const MAXIMUM_TAGS = 8
const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
/** 802.1Q, 802.1ad, and the number that QinQ had before */
const tagTypes: readonly number[] = [0x8100, 0x88a8, 0x9100]
/** AF_INET, and AF_INET6 of Linux, NetBSD, FreeBSD and macOS */
const loopFamilies: readonly number[] = [2, 10, 24, 28, 30]
const NFULA_PAYLOAD = 9
const NFLOG_HEADER_LENGTH = 4

/** The packet of a frame: a window on it. */
export interface FramePacket {
  readonly packet: Uint8Array
  /** bytes that the packet had before it was cut */
  readonly fullLength: number
}

export function isKnownLinkType(linkType: number): linkType is LinkType {
  return (Object.values(LinkType) as number[]).includes(linkType)
}

/**
 * The IP packet of `frame`, of `originalLength` bytes on the wire; `undefined` where there is none (ARP, a cut header …).
 * Padding behind the packet is left out, as the kernel does. `littleEndian` is the order of the capturing machine.
 */
export function framePacket(
  linkType: LinkType,
  frame: Uint8Array,
  originalLength: number,
  littleEndian: boolean,
): FramePacket | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length)
  switch (linkType) {
    case LinkType.Raw:
    case LinkType.Ipv4:
    case LinkType.Ipv6:
      return packetAt(frame, 0, originalLength)
    case LinkType.Null:
    case LinkType.Loop: {
      if (frame.length < 4) return undefined
      const family = view.getUint32(0, linkType === LinkType.Null && littleEndian)
      return loopFamilies.includes(family) ? packetAt(frame, 4, originalLength) : undefined
    }
    case LinkType.Ethernet:
      return afterEtherType(frame, 12, 14, originalLength)
    case LinkType.LinuxCooked:
      return afterEtherType(frame, 14, 16, originalLength)
    case LinkType.LinuxCooked2:
      return afterEtherType(frame, 0, 20, originalLength)
    case LinkType.Nflog:
      return nflogPacket(frame, view, originalLength, littleEndian)
  }
}

function afterEtherType(frame: Uint8Array, typeAt: number, bodyAt: number, originalLength: number) {
  let type = typeAt
  let body = bodyAt
  for (let tags = 0; body <= frame.length; tags++) {
    const etherType = readWord(frame, type)
    if (etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6) return packetAt(frame, body, originalLength)
    if (!tagTypes.includes(etherType) || tags === MAXIMUM_TAGS) return undefined
    // A tag: its number in two bytes, then the type of what it encloses.
    type = body + 2
    body += 4
  }
  return undefined
}

function packetAt(frame: Uint8Array, at: number, originalLength: number): FramePacket | undefined {
  const available = frame.subarray(at)
  const header = readNetworkHeader(available)
  if (typeof header === 'string') return undefined
  // A packet that claims more than was on the wire is handed on as it was seen.
  const fullLength = Math.min(header.length, Math.max(available.length, originalLength - at))
  return { packet: available.subarray(0, fullLength), fullLength }
}

/**
 * family, version, resource id (be 16), then attributes: length, type (in the machine's order), value, filled up to four
 * bytes
 */
function nflogPacket(frame: Uint8Array, view: DataView, originalLength: number, littleEndian: boolean) {
  let at = NFLOG_HEADER_LENGTH
  while (at + 4 <= frame.length) {
    const length = view.getUint16(at, littleEndian)
    const type = view.getUint16(at + 2, littleEndian) & 0x3fff
    if (length < 4) return undefined
    if (type === NFULA_PAYLOAD) {
      if (at + length > originalLength) return undefined
      // The log may have cut the packet (its copy range), which only the packet's own length tells.
      return packetAt(frame.subarray(0, at + length), at + 4, Number.POSITIVE_INFINITY)
    }
    at += (length + 3) & ~3
  }
  return undefined
}
