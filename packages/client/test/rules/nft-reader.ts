/**
 * Reads the output of `nft -j list ruleset` according to libnftables-json(5): which packets a rule matches, and what it
 * does with them.
 */
import { addressNumber } from './random-rules.ts'
import { type DescribedPacket, isInNetwork, protocolNames } from './rule-reader.ts'

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
    const value = loaded(objectOf(left), packet)
    if (value === undefined) return false
    const isEqual = isAmong(value, right as Json)
    if (op === '==' || op === 'in') return isEqual
    if (op === '!=' || op === '!') return !isEqual
    throw new Error(`unknown operator ${String(op)}`)
  })
}

function loaded(left: JsonObject, packet: DescribedPacket): number | string | undefined {
  if (left['&'] !== undefined) {
    const [inner, mask] = left['&'] as readonly Json[]
    return (Number(loaded(objectOf(inner), packet)) & Number(mask)) >>> 0
  }
  if (left.ct !== undefined) return packet.state
  if (left.meta !== undefined) return metaOf(String(objectOf(left.meta).key), packet)
  const { protocol, field } = objectOf(left.payload)
  if (protocol === 'ip' || protocol === 'ip6') {
    if ((protocol === 'ip') !== (packet.version === 4)) return undefined
    return field === 'saddr' ? packet.source : packet.destination
  }
  const hasPorts = packet.protocol === 6 || packet.protocol === 17
  const isOfProtocol = protocol === 'th' ? hasPorts : protocolNames[String(protocol)] === packet.protocol
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
    default:
      throw new Error(`unknown meta key ${key}`)
  }
}

function isAmong(value: number | string, right: Json): boolean {
  if (Array.isArray(right)) return right.some((it: Json) => isAmong(value, it))
  if (typeof right === 'number') return value === right
  if (typeof right === 'string') {
    if (typeof value === 'number') return value === (protocolNames[right] ?? (right === 'ipv6-icmp' ? 58 : undefined))
    if (/^[0-9a-f:.]+[.:]/.test(value)) return addressNumber(value) === addressNumber(right)
    return right.endsWith('*') ? value.startsWith(right.slice(0, -1)) : value === right
  }
  const { set, range, prefix } = objectOf(right)
  if (set !== undefined) return isAmong(value, set)
  if (prefix !== undefined) {
    const { addr, len } = objectOf(prefix)
    return isInNetwork(String(value), `${String(addr)}/${String(len)}`)
  }
  const [from, to] = range as readonly Json[]
  const number = (it: Json | undefined) => (typeof it === 'string' ? addressNumber(it) : BigInt(Number(it)))
  const own = number(value)
  return own >= number(from) && own <= number(to)
}
