/** The matches of rules written in nft's words, in the order in which packets are asked for them. */
import { type Field, fields, fieldsByName, timeKind } from '../fields/fields.ts'
import { isEveryFlag, protocolNumber, protocolNumbers } from '../fields/names.ts'
import type { RuleFamily } from '../options.ts'
import type {
  CombinedInSet,
  MarkBits,
  PropertyName,
  RuleMatch,
  RuleProtocol,
  SetProperty,
  TcpFlagsOf,
  TimeRange,
} from '../properties.ts'
import { listOf } from '../set.ts'
import { isInSet } from '../sets/definition.ts'

export interface MatchContext {
  readonly version: 4 | 6 | undefined
  readonly family: RuleFamily
}

export function formatMatch(match: RuleMatch, context: MatchContext): string {
  const { not = {} } = match
  const words = fields.flatMap((field) => [
    textOf(field, match[field.name], false, match, context),
    textOf(field, not[field.name], true, match, context),
  ])
  const combined = [false, true].flatMap((isNegative) =>
    listOf<CombinedInSet>((isNegative ? not.combined : match.combined) ?? []).map(({ of, in: set }) => {
      return `${keyText(of, match, context)} ${isNegative ? '!= ' : ''}@${set}`
    }),
  )
  const version = versionText(match, context, [...words, ...combined])
  return [version, ...words, ...combined].filter((it) => it !== undefined).join(' ')
}

/** The properties that are the key of a set, as `ip saddr . tcp dport`. */
export function keyText(names: readonly SetProperty[], match: RuleMatch, context: MatchContext): string {
  return names.map((name) => wordsOf(fieldsByName.get(name) as Field, match, context)).join(' . ')
}

/** The test of the IP version, where no other words imply it. */
function versionText({ version, not }: RuleMatch, context: MatchContext, words: readonly (string | undefined)[]) {
  if (not?.version !== undefined) return `meta nfproto != ${not.version === 4 ? 'ipv4' : 'ipv6'}`
  if (version === undefined || context.family === 'ip' || context.family === 'ip6') return undefined
  const isImplied = words.some((it) => it !== undefined && /^(ip|ip6|icmp|icmpv6|exthdr) /.test(it))
  return isImplied ? undefined : `meta nfproto ${version === 4 ? 'ipv4' : 'ipv6'}`
}

const TRANSPORT: readonly PropertyName[] = ['sourcePort', 'destinationPort', 'icmpType', 'icmpCode', 'tcpFlags']

function textOf(
  field: Field,
  given: unknown,
  isNegative: boolean,
  match: RuleMatch,
  context: MatchContext,
): string | undefined {
  if (given === undefined) return undefined
  const { name, style } = field
  if (name === 'protocol' && !isNegative && isImplied(match)) return undefined
  const words = wordsOf(field, match, context)
  switch (style) {
    case 'presence':
      return presenceText(words, (given === true) !== isNegative)
    case 'bits':
      return bitsText(words, given as string | readonly string[], isNegative)
    case 'flags':
      return flagsText(words, given as string | readonly string[] | TcpFlagsOf, isNegative)
    case 'time':
      return `${words} ${isNegative ? '!= ' : ''}${timeText(given as TimeRange)}`
    case 'socket':
      return `${words} ${isNegative ? '!= ' : ''}${given === 'transparent' ? '1' : '0-1'}`
    default:
      return valuesText(field, words, given, isNegative, context)
  }
}

/** Whether words of ports, flags or messages say the protocol. */
function isImplied(match: RuleMatch): boolean {
  const protocols = listOf<RuleProtocol>(match.protocol ?? [])
  if (protocols.length !== 1 || nameOf(protocols[0]) === undefined) return false
  const combined = [match, match.not ?? {}].flatMap((side) => listOf<CombinedInSet>(side.combined ?? []))
  if (combined.some(({ of }) => of.some((name) => TRANSPORT.includes(name)))) return true
  return TRANSPORT.some((name) => match[name] !== undefined || match.not?.[name] !== undefined)
}

function nameOf(protocol: RuleProtocol | undefined): string | undefined {
  if (protocol === undefined) return undefined
  const number = protocolNumber(protocol)
  return Object.entries(protocolNumbers).find(([, it]) => it === number)?.[0]
}

function wordsOf({ name, words }: Field, match: RuleMatch, { version }: MatchContext): string {
  const [first = '', second = first] = words
  const own = version === 6 ? second : first
  if (name !== 'sourcePort' && name !== 'destinationPort') return own
  const protocols = listOf<RuleProtocol>(match.protocol ?? [])
  const protocol = protocols.length === 1 ? (nameOf(protocols[0]) ?? 'th') : 'th'
  return own.replace('th', protocol)
}

function presenceText(words: string, isPresent: boolean): string {
  if (words === 'ip frag-off') return `${words} & 0x3fff ${isPresent ? '!=' : '=='} 0`
  return `${words} ${isPresent ? 'exists' : 'missing'}`
}

function bitsText(words: string, given: string | readonly string[], isNegative: boolean): string {
  return `${words} ${isNegative ? '! ' : ''}${listOf(given).join(',')}`
}

function flagsText(words: string, given: string | readonly string[] | TcpFlagsOf, isNegative: boolean): string {
  if (typeof given !== 'object' || !('mask' in given)) return bitsText(words, given, isNegative)
  const value = given.flags.length === 0 ? '0' : given.flags.join('|')
  if (isEveryFlag(given.mask)) return `${words} ${isNegative ? '!=' : '=='} ${value}`
  return `${words} & (${given.mask.join('|')}) ${isNegative ? '!=' : '=='} ${value}`
}

function timeText({ from, to }: TimeRange): string {
  const range = (first: string, last: string) => `"${first}"-"${last}"`
  if (timeKind.rangeOf(from).from <= timeKind.rangeOf(to).from) return range(from, to)
  return `{ ${range('00:00', to)}, ${range(from, '23:59:59')} }`
}

function valuesText(field: Field, words: string, given: unknown, isNegative: boolean, context: MatchContext): string {
  if (isInSet(given)) return `${words} ${isNegative ? '!= ' : ''}@${given.in}`
  if (typeof given === 'object' && given !== null && 'mask' in given) {
    const { mask, value } = given as MarkBits
    return `${words} & 0x${mask.toString(16)} ${isNegative ? '!=' : '=='} 0x${value.toString(16)}`
  }
  const kind = field.kind(context)
  const texts = listOf<unknown>(given).map((value) => (field.name === 'day' ? `"${String(value)}"` : kind.print(value)))
  const text = texts.length === 1 ? texts[0] : `{ ${texts.join(', ')} }`
  return `${words} ${isNegative ? '!= ' : ''}${text}`
}
