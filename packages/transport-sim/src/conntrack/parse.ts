/** What requests say of tuples and zones, with the kernel's errors. */
import { Errno, Family, TupleFilterFlag } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import { type MessagePolicy, nested, u8, u16, u32 } from '../netlink/attribute-policy.ts'
import { AttributeTable } from '../netlink/policy.ts'
import { ADDRESS, PROTO, TUPLE } from './attributes.ts'
import { DEFAULT_ZONE, hasPorts, type Tuple, type Zone, ZoneDirection } from './tuple.ts'

const address = { kind: 'bytes', minimum: 16 } as const

const tuplePolicy: MessagePolicy = [undefined, nested, nested, u16]
const addressPolicy: MessagePolicy = [undefined, u32, u32, address, address]
const protocolPolicy: MessagePolicy = [undefined, u8]
const portPolicy: MessagePolicy = [undefined, undefined, u16, u16]
const icmpPolicy: MessagePolicy = [undefined, undefined, undefined, undefined, u16, u8, u8]
const icmpv6Policy: MessagePolicy = [...Array.from({ length: 7 }, () => undefined), u16, u8, u8]
/** The longest address, and a size that none has. */
const IPV6_LENGTH = 16

/** Bits of `TupleFilterFlag`: which members of a tuple a request is about. Except in filters, all. */
export const ALL_FIELDS: number = (1 << 12) - 1
const PROTOCOL_FIELDS = ALL_FIELDS & ~0xf

/** The zone that a request names with that attribute. */
export function parseZone(attributes: AttributeTable, number: number): Zone {
  return attributes.has(number) ? { ...DEFAULT_ZONE, id: attributes.be16(number) } : DEFAULT_ZONE
}

/** A tuple, and the zone that it may have brought with it. */
export interface ParsedTuple {
  readonly tuple: Tuple
  readonly zone: Zone
}

/** How a tuple is read. */
export interface TupleContext {
  readonly family: number
  /** the zone that the request names; undefined where a tuple must not name one itself */
  readonly zone: Zone | undefined
  readonly isReply?: boolean
  /** bits of `TupleFilterFlag` */
  readonly fields?: number
}

/** Reads the tuple in attribute `number`; or a negative errno. */
export function parseTuple(attributes: AttributeTable, number: number, context: TupleContext): ParsedTuple | number {
  const { family, zone: given, isReply = false, fields = ALL_FIELDS } = context
  const table = nest(attributes, number, tuplePolicy)
  if (typeof table === 'number') return table
  if (family !== Family.Ipv4 && family !== Family.Ipv6) return -Errno.EOPNOTSUPP
  let addresses = noAddresses(family)
  if ((fields & (TupleFilterFlag.Source | TupleFilterFlag.Destination)) !== 0) {
    if (!table.has(TUPLE.address)) return -Errno.EINVAL
    const parsed = parseAddresses(table, family, fields)
    if (typeof parsed === 'number') return parsed
    addresses = parsed
  }
  let protocol: ProtocolPart = { protocol: 0, sourceId: 0, destinationId: 0 }
  if ((fields & TupleFilterFlag.Protocol) !== 0) {
    if (!table.has(TUPLE.protocol)) return -Errno.EINVAL
    const parsed = parseProtocol(table, fields)
    if (typeof parsed === 'number') return parsed
    protocol = parsed
  } else if ((fields & PROTOCOL_FIELDS) !== 0) {
    return -Errno.EINVAL
  }
  let zone = given ?? DEFAULT_ZONE
  if ((fields & TupleFilterFlag.Zone) !== 0 && table.has(TUPLE.zone)) {
    if (given === undefined || given.id !== 0) return -Errno.EINVAL
    zone = { id: table.be16(TUPLE.zone), directions: isReply ? ZoneDirection.Reply : ZoneDirection.Original }
  }
  return { tuple: { family, ...addresses, ...protocol }, zone }
}

/** The attributes in a nest, up to `maximum`; or a negative errno. */
export function nest(
  attributes: AttributeTable,
  number: number,
  policy: MessagePolicy,
  maximum: number = policy.length - 1,
): AttributeTable | number {
  const table = new AttributeTable(maximum)
  const start = attributes.at(number)
  const refused = table.parseRange(attributes.memory as never, start, start + attributes.length(number), policy)
  return refused === undefined ? table : -refused.errno
}

type AddressPart = Pick<Tuple, 'source' | 'destination'>
type ProtocolPart = Pick<Tuple, 'protocol' | 'sourceId' | 'destinationId'>

function noAddresses(family: number): AddressPart {
  const length = family === Family.Ipv4 ? 4 : IPV6_LENGTH
  return { source: new Uint8Array(length), destination: new Uint8Array(length) }
}

