/** Which connections a dump shows, and a flush ends. */
import { AttributeBit, ConntrackDirection, Errno, Family, type Memory, TupleFilterFlag } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import type { AttributeTable } from '../netlink/policy.ts'
import { CTA, FILTER } from './attributes.ts'
import type { Connection } from './connection.ts'
import { ALL_FIELDS, parseTuple, parseZone } from './parse.ts'
import type { ConntrackFeatures } from './settings.ts'
import { sameBytes, type Tuple } from './tuple.ts'

/** A filter: true for the connections that it lets through. */
export type ConnectionFilter = (connection: Connection) => boolean

interface MaskedValue {
  readonly value: number
  readonly mask: number
}

const ANY: MaskedValue = { value: 0, mask: 0 }

/** Whether a request has anything to filter by. */
export function needsFilter(family: number, attributes: AttributeTable, { zoneFilters }: ConntrackFeatures): boolean {
  if (family !== 0 || (zoneFilters && attributes.has(CTA.zone))) return true
  return [CTA.mark, CTA.filter, CTA.status].some((number) => attributes.has(number))
}

/** The filter of a request; or a negative errno. */
export function parseFilter(
  family: number,
  attributes: AttributeTable,
  { zoneFilters, invertedIpv6Filters }: ConntrackFeatures,
): ConnectionFilter | number {
  const mark = parseMark(attributes)
  if (typeof mark === 'number') return mark
  const status = parseStatus(attributes)
  if (typeof status === 'number') return status
  const tuples = parseTuples(family, attributes, invertedIpv6Filters)
  if (typeof tuples === 'number') return tuples
  const zone = zoneFilters && attributes.has(CTA.zone) ? attributes.be16(CTA.zone) : undefined
  return (connection) =>
    (family === 0 || connection.family === family) &&
    (zone === undefined || connection.zone.id === zone) &&
    tuples.every((matches) => matches(connection)) &&
    agrees(connection.mark, mark) &&
    agrees(connection.status, status)
}

function agrees(value: number, filter: MaskedValue): boolean {
  return (value & filter.mask) >>> 0 === filter.value
}

function parseMark(attributes: AttributeTable): MaskedValue | number {
  if (!attributes.has(CTA.mark)) return attributes.has(CTA.markMask) ? -Errno.EINVAL : ANY
  const mask = attributes.has(CTA.markMask) ? attributes.be32(CTA.markMask) : 0xffffffff
  return { value: attributes.be32(CTA.mark), mask }
}

function parseStatus(attributes: AttributeTable): MaskedValue | number {
  if (!attributes.has(CTA.status)) return attributes.has(CTA.statusMask) ? -Errno.EINVAL : ANY
  const value = attributes.be32(CTA.status)
  const mask = attributes.has(CTA.statusMask) ? attributes.be32(CTA.statusMask) : value
  return mask === 0 ? -Errno.EINVAL : { value, mask }
}

/**
 * CTA_FILTER: which members of the tuples in the request count. The flags are in host order, unlike everything else.
 */
function parseTuples(
  family: number,
  attributes: AttributeTable,
  invertedIpv6Filters: boolean,
): ConnectionFilter[] | number {
  if (!attributes.has(CTA.filter)) return []
  const given = parseFlags(attributes)
  if (typeof given === 'number') return given
  const filters: ConnectionFilter[] = []
  let zone = parseZone(attributes, CTA.zone)
  for (const [direction, fields] of given.entries()) {
    if (fields === 0) continue
    const isReply = direction === ConntrackDirection.Reply
    const number = isReply ? CTA.reply : CTA.original
    if (!attributes.has(number)) return -Errno.EINVAL
    const parsed = parseTuple(attributes, number, { family, zone, isReply, fields })
    if (typeof parsed === 'number') return parsed
    zone = parsed.zone
    const isInverted = invertedIpv6Filters && parsed.tuple.family === Family.Ipv6
    filters.push(({ tuples }) => matchesTuple(parsed.tuple, tuples[isReply ? 1 : 0], fields, isInverted))
  }
  return filters
}

/** The one nest that the kernel reads strictly: nothing may be in it that it does not know. */
function parseFlags(attributes: AttributeTable): readonly [original: number, reply: number] | number {
  const memory = attributes.memory as Memory
  const start = attributes.at(CTA.filter)
  const end = start + attributes.length(CTA.filter)
  const flags: [number, number] = [0, 0]
  if (((memory.u16[(start - 2) >> 1] as number) & AttributeBit.Nested) === 0) return -Errno.EINVAL
  for (let at = start; at < end; at += 8) {
    const number = end - at < 8 || memory.u16[at >> 1] !== 8 ? 0 : (memory.u16[(at >> 1) + 1] as number)
    if (number !== FILTER.originalFlags && number !== FILTER.replyFlags) return -Errno.EINVAL
    const fields = memory.u32[(at >> 2) + 1] as number
    if ((fields & ~ALL_FIELDS) !== 0) return -Errno.EINVAL
    flags[number === FILTER.originalFlags ? 0 : 1] = fields
  }
  return flags
}

/** @param isInverted addresses that do not agree are let through */
function matchesTuple(filter: Tuple, tuple: Tuple, fields: number, isInverted: boolean): boolean {
  const has = (field: number) => (fields & field) !== 0
  if (has(TupleFilterFlag.Source) && sameBytes(filter.source, tuple.source) === isInverted) return false
  if (has(TupleFilterFlag.Destination) && sameBytes(filter.destination, tuple.destination) === isInverted) return false
  if (has(TupleFilterFlag.Protocol) && filter.protocol !== tuple.protocol) return false
  const { protocol, sourceId, destinationId } = tuple
  if (protocol === IpProtocol.Tcp || protocol === IpProtocol.Udp) {
    if (has(TupleFilterFlag.SourcePort) && filter.sourceId !== sourceId) return false
    return !has(TupleFilterFlag.DestinationPort) || filter.destinationId === destinationId
  }
  const isIcmp = protocol === IpProtocol.Icmp
  if (!isIcmp && protocol !== IpProtocol.Icmpv6) return true
  const {
    IcmpType: icmpType,
    IcmpCode: icmpCode,
    IcmpId: icmpId,
    Icmpv6Type: icmpv6Type,
    Icmpv6Code: icmpv6Code,
    Icmpv6Id: icmpv6Id,
  } = TupleFilterFlag
  const [type, code, id] = isIcmp ? [icmpType, icmpCode, icmpId] : [icmpv6Type, icmpv6Code, icmpv6Id]
  if (has(type) && filter.destinationId >> 8 !== destinationId >> 8) return false
  if (has(code) && (filter.destinationId & 0xff) !== (destinationId & 0xff)) return false
  return !has(id) || filter.sourceId === sourceId
}
