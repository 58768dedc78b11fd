/** Expressions about the connection of a packet: ct, notrack. */
import {
  ConntrackDirection,
  ConntrackEventBit,
  ConntrackKey,
  ConntrackStateBit,
  Errno,
  expressionTables,
  Family,
  RuleVerdict,
} from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import { replaceLabels } from '../../conntrack/change.ts'
import { type Connection, LABEL_BYTES } from '../../conntrack/connection.ts'
import type { ConntrackTable } from '../../conntrack/table.ts'
import { directionOf } from '../../conntrack/tracker.ts'
import { DEFAULT_ZONE, type Zone, ZoneDirection, zoneIdOf } from '../../conntrack/tuple.ts'
import type { SimPacket } from '../../netfilter/packet.ts'
import { policyOf, small, u8, u32 } from '../../netlink/attribute-policy.ts'
import type { AttributeTable } from '../../netlink/policy.ts'
import type { RuleExpression } from '../ruleset.ts'
import type { Evaluation } from './evaluate.ts'
import {
  type ExpressionContext,
  type ExpressionKind,
  loadRegister,
  registerNumber,
  selectLoadOrSet,
  storeRegister,
} from './expression.ts'

const { Break, Continue } = RuleVerdict
const CT = attributeNumbers(expressionTables.ct)

/**
 * Whether a key is of one direction: it must be named, may be, must not be; or it is ignored where the key has none.
 */
type DirectionRule = 'needed' | 'optional' | 'refused' | 'ignored'

interface KeyRule {
  readonly length: number | 'address'
  readonly direction: DirectionRule
}

const rule = (length: number | 'address', direction: DirectionRule = 'refused'): KeyRule => ({ length, direction })
const loadRules: Readonly<Record<number, KeyRule>> = {
  [ConntrackKey.State]: rule(4),
  [ConntrackKey.Direction]: rule(1),
  [ConntrackKey.Status]: rule(4),
  [ConntrackKey.Mark]: rule(4),
  [ConntrackKey.SecurityMark]: rule(4),
  [ConntrackKey.Expiration]: rule(4),
  [ConntrackKey.Helper]: rule(16),
  [ConntrackKey.NetworkProtocol]: rule(1, 'ignored'),
  [ConntrackKey.Source]: rule('address', 'needed'),
  [ConntrackKey.Destination]: rule('address', 'needed'),
  [ConntrackKey.TransportProtocol]: rule(1, 'ignored'),
  [ConntrackKey.SourcePort]: rule(2, 'needed'),
  [ConntrackKey.DestinationPort]: rule(2, 'needed'),
  [ConntrackKey.Labels]: rule(LABEL_BYTES),
  [ConntrackKey.Packets]: rule(8, 'optional'),
  [ConntrackKey.Bytes]: rule(8, 'optional'),
  [ConntrackKey.AveragePacket]: rule(8, 'optional'),
  [ConntrackKey.Zone]: rule(2, 'optional'),
  [ConntrackKey.SourceIpv4]: rule(4, 'needed'),
  [ConntrackKey.DestinationIpv4]: rule(4, 'needed'),
  [ConntrackKey.SourceIpv6]: rule(16, 'needed'),
  [ConntrackKey.DestinationIpv6]: rule(16, 'needed'),
  [ConntrackKey.Id]: rule(4),
}
const setRules: Readonly<Record<number, KeyRule>> = {
  [ConntrackKey.Mark]: rule(4),
  [ConntrackKey.SecurityMark]: rule(4),
  [ConntrackKey.Labels]: rule(LABEL_BYTES),
  [ConntrackKey.Zone]: rule(2, 'optional'),
  [ConntrackKey.EventMask]: rule(4),
}
const counterKeys: ReadonlySet<number> = new Set([ConntrackKey.Packets, ConntrackKey.Bytes, ConntrackKey.AveragePacket])

/** Expression `ct`. */
export const ct: ExpressionKind = {
  name: 'ct',
  policy: policyOf(expressionTables.ct, { destinationRegister: u32, key: small, direction: u8, sourceRegister: u32 }),
  select: selectLoadOrSet(CT.destinationRegister, CT.key, CT.sourceRegister),
  make: (attributes, context) => {
    const table = context.host.connections
    if (table === undefined) return -Errno.EOPNOTSUPP
    return attributes.has(CT.sourceRegister)
      ? makeSet(attributes, context, table)
      : makeLoad(attributes, context, table)
  },
}

/** The direction that is named, or undefined without one; or a negative errno. */
function parseDirection(attributes: AttributeTable, { direction }: KeyRule): ConntrackDirection | undefined | number {
  if (!attributes.has(CT.direction)) return direction === 'needed' ? -Errno.EINVAL : undefined
  if (direction === 'refused') return -Errno.EINVAL
  const value = attributes.memory?.u8[attributes.at(CT.direction)] ?? 0
  return value === ConntrackDirection.Original || value === ConntrackDirection.Reply ? value : -Errno.EINVAL
}

