/** Tuples: what tells one direction of a connection from all others, and where a packet has it (nf_conntrack_tuple). */
import { ConntrackDirection, Family } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'

/** One direction of a connection. */
export interface Tuple {
  /** `Family.Ipv4` or `Family.Ipv6` */
  readonly family: number
  /** IPPROTO_* */
  readonly protocol: number
  /** 4 or 16 bytes */
  readonly source: Uint8Array
  readonly destination: Uint8Array
  /** the source port, or the identifier of an ICMP query; 0 where the protocol has neither */
  readonly sourceId: number
  /** the destination port, or type and code of an ICMP query in one number */
  readonly destinationId: number
}

/** To which directions of a connection its zone applies (NF_CT_ZONE_DIR_*); bits. */
export const ZoneDirection = { Original: 1, Reply: 2, Both: 3 } as const

/** A zone: connections of different zones may have the same tuples. */
export interface Zone {
  readonly id: number
  /** bits of `ZoneDirection` */
  readonly directions: number
}

/** The zone of connections that were given none. */
export const DEFAULT_ZONE: Zone = { id: 0, directions: ZoneDirection.Both }

/** The id that a zone has for a direction: that of the default zone where it does not apply. */
export function zoneIdOf({ id, directions }: Zone, direction: ConntrackDirection): number {
  return (directions & (direction === ConntrackDirection.Original ? ZoneDirection.Original : ZoneDirection.Reply)) !== 0
    ? id
    : 0
}

const half = (bytes: Uint8Array, at: number) => ((bytes[at] as number) << 8) | (bytes[at + 1] as number)

/** A text that only this tuple in this zone has. */
export function tupleKey(tuple: Tuple, zoneId: number): string {
  const { family, protocol, source: s, destination: d, sourceId, destinationId } = tuple
  const kind = (family << 8) | protocol
  if (s.length === 4) {
    return String.fromCharCode(zoneId, kind, half(s, 0), half(s, 2), half(d, 0), half(d, 2), sourceId, destinationId)
  }
  const addresses: number[] = []
  for (let i = 0; i < s.length; i += 2) addresses.push(half(s, i), half(d, i))
  return String.fromCharCode(zoneId, kind, sourceId, destinationId, ...addresses)
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}

/** True when both name the same direction of the same connection, zones aside. */
export function sameTuple(a: Tuple, b: Tuple): boolean {
  return tupleKey(a, 0) === tupleKey(b, 0)
}

/** The transport header of a packet; undefined where connection tracking finds none. */
export interface TransportPlace {
  readonly protocol: number
  /** its offset in the bytes */
  readonly at: number
}

const IPV6_HEADER_LENGTH = 40

/** Where the transport header of the packet at `start` begins. Fragments but the first have none. */
export function findTransport(bytes: Uint8Array, start: number, family: number): TransportPlace | undefined {
  if (family === Family.Ipv6) return findIpv6Transport(bytes, start)
  if (bytes.length - start < 20) return undefined
  if (((half(bytes, start + 6) & 0x1fff) as number) !== 0) return undefined
  const at = start + ((bytes[start] as number) & 0xf) * 4
  return at > bytes.length ? undefined : { protocol: bytes[start + 9] as number, at }
}

/** Steps over the extension headers that ipv6_skip_exthdr knows. */
function findIpv6Transport(bytes: Uint8Array, start: number): TransportPlace | undefined {
  let protocol = bytes[start + 6] as number
  let at = start + IPV6_HEADER_LENGTH
  if (at > bytes.length) return undefined
  for (;;) {
    const isAuthentication = protocol === IpProtocol.Authentication
    const isFragment = protocol === IpProtocol.Fragment
    const isOther =
      protocol === IpProtocol.HopByHop || protocol === IpProtocol.Routing || protocol === IpProtocol.DestinationOptions
    if (protocol === IpProtocol.NoNext) return undefined
    if (!isAuthentication && !isFragment && !isOther) return { protocol, at }
    if (at + 2 > bytes.length) return undefined
    if (isFragment) {
      if (at + 4 > bytes.length || (half(bytes, at + 2) & ~0x7) !== 0) return undefined
    }
    const size = bytes[at + 1] as number
    protocol = bytes[at] as number
    at += isFragment ? 8 : isAuthentication ? (size + 2) * 4 : (size + 1) * 8
    if (at > bytes.length) return undefined
  }
}

const portProtocols: ReadonlySet<number> = new Set([
  IpProtocol.Tcp,
  IpProtocol.Udp,
  IpProtocol.UdpLite,
  IpProtocol.Sctp,
])

/** Whether the protocol has ports, as far as connection tracking is concerned. */
export function hasPorts(protocol: number): boolean {
  return portProtocols.has(protocol)
}

/** The tuple of the packet at `start`; undefined where its transport header is cut short. */
export function tupleOf(bytes: Uint8Array, start: number, family: number, place: TransportPlace): Tuple | undefined {
  const { protocol, at } = place
  const [first, size] = family === Family.Ipv6 ? [start + 8, 16] : [start + 12, 4]
  let sourceId = 0
  let destinationId = 0
  if (hasPorts(protocol)) {
    if (at + 4 > bytes.length) return undefined
    sourceId = half(bytes, at)
    destinationId = half(bytes, at + 2)
  } else if (protocol === IpProtocol.Icmp || protocol === IpProtocol.Icmpv6) {
    if (at + 8 > bytes.length) return undefined
    sourceId = half(bytes, at + 4)
    destinationId = half(bytes, at)
  }
  return {
    family,
    protocol,
    source: bytes.slice(first, first + size),
    destination: bytes.slice(first + size, first + 2 * size),
    sourceId,
    destinationId,
  }
}

/** Queries of ICMP and the replies to them, by type. */
const icmpReplies: Readonly<Record<number, number>> = { 8: 0, 13: 14, 15: 16, 17: 18 }
const icmpv6Replies: Readonly<Record<number, number>> = { 128: 129, 139: 140 }
const counterparts = (replies: Readonly<Record<number, number>>): ReadonlyMap<number, number> =>
  new Map(
    Object.entries(replies).flatMap(([query, reply]) => [
      [Number(query), reply] as const,
      [reply, Number(query)] as const,
    ]),
  )
const icmpCounterparts = counterparts(icmpReplies)
const icmpv6Counterparts = counterparts(icmpv6Replies)

/** Whether a message of that type can begin a connection: it asks for an answer. */
export function isIcmpQuery(type: number): boolean {
  return icmpReplies[type] !== undefined
}

export function isIcmpv6Query(type: number): boolean {
  return icmpv6Replies[type] !== undefined
}

/**
 * The tuple of the packets that answer; undefined where nothing answers, as with an ICMP message that asks for nothing.
 */
export function invertTuple(tuple: Tuple): Tuple | undefined {
  const { family, protocol, source, destination, sourceId, destinationId } = tuple
  const turned = { family, protocol, source: destination, destination: source }
  const isIcmp = protocol === IpProtocol.Icmp
  if (!isIcmp && protocol !== IpProtocol.Icmpv6) {
    return { ...turned, sourceId: destinationId, destinationId: sourceId }
  }
  const type = (isIcmp ? icmpCounterparts : icmpv6Counterparts).get(destinationId >> 8)
  return type === undefined ? undefined : { ...turned, sourceId, destinationId: (type << 8) | (destinationId & 0xff) }
}
