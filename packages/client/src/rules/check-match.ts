/** What the properties of a match, each fine by itself, can mean together, in the family and at the hook that they are for. */
import { HookPriority } from '@ringlink/codec'
import type { OptionPlace } from '@ringlink/codec/options'
import { protocolsOf, type VersionHint, versionHints } from './facts.ts'
import { type Facts, type Field, fields, type Need, tcpFlagKind } from './fields/fields.ts'
import { portProtocols, protocolNumbers } from './fields/names.ts'
import { signedTest } from './fields/property-test.ts'
import { checkOverlap, isCovered } from './fields/test.ts'
import type { RuleFamily, RuleHook } from './options.ts'
import type { PropertyName, RuleMatch, RuleProperties, TcpFlagsOf } from './properties.ts'
import { isInSet, type RuleSets, typesOf } from './sets/definition.ts'

/** Where a rule is. */
export interface RulePosition {
  readonly family: RuleFamily
  /** `undefined` in a chain that rules jump to: the kernel decides about each of their hooks */
  readonly hook: RuleHook | undefined
  readonly priority: number | undefined
  readonly sets: RuleSets
}

/** Refuses a match that no packet meets there, or that the kernel would refuse. Throws `OptionError`, code `ARGUMENT`. */
export function checkMatch(match: RuleMatch, position: RulePosition, place: OptionPlace): Facts {
  const facts = checkVersions(match, position, place)
  const sides: readonly (readonly [RuleProperties, OptionPlace])[] = [
    [match, place],
    [match.not ?? {}, place.member('not')],
  ]
  for (const [properties, at] of sides) {
    for (const field of fields) {
      const given: unknown = properties[field.name]
      if (given !== undefined) checkField(field, given, { match, facts, position, at: at.member(field.name) })
    }
  }
  if (match.not?.socket === 'existing') {
    throw place.member('not').member('socket').conflict("cannot be 'existing': packets without a socket cannot be told")
  }
  checkContradictions(match, facts, place)
  return facts
}

interface FieldContext {
  readonly match: RuleMatch
  readonly facts: Facts
  readonly position: RulePosition
  readonly at: OptionPlace
}

function checkField(field: Field, given: unknown, context: FieldContext): void {
  const { facts, at, position } = context
  if (position.family === 'arp') checkArp(field, at)
  if (isInSet(given)) checkInSet(field.name, given.in, position.sets, at)
  for (const need of field.needs) needChecks[need]?.(context)
  if (field.name === 'protocol') checkNeedlessArp(position, at)
  const { style } = field
  if (isInSet(given)) return
  if (style === 'values' || (style === 'mark' && !isBits(given))) {
    if (field.name === 'icmpType') checkMessageNames(field, given, facts, at)
    checkOverlap(field.kind(facts), given, at)
  } else if (style === 'flags' && isFlagsOf(given)) checkFlags(given, at)
}

function checkInSet(name: PropertyName, set: string, sets: RuleSets, at: OptionPlace): void {
  const options = sets[set]
  const known = Object.keys(sets)
  if (options === undefined) {
    const list = known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`
    throw at.member('in').conflict(`must be a set of sets, got '${set}': ${list}`)
  }
  const types = typesOf(name)
  if (types.includes(options.type)) return
  throw at.member('in').conflict(`must be a set of type ${types.join(' or ')}, got '${set}' of type ${options.type}`)
}

function isBits(given: unknown): boolean {
  return typeof given === 'object' && given !== null && 'mask' in given
}

function isFlagsOf(given: unknown): given is TcpFlagsOf {
  return typeof given === 'object' && given !== null && 'flags' in given
}

function checkFlags({ flags, mask }: TcpFlagsOf, at: OptionPlace): void {
  for (const [index, flag] of flags.entries()) {
    if (mask.includes(flag)) continue
    throw at
      .member('flags')
      .element(index)
      .conflict(`must be one of mask, which has ${mask.map((it) => tcpFlagKind.print(it)).join(', ')}; got ${flag}`)
  }
}

function checkMessageNames(field: Field, given: unknown, facts: Facts, at: OptionPlace): void {
  const kind = field.kind(facts)
  const values: readonly unknown[] = Array.isArray(given) ? given : [given]
  for (const [index, value] of values.entries()) {
    if (typeof value !== 'string' || kind.parse(value) !== undefined) continue
    const place = Array.isArray(given) ? at.element(index) : at
    throw place.conflict(`${value} is not a message of ${facts.version === 6 ? 'icmpv6' : 'icmp'}`)
  }
}

const WITHOUT_ARP: readonly Need[] = ['version', 'ipv4', 'ipv6', 'ports', 'icmp', 'tcp', 'owner', 'socket', 'arriving']

function checkArp({ needs, name }: Field, at: OptionPlace): void {
  if (name !== 'protocol' && !needs.some((need) => WITHOUT_ARP.includes(need))) return
  const problem = name.endsWith('Address')
    ? 'never occurs in a packet of family arp'
    : 'cannot be matched in family arp, whose packets have none'
  throw at.conflict(problem)
}

function checkNeedlessArp({ family }: RulePosition, at: OptionPlace): void {
  if (family === 'arp') throw at.conflict('cannot be matched in family arp, whose packets have none')
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

function checkVersions(match: RuleMatch, { family, sets }: RulePosition, place: OptionPlace): Facts {
  const hints = versionHints(match, family, place, sets)
  const [first] = hints
  const other = hints.find(({ version }) => version !== first?.version)
  if (first !== undefined && other !== undefined) throw versionConflict(first, other, family)
  const { version } = match.not ?? {}
  if (version !== undefined && version === first?.version) {
    throw place
      .member('not')
      .member('version')
      .conflict(`excludes all packets: ${first.text} has IP version ${version}`)
  }
  return { version: first?.version }
}

function versionConflict(first: VersionHint, other: VersionHint, family: RuleFamily): Error {
  if (!first.isTest && first.text.startsWith('family')) {
    return other.at.conflict(`${other.text} never occurs in a packet of family ${family}`)
  }
  return other.at.conflict(`${other.text} cannot go with ${first.text}: no packet has both; use a rule for each`)
}

/** Refuses a property whose values are all excluded by `not`. */
function checkContradictions(match: RuleMatch, facts: Facts, place: OptionPlace): void {
  const { not = {} } = match
  for (const field of fields) {
    const [given, excluded]: unknown[] = [match[field.name], not[field.name]]
    if (given === undefined || excluded === undefined || field.style === 'presence') continue
    if (isInSet(given) || isInSet(excluded)) continue
    const [wanted, others] = [signedTest(field, given, facts, false), signedTest(field, excluded, facts, true)]
    if (!isCovered(wanted.test, others.test)) continue
    throw place.member('not').member(field.name).conflict(`excludes all that match.${field.name} asks for`)
  }
}

/** Whether packets have no connection yet in a chain of this priority. */
export function isBeforeTracking(family: RuleFamily, priority: number): boolean {
  return family !== 'bridge' && priority <= HookPriority.Conntrack
}

/** Says where that is. */
export function untracked(priority: number): string {
  return `priority ${priority}, which is before connection tracking (${HookPriority.Conntrack}): packets have no connection there`
}