function makeLoad(
  attributes: AttributeTable,
  context: ExpressionContext,
  table: ConntrackTable,
): RuleExpression | number {
  const key = attributes.be32(CT.key)
  const known = loadRules[key]
  if (known === undefined) return -Errno.EOPNOTSUPP
  const length = known.length === 'address' ? addressLength(context.table.family) : known.length
  if (length < 0) return known.direction === 'needed' && !attributes.has(CT.direction) ? -Errno.EINVAL : length
  const direction = parseDirection(attributes, known)
  if (direction !== undefined && direction < 0) return direction
  const word = storeRegister(context, attributes.be32(CT.destinationRegister), length)
  if (word < 0) return word
  if (counterKeys.has(key)) table.settings.accounting = true
  const load = loaders[key]
  const side =
    direction === ConntrackDirection.Original || direction === ConntrackDirection.Reply ? direction : undefined
  return {
    name: 'ct',
    conntrack: { setsLabels: false },
    evaluate: (evaluation) => {
      const packet = evaluation.packet as SimPacket
      if (key === ConntrackKey.State) {
        evaluation.words[word] = packet.connectionState
        return Continue
      }
      const { connection } = packet
      if (connection === undefined || load === undefined) return Break
      return load({ connection, packet, evaluation, word, direction: side, now: table.now }) ? Continue : Break
    },
    dump: (reply) => {
      reply.be32(CT.destinationRegister, registerNumber(word))
      reply.be32(CT.key, key)
      if (side !== undefined && known.direction !== 'ignored') reply.bytes(CT.direction, Uint8Array.of(side))
    },
  }
}

function addressLength(family: number): number {
  if (family === Family.Ipv4) return 4
  return family === Family.Ipv6 || family === Family.Inet ? 16 : -Errno.EAFNOSUPPORT
}

interface LoadContext {
  readonly connection: Connection
  readonly packet: SimPacket
  readonly evaluation: Evaluation
  readonly word: number
  readonly direction: ConntrackDirection | undefined
  /** milliseconds */
  readonly now: number
}

/** Fills registers; false where there is nothing to fill them with. */
type Load = (context: LoadContext) => boolean

const word32 =
  (value: (context: LoadContext) => number): Load =>
  (context) => {
    context.evaluation.words[context.word] = value(context)
    return true
  }
const byte =
  (value: (context: LoadContext) => number): Load =>
  (context) => {
    context.evaluation.words[context.word] = 0
    context.evaluation.bytes[context.word * 4] = value(context)
    return true
  }
const half =
  (value: (context: LoadContext) => number): Load =>
  (context) => {
    context.evaluation.words[context.word] = 0
    context.evaluation.halves[context.word * 2] = value(context)
    return true
  }
/** A port, in network order. */
const port =
  (value: (context: LoadContext) => number): Load =>
  (context) => {
    const { evaluation, word } = context
    const number = value(context)
    evaluation.words[word] = 0
    evaluation.bytes[word * 4] = number >> 8
    evaluation.bytes[word * 4 + 1] = number & 0xff
    return true
  }
const bytes =
  (value: (context: LoadContext) => Uint8Array | undefined): Load =>
  (context) => {
    const given = value(context)
    if (given !== undefined) context.evaluation.bytes.set(given, context.word * 4)
    return given !== undefined
  }
/** 64 bits in host order. */
const long =
  (value: (context: LoadContext) => number): Load =>
  (context) => {
    const words = new Uint32Array(new BigUint64Array([BigInt(value(context))]).buffer)
    context.evaluation.words.set(words, context.word)
    return true
  }

const tupleOf = ({ connection, direction = ConntrackDirection.Original }: LoadContext) => connection.tuples[direction]

function sum({ connection: { counters }, direction }: LoadContext, name: 'packets' | 'bytes'): number {
  if (counters === undefined) return 0
  return direction === undefined ? counters[0][name] + counters[1][name] : counters[direction][name]
}

function average(context: LoadContext): number {
  const packets = sum(context, 'packets')
  return packets === 0 ? 0 : Math.floor(sum(context, 'bytes') / packets)
}

const addressOf =
  (end: 'source' | 'destination', length?: number) =>
  (context: LoadContext): Uint8Array | undefined => {
    const address = tupleOf(context)[end]
    return length === undefined || address.length === length ? address : undefined
  }

/** The name of the helper because of which the connection was expected, padded with zeros. */
function masterHelper({ connection: { master } }: LoadContext): Uint8Array | undefined {
  const name = master?.helper?.helper?.name
  if (name === undefined) return undefined
  const padded = new Uint8Array(16)
  padded.set(new TextEncoder().encode(name))
  return padded
}

