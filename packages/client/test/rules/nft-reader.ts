/**
 * What `nft -j list ruleset` prints, read as libnftables-json(5) has it: which packets a rule matches, and what it does
 * with them.
 */
import { addressNumber } from './random-values.ts'
import { type DescribedPacket, isInNetwork, lengthOf, protocolNames } from './rule-reader.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type JsonObject = { readonly [key: string]: Json }

/** One rule: its matches, and its other statements in their order. */
export interface ListedRule {
  readonly hook: string
  readonly priority: number
  readonly matches: readonly JsonObject[]
  readonly statements: readonly JsonObject[]
}

function objectOf(value: Json | undefined): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`no object: ${value}`)
  return value as JsonObject
}

/** The rules of a listing, in its order. */
export function readListing(text: string): ListedRule[] {
  const entries = objectOf(JSON.parse(text) as Json).nftables as readonly JsonObject[]
  const chains = entries.flatMap(({ chain }) => (chain === undefined ? [] : [objectOf(chain)]))
  return entries.flatMap(({ rule }) => {
    if (rule === undefined) return []
    const { chain: name, expr } = objectOf(rule)
    const chain = chains.find((it) => it.name === name)
    const all = expr as readonly JsonObject[]
    const matches = all.flatMap(({ match }) => (match === undefined ? [] : [objectOf(match)]))
    const statements = all.filter(({ match }) => match === undefined)
    return [{ hook: String(chain?.hook), priority: Number(chain?.prio), matches, statements }]
  })
}

/** Whether all matches of a listed rule hold for a packet. */
export function isListedMatch({ matches }: ListedRule, packet: DescribedPacket): boolean {
  return matches.every(({ op, left, right }) => {
    const flags = flagsTest(objectOf(left), String(op), right as Json, packet)
    if (flags !== undefined) return flags
    const value = loaded(objectOf(left), packet)
    if (value === undefined) return false
    const isEqual = isAmong(value, right as Json, packet.version === 4 ? ipv4Names : ipv6Names)
    if (op === '==' || op === 'in') return isEqual
    if (op === '!=' || op === '!') return !isEqual
    throw new Error(`unknown operator ${String(op)}`)
  })
}

/** What a match of TCP flags says; `undefined` for other matches. */
function flagsTest(left: JsonObject, op: string, right: Json, packet: DescribedPacket): boolean | undefined {
  const [inner, mask] = (left['&'] as readonly Json[] | undefined) ?? [left, undefined]
  const { payload } = objectOf(inner)
  if (payload === undefined || objectOf(payload).field !== 'flags') return undefined
  if (packet.protocol !== 6 || packet.fragment === 'later') return false
  const bits = (given: Json | undefined): number =>
    Array.isArray(given) ? given.reduce((sum: number, it: Json) => sum | flagOf(it), 0) : flagOf(given)
  const set = packet.tcpFlags.reduce((sum, flag) => sum | (flagBits[flag] ?? 0), 0)
  const wanted = bits(right)
  if (mask === undefined) {
    if (op !== 'in' && op !== '!') throw new Error(`unknown operator ${op} of flags`)
    return ((set & wanted) !== 0) === (op === 'in')
  }
  return ((set & bits(mask)) === wanted) === (op === '==')
}

function flagOf(name: Json | undefined): number {
  return typeof name === 'number' ? name : (flagBits[String(name)] ?? 0)
}

const flagBits: Readonly<Record<string, number>> = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 }

function loaded(left: JsonObject, packet: DescribedPacket): number | string | boolean | undefined {
  if (left['&'] !== undefined) {
    const [inner, mask] = left['&'] as readonly Json[]
    const value = loaded(objectOf(inner), packet)
    return value === undefined ? undefined : (Number(value) & Number(mask)) >>> 0
  }
  if (left.ct !== undefined) return packet.state
  if (left.meta !== undefined) return metaOf(String(objectOf(left.meta).key), packet)
  if (left.exthdr !== undefined) return packet.version === 6 ? packet.fragment !== 'none' : undefined
  const { protocol, field } = objectOf(left.payload)
  if (protocol === 'ip' || protocol === 'ip6') {
    return (protocol === 'ip') === (packet.version === 4) ? networkField(String(field), packet) : undefined
  }
  if (protocol === 'ether') return packet.sender
  return packet.fragment === 'later' ? undefined : transportField(String(protocol), String(field), packet)
}