function parseAddresses(tuple: AttributeTable, family: number, fields: number): AddressPart | number {
  const table = nest(tuple, TUPLE.address, addressPolicy)
  if (typeof table === 'number') return table
  const isIpv4 = family === Family.Ipv4
  const length = isIpv4 ? 4 : IPV6_LENGTH
  const part = noAddresses(family)
  const members = [
    [TupleFilterFlag.Source, isIpv4 ? ADDRESS.ipv4Source : ADDRESS.ipv6Source, part.source],
    [TupleFilterFlag.Destination, isIpv4 ? ADDRESS.ipv4Destination : ADDRESS.ipv6Destination, part.destination],
  ] as const
  for (const [field, number, bytes] of members) {
    if ((fields & field) === 0) continue
    if (!table.has(number)) return -Errno.EINVAL
    bytes.set(table.bytes(number).subarray(0, length))
  }
  return part
}

function parseProtocol(tuple: AttributeTable, fields: number): ProtocolPart | number {
  const table = nest(tuple, TUPLE.protocol, protocolPolicy, PROTO.icmpv6Code)
  if (typeof table === 'number') return table
  if (!table.has(PROTO.number)) return -Errno.EINVAL
  const protocol = u8At(table, PROTO.number)
  if (hasPorts(protocol)) return parsePorts(tuple, protocol, fields)
  if (protocol === IpProtocol.Icmp) {
    const { IcmpType: icmpType, IcmpCode: icmpCode, IcmpId: icmpId } = TupleFilterFlag
    return parseQuery(tuple, protocol, icmpPolicy, PROTO.icmpId, [icmpId, icmpType, icmpCode], fields)
  }
  if (protocol === IpProtocol.Icmpv6) {
    const { Icmpv6Type: icmpv6Type, Icmpv6Code: icmpv6Code, Icmpv6Id: icmpv6Id } = TupleFilterFlag
    return parseQuery(tuple, protocol, icmpv6Policy, PROTO.icmpv6Id, [icmpv6Id, icmpv6Type, icmpv6Code], fields)
  }
  return { protocol, sourceId: 0, destinationId: 0 }
}

function parsePorts(tuple: AttributeTable, protocol: number, fields: number): ProtocolPart | number {
  const table = nest(tuple, TUPLE.protocol, portPolicy, PROTO.icmpv6Code)
  if (typeof table === 'number') return table
  const needsSource = (fields & TupleFilterFlag.SourcePort) !== 0
  const needsDestination = (fields & TupleFilterFlag.DestinationPort) !== 0
  if (needsSource && !table.has(PROTO.sourcePort)) return -Errno.EINVAL
  if (needsDestination && !table.has(PROTO.destinationPort)) return -Errno.EINVAL
  return {
    protocol,
    sourceId: needsSource ? table.be16(PROTO.sourcePort) : 0,
    destinationId: needsDestination ? table.be16(PROTO.destinationPort) : 0,
  }
}

/** Of ICMP and ICMPv6: id, type and code have consecutive numbers. */
function parseQuery(
  tuple: AttributeTable,
  protocol: number,
  policy: MessagePolicy,
  first: number,
  [idField, typeField, codeField]: readonly [number, number, number],
  fields: number,
): ProtocolPart | number {
  const table = nest(tuple, TUPLE.protocol, policy, PROTO.icmpv6Code)
  if (typeof table === 'number') return table
  const read = (field: number, number: number, value: () => number) => {
    if ((fields & field) === 0) return 0
    return table.has(number) ? value() : -Errno.EINVAL
  }
  const type = read(typeField, first + 1, () => u8At(table, first + 1))
  if (type < 0) return type
  // A filter by type takes types that are not tracked; a connection must have a counterpart.
  if ((fields & typeField) !== 0 && !hasCounterpart(protocol, type)) return -Errno.EINVAL
  const code = read(codeField, first + 2, () => u8At(table, first + 2))
  if (code < 0) return code
  const id = read(idField, first, () => table.be16(first))
  if (id < 0) return id
  return { protocol, sourceId: id, destinationId: (type << 8) | code }
}

const icmpTypes: ReadonlySet<number> = new Set([0, 8, 13, 14, 15, 16, 17, 18])
const icmpv6Types: ReadonlySet<number> = new Set([128, 129, 139, 140])

function hasCounterpart(protocol: number, type: number): boolean {
  return (protocol === IpProtocol.Icmp ? icmpTypes : icmpv6Types).has(type)
}

function u8At(table: AttributeTable, number: number): number {
  return table.memory?.u8[table.at(number)] ?? 0
}