const NO_LABELS = new Uint8Array(LABEL_BYTES)
const loaders: Readonly<Record<number, Load>> = {
  [ConntrackKey.Direction]: byte(({ packet }) => directionOf(packet.connectionInfo)),
  [ConntrackKey.Status]: word32(({ connection }) => connection.status),
  [ConntrackKey.Mark]: word32(({ connection }) => connection.mark),
  [ConntrackKey.SecurityMark]: word32(({ connection }) => connection.securityMark),
  [ConntrackKey.Expiration]: word32(({ connection, now }) => connection.remaining(now)),
  [ConntrackKey.Helper]: bytes(masterHelper),
  [ConntrackKey.NetworkProtocol]: byte(({ connection }) => connection.family),
  [ConntrackKey.Source]: bytes(addressOf('source')),
  [ConntrackKey.Destination]: bytes(addressOf('destination')),
  [ConntrackKey.TransportProtocol]: byte(({ connection }) => connection.protocol),
  [ConntrackKey.SourcePort]: port((context) => tupleOf(context).sourceId),
  [ConntrackKey.DestinationPort]: port((context) => tupleOf(context).destinationId),
  [ConntrackKey.Labels]: bytes(({ connection }) => connection.labels ?? NO_LABELS),
  [ConntrackKey.Packets]: long((context) => sum(context, 'packets')),
  [ConntrackKey.Bytes]: long((context) => sum(context, 'bytes')),
  [ConntrackKey.AveragePacket]: long(average),
  [ConntrackKey.Zone]: half(({ connection: { zone }, direction }) =>
    direction === undefined ? zone.id : zoneIdOf(zone, direction),
  ),
  [ConntrackKey.SourceIpv4]: bytes(addressOf('source', 4)),
  [ConntrackKey.DestinationIpv4]: bytes(addressOf('destination', 4)),
  [ConntrackKey.SourceIpv6]: bytes(addressOf('source', 16)),
  [ConntrackKey.DestinationIpv6]: bytes(addressOf('destination', 16)),
  [ConntrackKey.Id]: word32(({ connection }) => connection.id),
}

function makeSet(
  attributes: AttributeTable,
  context: ExpressionContext,
  table: ConntrackTable,
): RuleExpression | number {
  const key = attributes.be32(CT.key)
  const known = setRules[key]
  if (known === undefined || typeof known.length !== 'number') return -Errno.EOPNOTSUPP
  const direction = parseDirection(attributes, known)
  if (direction !== undefined && direction < 0) return direction
  const word = loadRegister(context, attributes.be32(CT.sourceRegister), known.length)
  if (word < 0) return word
  return {
    name: 'ct',
    conntrack: { setsLabels: key === ConntrackKey.Labels },
    evaluate: (evaluation) => {
      const packet = evaluation.packet as SimPacket
      if (key === ConntrackKey.Zone) chooseZone(packet, evaluation.halves[word * 2] as number, direction)
      else if (packet.connection !== undefined) set(table, packet.connection, key, evaluation, word)
      return Continue
    },
    dump: (reply) => {
      reply.be32(CT.sourceRegister, registerNumber(word))
      reply.be32(CT.key, key)
      if (direction !== undefined) reply.bytes(CT.direction, Uint8Array.of(direction))
    },
  }
}

/** A packet that is in a connection already stays in its zone. */
function chooseZone(packet: SimPacket, id: number, direction: number | undefined): void {
  if (packet.connection !== undefined) return
  let zone: Zone = { ...DEFAULT_ZONE, id }
  if (direction === ConntrackDirection.Original) zone = { id, directions: ZoneDirection.Original }
  if (direction === ConntrackDirection.Reply) zone = { id, directions: ZoneDirection.Reply }
  packet.zone = zone
}

function set(table: ConntrackTable, connection: Connection, key: number, evaluation: Evaluation, word: number): void {
  const value = evaluation.words[word] as number
  if (key === ConntrackKey.Mark && connection.mark !== value) {
    connection.mark = value
    table.note(connection, ConntrackEventBit.Mark)
  } else if (key === ConntrackKey.SecurityMark && connection.securityMark !== value) {
    connection.securityMark = value
    table.note(connection, ConntrackEventBit.SecurityMark)
  } else if (key === ConntrackKey.Labels) {
    const labels = evaluation.bytes.slice(word * 4, word * 4 + LABEL_BYTES)
    replaceLabels(table, connection, labels, labels)
  } else if (key === ConntrackKey.EventMask) {
    if (connection.events !== undefined) connection.events.mask = value
    else if (value !== 0 && !connection.isConfirmed) table.giveEvents(connection, value)
  }
}

/** Expression `notrack`: a packet without a connection is not to get one. */
export const notrack: ExpressionKind = {
  name: 'notrack',
  policy: [],
  make: () => ({
    name: 'notrack',
    evaluate: (evaluation) => {
      const packet = evaluation.packet as SimPacket
      if (packet.connection === undefined && packet.connectionState === ConntrackStateBit.Invalid) {
        packet.connectionState = ConntrackStateBit.Untracked
      }
      return Continue
    },
  }),
}