function networkField(field: string, packet: DescribedPacket): number | string {
  switch (field) {
    case 'saddr':
      return packet.source
    case 'daddr':
      return packet.destination
    case 'ttl':
    case 'hoplimit':
      return packet.timeToLive
    case 'dscp':
      return packet.codePoint
    case 'frag-off':
      return packet.fragment === 'none' ? 0x4000 : packet.fragment === 'first' ? 0x2000 : 0x2001
    default:
      throw new Error(`unknown field ${field}`)
  }
}

function transportField(protocol: string, field: string, packet: DescribedPacket): number | undefined {
  if (protocol === 'icmp' || protocol === 'icmpv6') {
    if (packet.protocol !== (protocol === 'icmp' ? 1 : 58)) return undefined
    return field === 'type' ? packet.messageType : packet.messageCode
  }
  const hasPorts = packet.protocol === 6 || packet.protocol === 17
  const isOfProtocol = protocol === 'th' ? hasPorts : protocolNames[protocol] === packet.protocol
  if (!isOfProtocol) return undefined
  return field === 'sport' ? packet.sourcePort : packet.destinationPort
}

function metaOf(key: string, packet: DescribedPacket): number | string | undefined {
  switch (key) {
    case 'l4proto':
      return packet.protocol
    case 'nfproto':
      return packet.version === 4 ? 'ipv4' : 'ipv6'
    case 'protocol':
      return packet.version === 4 ? 'ip' : 'ip6'
    case 'mark':
      return packet.mark
    case 'iifname':
      return packet.input
    case 'oifname':
      return packet.output
    case 'skuid':
      return packet.user
    case 'skgid':
      return packet.user === undefined ? undefined : packet.group
    case 'length':
      return lengthOf(packet)
    case 'iiftype':
      return packet.sender === undefined ? 'loopback' : 'ether'
    default:
      throw new Error(`unknown meta key ${key}`)
  }
}

/** Numbers by nft's names for them: of protocols, code points, messages and their codes. */
const commonNames = { ...protocolNames, 'ipv6-icmp': 58, cs0: 0, cs1: 8, ef: 46 }
const ipv4Names = {
  ...commonNames,
  'echo-reply': 0,
  'echo-request': 8,
  'net-unreachable': 0,
  'host-unreachable': 1,
  'port-unreachable': 3,
}
const ipv6Names = {
  ...commonNames,
  'echo-request': 128,
  'nd-neighbor-solicit': 135,
  'no-route': 0,
  'admin-prohibited': 1,
  'addr-unreachable': 3,
}
type Names = Readonly<Record<string, number>>

function numberOf(text: string, names: Names): number {
  const number = names[text]
  if (number === undefined) throw new Error(`unknown name ${text}`)
  return number
}

function isAmong(value: number | string | boolean, right: Json, names: Names): boolean {
  if (Array.isArray(right)) return right.some((it: Json) => isAmong(value, it, names))
  if (typeof right === 'number' || typeof right === 'boolean') return value === right
  if (typeof right === 'string') {
    if (typeof value === 'number') return numberOf(right, names) === value
    const text = String(value)
    if (isHardwareAddress(text)) return text === right
    if (/^[0-9a-f:.]+[.:]/.test(text)) return addressNumber(text) === addressNumber(right)
    return right.endsWith('*') ? text.startsWith(right.slice(0, -1)) : text === right
  }
  const { set, range, prefix } = objectOf(right)
  if (set !== undefined) return isAmong(value, set, names)
  if (prefix !== undefined) {
    const { addr, len } = objectOf(prefix)
    return isInNetwork(String(value), `${String(addr)}/${String(len)}`)
  }
  const [from, to] = range as readonly Json[]
  const isAddress = typeof value === 'string'
  const number = (it: Json | undefined) =>
    isAddress ? addressNumber(String(it)) : BigInt(typeof it === 'string' ? numberOf(it, names) : Number(it))
  const own = isAddress ? addressNumber(value) : BigInt(value)
  return own >= number(from) && own <= number(to)
}

function isHardwareAddress(text: string): boolean {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text)
}
