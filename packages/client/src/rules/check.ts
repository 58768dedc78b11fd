/** Checks which options of a rule can be combined, with each other and with the family and hook. */
import { HookPriority } from '@ringlink/codec'
import type { OptionPlace } from '@ringlink/codec/options'
import type { RuleChain } from './chains.ts'
import { checkKey } from './check-keys.ts'
import { checkMatch } from './check-match.ts'
import type { RulePosition } from './check-needs.ts'
import { protocolsOf } from './facts.ts'
import type { Facts } from './fields/fields.ts'
import { protocolNumbers } from './fields/names.ts'
import { addedKeys, mapKeys } from './keys.ts'
import type { FirewallRule } from './options.ts'
import { rejectVersion } from './reject.ts'

/**
 * Refuses a rule that the kernel would refuse, or that could never do what it says. Throws `OptionError`, code
 * `ARGUMENT`.
 */
export function checkRule(
  place: OptionPlace,
  rule: FirewallRule,
  { family, sets }: Pick<RulePosition, 'family' | 'sets'>,
  { base }: RuleChain,
): void {
  const position = { family, sets, hook: base?.hook, priority: base?.priority }
  const { match = {} } = rule
  const facts = checkMatch(match, position, place.member('match'), mapKeys(rule, place))
  checkLimit(rule, position, facts, place)
  for (const key of addedKeys(rule, place)) checkKey(key, { match, facts, position })
  checkChanges(rule, position, facts, place)
  checkQueue(rule, position, place)
  checkDecision(rule, position, facts, place)
}

const NEEDS_VERSION = 'needs an IP version: set match.version, or use family ip or ip6'

function checkLimit({ limit }: FirewallRule, { family }: RulePosition, { version }: Facts, place: OptionPlace): void {
  if (limit?.by === undefined) return
  const at = place.member('limit').member('by')
  if (family === 'arp') throw at.conflict('is not possible in family arp, whose packets have no IP addresses')
  if (version === undefined) throw at.conflict(NEEDS_VERSION)
}

function checkChanges(rule: FirewallRule, position: RulePosition, { version }: Facts, place: OptionPlace): void {
  const { setMark, setCtMark, setDscp, notrack } = rule
  const { family, priority, hook } = position
  const isInternet = family === 'ip' || family === 'ip6' || family === 'inet'
  if (setDscp !== undefined && version === undefined) throw place.member('setDscp').conflict(NEEDS_VERSION)
  for (const [name, isUsed] of [
    ['setMark', setMark === 'connection'],
    ['setCtMark', setCtMark !== undefined],
  ] as const) {
    if (!isUsed) continue
    if (family === 'arp' || family === 'netdev') {
      throw place.member(name).conflict(`is not possible in family ${family}, whose packets have no connection`)
    }
    if (priority !== undefined && family !== 'bridge' && priority <= HookPriority.Conntrack) {
      const where = `priority ${priority}, which is before connection tracking (${HookPriority.Conntrack})`
      throw place.member(name).conflict(`is not possible at ${where}: packets have no connection there`)
    }
  }
  if (notrack !== true) return
  const at = place.member('notrack')
  if (!isInternet) throw at.conflict(`is not possible in family ${family}: it is for ip, ip6 and inet`)
  if (hook !== undefined && hook !== 'prerouting' && hook !== 'output') {
    throw at.conflict(`is not possible at hook ${hook}: connections begin at prerouting and output`)
  }
  if (priority !== undefined && priority >= HookPriority.Conntrack) {
    throw at.conflict(`needs a priority before connection tracking (${HookPriority.Conntrack}), as 'raw'`)
  }
}

function checkQueue({ queue, bypass, fanout }: FirewallRule, { family, hook }: RulePosition, place: OptionPlace): void {
  if (queue === undefined) {
    for (const [name, value] of Object.entries({ bypass, fanout })) {
      if (value === true) throw place.member(name).conflict('belongs to a queue, and queue is missing')
    }
    return
  }
  if (fanout === true && (typeof queue === 'number' || queue.from === queue.to)) {
    throw place.member('fanout').conflict('needs a range of queues; one cannot be spread over')
  }
  const at = place.member('queue')
  if (family === 'netdev' || family === 'arp') {
    throw at.conflict(`is not possible in family ${family}: the kernel does not queue its packets`)
  }
  if (hook === 'ingress') throw at.conflict('is not possible at hook ingress: the kernel does not queue packets there')
}

const DECISIONS = ['queue', 'reject', 'jump', 'goto', 'verdict'] as const

function checkDecision(rule: FirewallRule, position: RulePosition, facts: Facts, place: OptionPlace): void {
  const [first, second] = DECISIONS.filter((name) => rule[name] !== undefined)
  if (first !== undefined && second !== undefined) {
    throw place.member(second).conflict(`cannot go with ${first}: the ${first} decides`)
  }
  checkReject(rule, position, facts, place)
}

function checkReject(
  { reject, match }: FirewallRule,
  { family, hook }: RulePosition,
  { version }: Facts,
  place: OptionPlace,
): void {
  if (reject === undefined) return
  const at = place.member('reject')
  if (family === 'arp') throw at.conflict('is not possible in family arp: there is nobody to tell')
  if (reject === 'tcp-reset') {
    const protocols = protocolsOf(match ?? {})
    if (protocols.length !== 1 || protocols[0] !== protocolNumbers.tcp) {
      throw at.conflict("'tcp-reset' needs match.protocol 'tcp'")
    }
  }
  const own = rejectVersion(reject)
  if (own !== undefined && version !== own) {
    const name = own === 4 ? 'icmp' : 'icmpv6'
    throw at
      .member(name)
      .conflict(`needs packets of IPv${own}: set match.version, or use family ${own === 4 ? 'ip' : 'ip6'}`)
  }
  const hooks =
    family === 'netdev'
      ? ['ingress']
      : family === 'bridge'
        ? ['prerouting', 'input']
        : ['prerouting', 'input', 'forward', 'output']
  if (hook === undefined || hooks.includes(hook)) return
  throw at.conflict(`is not possible at hook ${hook} of family ${family}, only at ${hooks.join(', ')}`)
}
