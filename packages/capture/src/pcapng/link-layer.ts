/**
 * The header of each link type (tcpdump.org/linktypes.html), and what follows it.
 *
 *   Ethernet          destination (6) | source (6) | [tag 0x8100, 0x88a8 or 0x9100 (2) | VLAN (2)]… | EtherType (2)
 *   Linux cooked      packet type (2) | ARPHRD (2) | address length (2) | address (8) | protocol (2)
 *   Linux cooked 2    protocol (2) | reserved (2) | interface (4) | ARPHRD (2) | packet type (1) | address length (1) | address (8)
 *   netlink           Linux cooked, with ARPHRD_NETLINK and the netlink protocol
 *   BSD loopback      address family (4): of the machine for LINKTYPE_NULL, in network order for LINKTYPE_LOOP
 *   raw, IPv4, IPv6   nothing
 *   NFLOG             nothing: a message of the packet log without its netlink header
 *
 * All numbers are in network order, except the family of LINKTYPE_NULL.
 */
import type { PacketBlock } from './block.ts'
import { LinkType } from './link-type.ts'

/** The contents of a packet after its link-layer header, and their offset. */
export type PacketContents =
  /** a network packet, of that EtherType */
  | { readonly kind: 'network'; readonly etherType: number; readonly offset: number }
  /** netlink messages in the order of the machine that captured them, of that netlink protocol */
  | { readonly kind: 'netlink'; readonly protocol: number; readonly offset: number }
  /** a message of the packet log without its netlink header: `nflogMessage` makes it whole */
  | { readonly kind: 'log'; readonly offset: number }

const EtherType = { Ipv4: 0x0800, Ipv6: 0x86dd } as const
const VLAN_TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100])
const VLAN_TAG_LENGTH = 4
const ETHERNET_ADDRESSES = 12
const COOKED_LENGTH = 16
const COOKED_2_LENGTH = 20
/** ARPHRD_NETLINK (uapi/linux/if_arp.h) */
const ARPHRD_NETLINK = 824
const FAMILY_LENGTH = 4
/** AF_INET, the same everywhere. */
const FAMILY_IPV4 = 2
/** AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, Darwin. */
const FAMILIES_IPV6: ReadonlySet<number> = new Set([10, 24, 28, 30])
/** DLT_RAW of Linux and BSD, and of OpenBSD, which old programs wrote instead of LINKTYPE_RAW. */
const OLD_RAW: ReadonlySet<number> = new Set([12, 14])

/** Opens the link layer of a captured packet; `undefined` for an unknown link type, and if the header was truncated. */
export function openLinkLayer({ linkType, bytes, byteOrder }: PacketBlock): PacketContents | undefined {
  switch (linkType) {
    case LinkType.Ethernet:
      return openTagged(bytes, ETHERNET_ADDRESSES)
    case LinkType.LinuxCooked:
    case LinkType.Netlink:
      return openCooked(bytes, { hardware: 2, protocol: 14, length: COOKED_LENGTH })
    case LinkType.LinuxCooked2:
      return openCooked(bytes, { hardware: 8, protocol: 0, length: COOKED_2_LENGTH })
    case LinkType.Null:
    case LinkType.Loop:
      return openLoopback(bytes, linkType === LinkType.Null && byteOrder === 'little')
    case LinkType.Ipv4:
    case LinkType.Ipv6:
    case LinkType.Raw:
      return ofVersion(bytes, 0)
    case LinkType.Nflog:
      return { kind: 'log', offset: 0 }
    default:
      return OLD_RAW.has(linkType) ? ofVersion(bytes, 0) : undefined
  }
}

/** A packet whose EtherType is at `offset`, or after the VLAN tags there. */
function openTagged(bytes: Uint8Array, offset: number): PacketContents | undefined {
  for (let at = offset; at + 2 <= bytes.length; at += VLAN_TAG_LENGTH) {
    const etherType = uint16(bytes, at)
    if (!VLAN_TAGS.has(etherType)) return { kind: 'network', etherType, offset: at + 2 }
  }
  return undefined
}

interface CookedLayout {
  /** offsets of the ARPHRD number and the protocol */
  readonly hardware: number
  readonly protocol: number
  readonly length: number
}

function openCooked(bytes: Uint8Array, layout: CookedLayout): PacketContents | undefined {
  const { length: offset } = layout
  if (bytes.length < offset) return undefined
  const protocol = uint16(bytes, layout.protocol)
  if (uint16(bytes, layout.hardware) === ARPHRD_NETLINK) return { kind: 'netlink', protocol, offset }
  // The header's protocol can be a tag; then its VLAN and the next EtherType follow the header.
  return VLAN_TAGS.has(protocol) ? openTagged(bytes, offset + 2) : { kind: 'network', etherType: protocol, offset }
}

function openLoopback(bytes: Uint8Array, little: boolean): PacketContents | undefined {
  if (bytes.length < FAMILY_LENGTH) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, FAMILY_LENGTH)
  // A capture that was rewritten on another machine has the family byte-swapped; a family is a small number.
  const family = Math.min(view.getUint32(0, little), view.getUint32(0, !little))
  if (family === FAMILY_IPV4) return { kind: 'network', etherType: EtherType.Ipv4, offset: FAMILY_LENGTH }
  if (FAMILIES_IPV6.has(family)) return { kind: 'network', etherType: EtherType.Ipv6, offset: FAMILY_LENGTH }
  return undefined
}

/** An IP packet, of the version in its first four bits. */
function ofVersion(bytes: Uint8Array, offset: number): PacketContents {
  const etherType = (bytes[offset] ?? 0) >> 4 === 6 ? EtherType.Ipv6 : EtherType.Ipv4
  return { kind: 'network', etherType, offset }
}

function uint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number)
}
