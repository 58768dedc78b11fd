/** Rules written in nft's words. */
import { OptionPlace } from '@ringlink/codec/options'
import { versionHints } from '../facts.ts'
import { isMapLookUp, mapKeys } from '../keys.ts'
import type {
  FirewallRule,
  LogRule,
  MapLookUp,
  QueueRule,
  RuleAddTo,
  RuleFamily,
  RuleLimit,
  RuleLog,
  RuleReject,
} from '../options.ts'
import type { MarkBits, RuleMatch, SetProperty } from '../properties.ts'
import { listOf } from '../set.ts'
import type { RuleSets } from '../sets/types.ts'
import { formatMatch, keyText, type MatchContext } from './format-match.ts'
import { priorityWords } from './words.ts'

/** How a rule is written. */
export interface FormatOptions {
  /** the family that it is for, where the rule does not say it; default 'inet' */
  readonly family?: RuleFamily | undefined
  /**
   * the sets that it looks up: their types say of which IP version addresses are. Default: as `match.version` says, or
   * IPv4
   */
  readonly sets?: RuleSets | undefined
}

const NOWHERE = new OptionPlace('write a rule')

/**
 * A rule in nft's words, as `parseRule` reads it: `output udp dport 53 counter drop`. The counter that each rule has is
 * left out. For a log's rule, the members of `log` are left out, because the group is not known.
 */
export function formatRule(rule: FirewallRule | QueueRule | LogRule, options: FormatOptions = {}): string {
  const own = rule as FirewallRule & { readonly family?: RuleFamily | undefined }
  const family = own.family ?? options.family ?? 'inet'
  const { match = {} } = own
  const version = versionHints(match, family, NOWHERE, options.sets, mapKeys(own, NOWHERE))[0]?.version
  const network = version === 6 ? 'ip6' : 'ip'
  const context: MatchContext = { version, family }
  const words = [
    own.family,
    own.chain === undefined ? own.hook : `chain ${nameText(own.chain)}`,
    own.device === undefined ? undefined : `device "${own.device}"`,
    own.priority === undefined ? undefined : `priority ${priorityText(own.priority)}`,
    formatMatch(match, context),
    own.limit === undefined ? undefined : limitText(own.limit, network),
    own.quota === undefined ? undefined : `quota ${own.quota.over === true ? 'over ' : ''}${own.quota.bytes} bytes`,
    own.counter === undefined ? undefined : `counter name "${own.counter}"`,
    own.log === undefined || own.log.group === undefined ? undefined : logText(own.log),
    own.addTo === undefined ? undefined : addToText(own.addTo, match, context),
    own.setMark === undefined ? undefined : `meta mark set ${markText(own.setMark, 'meta mark', match, context)}`,
    own.setCtMark === undefined ? undefined : `ct mark set ${markText(own.setCtMark, 'ct mark', match, context)}`,
    own.setPriority === undefined ? undefined : `meta priority set ${classText(own.setPriority)}`,
    own.setDscp === undefined ? undefined : `${network} dscp set ${own.setDscp}`,
    own.notrack === true ? 'notrack' : undefined,
    ...decisionWords(own, family),
    isMapLookUp(own.verdict) ? mapText(own.verdict, 'vmap', match, context) : own.verdict,
  ]
  return words.filter((it) => it !== undefined && it !== '').join(' ')
}

function decisionWords(rule: FirewallRule, family: RuleFamily): (string | undefined)[] {
  const { queue, bypass, fanout, reject, jump, goto } = rule
  const flags = [bypass === true ? 'bypass' : undefined, fanout === true ? 'fanout' : undefined]
    .filter(Boolean)
    .join(',')
  const numbers = typeof queue === 'object' ? `${queue.from}-${queue.to}` : queue
  const isOneVersion = family === 'ip' || family === 'ip6'
  const icmp = family === 'ip' ? 'icmp' : family === 'ip6' ? 'icmpv6' : 'icmpx'
  const reasons = family === 'ip' ? ipv4Reasons : family === 'ip6' ? ipv6Reasons : undefined
  const reason = typeof reject === 'string' ? ((isOneVersion ? reasons?.[reject] : undefined) ?? reject) : ''
  return [
    queue === undefined
      ? undefined
      : `queue ${flags === '' ? '' : `flags ${flags} to `}${flags === '' ? `num ${numbers}` : numbers}`,
    reject === undefined
      ? undefined
      : reject === 'tcp-reset'
        ? 'reject with tcp reset'
        : `reject with ${typeof reject === 'object' ? codeText(reject) : `${icmp} type ${reason}`}`,
    jump === undefined ? undefined : `jump ${nameText(jump)}`,
    goto === undefined ? undefined : `goto ${nameText(goto)}`,
  ]
}

function codeText(reject: Extract<RuleReject, object>): string {
  return 'icmp' in reject ? `icmp type ${reject.icmp}` : `icmpv6 type ${reject.icmpv6}`
}

const ipv4Reasons: Readonly<Record<string, string>> = { 'no-route': 'net-unreachable' }
const ipv6Reasons: Readonly<Record<string, string>> = { 'host-unreachable': 'addr-unreachable' }

/** A name as nft takes it without quotation marks, or in them. */
function nameText(name: string): string {
  return /^[A-Za-z][\w/\\.-]*$/.test(name) ? name : `"${name}"`
}

function priorityText(priority: NonNullable<FirewallRule['priority']>): string {
  return Object.entries(priorityWords).find(([, own]) => own === priority)?.[0] ?? String(priority)
}

function limitText({ rate, per, burst, over, by, set = 'limit' }: RuleLimit, network: string): string {
  const packets = burst === undefined ? '' : ` burst ${burst} packets`
  const limit = `limit rate ${over === true ? 'over ' : ''}${rate}/${per}${packets}`
  if (by === undefined) return limit
  return `update @${set} { ${network} ${by === 'sourceAddress' ? 'saddr' : 'daddr'} ${limit} }`
}

function addToText({ set, by, timeout, refresh = true }: RuleAddTo, match: RuleMatch, context: MatchContext): string {
  const time = timeout === undefined ? '' : ` timeout ${timeout}ms`
  return `${refresh ? 'update' : 'add'} @${set} { ${keyText(listOf<SetProperty>(by), match, context)}${time} }`
}

function mapText({ map, by }: MapLookUp, word: 'map' | 'vmap', match: RuleMatch, context: MatchContext): string {
  return `${keyText(listOf<SetProperty>(by), match, context)} ${word} @${map}`
}

function logText({ group, prefix, copyRange, threshold }: RuleLog): string {
  return [
    'log',
    prefix === undefined || prefix === '' ? undefined : `prefix "${prefix}"`,
    `group ${group}`,
    copyRange === undefined ? undefined : `snaplen ${copyRange}`,
    threshold === undefined ? undefined : `queue-threshold ${threshold}`,
  ]
    .filter((it) => it !== undefined)
    .join(' ')
}

function markText(
  mark: number | MarkBits | 'connection' | 'packet' | MapLookUp,
  own: string,
  match: RuleMatch,
  context: MatchContext,
): string {
  if (isMapLookUp(mark)) return mapText(mark, 'map', match, context)
  if (mark === 'connection') return 'ct mark'
  if (mark === 'packet') return 'meta mark'
  if (typeof mark === 'number') return hex(mark)
  return `${own} & ${hex(~mark.mask >>> 0)} | ${hex(mark.value)}`
}

function hex(value: number): string {
  return `0x${value.toString(16)}`
}

function classText(priority: number): string {
  return `${(priority >>> 16).toString(16)}:${(priority & 0xffff).toString(16)}`
}
