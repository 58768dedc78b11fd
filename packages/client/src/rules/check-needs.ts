/** What a property needs of the rest of its rule, and of the place that the rule is at. */
import { HookPriority } from '@ringlink/codec'
import type { OptionPlace } from '@ringlink/codec/options'
import { protocolsOf } from './facts.ts'
import type { Facts, Field, Need } from './fields/fields.ts'
import { portProtocols, protocolNumbers } from './fields/names.ts'
import type { RuleFamily, RuleHook } from './options.ts'
import type { RuleMatch } from './properties.ts'
import type { RuleSets } from './sets/types.ts'

/** Where a rule is. */
export interface RulePosition {
  readonly family: RuleFamily
  /** `undefined` in a chain that rules jump to: the kernel decides about each of their hooks */
  readonly hook: RuleHook | undefined
  readonly priority: number | undefined
  readonly sets: RuleSets
}

/** A property of a rule that is checked. */
export interface FieldContext {
  readonly match: RuleMatch
  readonly facts: Facts
  readonly position: RulePosition
  readonly at: OptionPlace
}

/** Refuses a property that no packet of the rule has. Throws `OptionError`, code `ARGUMENT`. */
export function checkNeeds(field: Field, context: FieldContext): void {
  const { at, position } = context
  if (position.family === 'arp') checkArp(field, at)
  for (const need of field.needs) needChecks[need]?.(context)
}

const WITHOUT_ARP: readonly Need[] = ['version', 'ipv4', 'ipv6', 'ports', 'icmp', 'tcp', 'owner', 'socket', 'arriving']

function checkArp({ needs, name }: Field, at: OptionPlace): void {
  if (name !== 'protocol' && !needs.some((need) => WITHOUT_ARP.includes(need))) return
  const problem = name.endsWith('Address')
    ? 'never occurs in a packet of family arp'
    : 'cannot be matched in family arp, whose packets have none'
  throw at.conflict(problem)
}

const INTERNET: readonly RuleFamily[] = ['ip', 'ip6', 'inet']

const needChecks: Readonly<Partial<Record<Need, (context: FieldContext) => void>>> = {
  version: ({ facts, at }) => {
    if (facts.version !== undefined) return
    throw at.conflict('needs an IP version: set match.version, or use family ip or ip6')
  },
  ports: ({ match, at }) => {
    needProtocol(match, at, portProtocols, 'a protocol that has ports (tcp, udp, udplite, sctp, dccp)')
  },
  tcp: ({ match, at }) => needProtocol(match, at, [protocolNumbers.tcp], 'protocol tcp'),
  icmp: ({ match, at }) => {
    needProtocol(match, at, [protocolNumbers.icmp, protocolNumbers.icmpv6], 'protocol icmp or icmpv6')
    if (protocolsOf(match).length > 1)
      throw at.conflict('needs protocol icmp or icmpv6, and not both: use a rule for each')
  },
  input: ({ position: { hook }, at }) => {
    if (hook === 'output' || hook === 'egress') {
      throw at.conflict(`cannot be matched at hook ${hook}: the packet did not arrive on a device`)
    }
  },
  output: ({ position: { hook }, at }) => {
    if (hook === 'prerouting' || hook === 'input' || hook === 'ingress') {
      throw at.conflict(`cannot be matched at hook ${hook}: the packet has not been routed to a device yet`)
    }
  },
  ethernet: ({ position: { family, hook }, at }) => {
    if (family === 'bridge' || family === 'netdev') return
    if (hook === 'output' || hook === 'postrouting' || family === 'arp') {
      throw at.conflict(
        `cannot be matched at hook ${hook} of family ${family}: the packet has no Ethernet header there`,
      )
    }
  },
  connection: ({ position: { family, priority }, at }) => {
    if (family === 'arp' || family === 'netdev') {
      throw at.conflict(`cannot be matched in family ${family}, whose packets have no connection`)
    }
    if (priority === undefined || !isBeforeTracking(family, priority)) return
    throw at.conflict(`cannot be matched at ${untracked(priority)}`)
  },
  arriving: ({ position: { family, hook }, at }) => {
    if (INTERNET.includes(family) && isOneOf(hook, ['prerouting', 'input', 'forward'])) return
    throw at.conflict(
      `cannot be matched at hook ${hook} of family ${family}: it is for prerouting, input and forward of ip, ip6 and inet`,
    )
  },
  socket: ({ position: { family, hook }, at }) => {
    if (INTERNET.includes(family) && isOneOf(hook, ['prerouting', 'input'])) return
    throw at.conflict(
      `cannot be matched at hook ${hook} of family ${family}: it is for prerouting and input of ip, ip6 and inet`,
    )
  },
}

/** Whether a hook may be one of these. */
function isOneOf(hook: RuleHook | undefined, hooks: readonly RuleHook[]): boolean {
  return hook === undefined || hooks.includes(hook)
}

function needProtocol(match: RuleMatch, at: OptionPlace, numbers: readonly number[], what: string): void {
  const given = protocolsOf(match)
  const stranger = given.find((number) => !numbers.includes(number))
  if (given.length > 0 && stranger === undefined) return
  const name = Object.entries(protocolNumbers).find(([, number]) => number === stranger)?.[0] ?? stranger
  throw at.conflict(`needs ${what}, and ${given.length === 0 ? 'match.protocol is missing' : `${name} does not`}`)
}

/** Whether packets have no connection yet in a chain of this priority. */
export function isBeforeTracking(family: RuleFamily, priority: number): boolean {
  return family !== 'bridge' && priority <= HookPriority.Conntrack
}

/** Says where that is. */
export function untracked(priority: number): string {
  return `priority ${priority}, which is before connection tracking (${HookPriority.Conntrack}): packets have no connection there`
}
