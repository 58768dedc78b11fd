/** The trackers of ICMP and ICMPv6, and of protocols that nothing more is known of. */
import { type ConntrackDirection, Family } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import { hasValidChecksum } from './checksum.ts'
import type { Connection } from './connection.ts'
import { Outcome, type TrackedPacket, type TrackingHost } from './tracking.ts'
import { findTransport, invertTuple, isIcmpQuery, isIcmpv6Query, sameBytes, type Tuple, tupleOf } from './tuple.ts'

const HEADER_LENGTH = 8
/** NR_ICMP_TYPES */
const LAST_ICMP_TYPE = 18
const FIRST_ICMPV6_QUERY = 128
const icmpErrors: ReadonlySet<number> = new Set([3, 4, 5, 11, 12])
/** Of ICMPv6: what finds neighbours and groups, which is not tracked. */
const untrackedTypes: ReadonlySet<number> = new Set([130, 131, 132, 133, 134, 135, 136, 143])

/** Takes a query or reply of a connection. */
export function trackIcmp(host: TrackingHost, connection: Connection, packet: TrackedPacket): Outcome {
  const isIpv6 = connection.protocol === IpProtocol.Icmpv6
  if ((packet.family === Family.Ipv6) !== isIpv6) return Outcome.Invalid
  const type = connection.tuples[0].destinationId >> 8
  if (!(isIpv6 ? isIcmpv6Query(type) : isIcmpQuery(type))) return Outcome.Invalid
  const { icmp, icmpv6 } = host.settings.timeouts
  host.refresh(connection, isIpv6 ? icmpv6 : icmp)
  connection.count(packet.direction, packet.bytes.length)
  return Outcome.Accept
}

/** Takes a packet of any other protocol. */
export function trackGeneric(host: TrackingHost, connection: Connection, packet: TrackedPacket): Outcome {
  host.refresh(connection, host.settings.timeouts.generic)
  connection.count(packet.direction, packet.bytes.length)
  return Outcome.Accept
}

/** What the first look at an ICMP message says. */
export type IcmpMessage =
  /** a query or a reply */
  | { readonly kind: 'query' }
  /** not one that connection tracking is for */
  | { readonly kind: 'untracked' }
  /** broken */
  | { readonly kind: 'invalid' }
  /** an error about a packet: how that one would be answered, and whom the error is for */
  | { readonly kind: 'error'; readonly inner: Tuple; readonly destination: Uint8Array }

const QUERY: IcmpMessage = { kind: 'query' }
const INVALID: IcmpMessage = { kind: 'invalid' }

/** Looks at an ICMP or ICMPv6 message. */
export function classifyIcmp(packet: Omit<TrackedPacket, 'direction'>): IcmpMessage {
  const { bytes, at, family } = packet
  if (bytes.length - at < HEADER_LENGTH) return INVALID
  if (packet.verify && !hasValidChecksum(bytes)) return INVALID
  const type = bytes[at] as number
  if (family === Family.Ipv6) {
    if (untrackedTypes.has(type)) return { kind: 'untracked' }
    if (type >= FIRST_ICMPV6_QUERY) return QUERY
  } else {
    if (type > LAST_ICMP_TYPE) return INVALID
    if (!icmpErrors.has(type)) return QUERY
  }
  const inner = innerTuple(bytes, at + HEADER_LENGTH, family)
  const destination = family === Family.Ipv6 ? bytes.subarray(24, 40) : bytes.subarray(16, 20)
  return inner === undefined ? INVALID : { kind: 'error', inner, destination }
}

function innerTuple(bytes: Uint8Array, start: number, family: number): Tuple | undefined {
  const place = findTransport(bytes, start, family)
  if (place === undefined) return undefined
  const tuple = tupleOf(bytes, start, family, place)
  return tuple === undefined ? undefined : invertTuple(tuple)
}

/** Whether an error about a packet of that direction is for the one who sent it. */
export function isForSender(connection: Connection, direction: ConntrackDirection, destination: Uint8Array): boolean {
  return sameBytes(connection.tuples[direction].destination, destination)
}
