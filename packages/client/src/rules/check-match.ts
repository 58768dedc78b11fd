/**
 * What the properties of a match, each fine by itself, can mean together, in the family and at the hook that they are
 * for.
 */
import type { OptionPlace } from '@ringlink/codec/options'
import { checkKey, checkSet, useProblem } from './check-keys.ts'
import { checkNeeds, type FieldContext, type RulePosition } from './check-needs.ts'
import { type VersionHint, versionHints } from './facts.ts'
import { etherTypeKind, type Facts, type Field, fields, tcpFlagKind } from './fields/fields.ts'
import { bitsOf, connectionStateBits } from './fields/names.ts'
import { signedTest } from './fields/property-test.ts'
import { checkOverlap, isCovered, type PropertyTest } from './fields/test.ts'
import { combinedKeys, type RuleKey } from './keys.ts'
import type { RuleFamily } from './options.ts'
import type { CombinedProperties, EtherType, PropertyName, RuleMatch, TcpFlagsOf } from './properties.ts'
import { listOf } from './set.ts'
import { isInSet, typesOf } from './sets/definition.ts'
import type { RuleSets } from './sets/types.ts'

/**
 * Refuses a match that no packet meets there, or that the kernel would refuse. `keys` are those of the maps that the
 * rule looks up. Throws `OptionError`, code `ARGUMENT`.
 */
export function checkMatch(
  match: RuleMatch,
  position: RulePosition,
  place: OptionPlace,
  keys: readonly RuleKey[] = [],
): Facts {
  const facts = checkVersions(match, position, place, keys)
  const sides: readonly (readonly [CombinedProperties, OptionPlace])[] = [
    [match, place],
    [match.not ?? {}, place.member('not')],
  ]
  for (const [properties, at] of sides) {
    for (const field of fields) {
      const given: unknown = properties[field.name]
      if (given !== undefined) checkField(field, given, { match, facts, position, at: at.member(field.name) })
    }
    for (const key of combinedKeys(properties, at)) checkKey(key, { match, facts, position })
  }
  for (const key of keys) checkKey(key, { match, facts, position })
  if (match.not?.socket === 'existing') {
    throw place.member('not').member('socket').conflict("cannot be 'existing': packets without a socket cannot be told")
  }
  checkContradictions(match, facts, place)
  checkConnection(match, place)
  checkEtherType(match, facts, place)
  return facts
}

function checkField(field: Field, given: unknown, context: FieldContext): void {
  const { facts, at, position } = context
  if (isInSet(given)) checkInSet(field.name, given.in, position.sets, at)
  checkNeeds(field, context)
  const { style } = field
  if (isInSet(given)) return
  if (style === 'values' || (style === 'mark' && !isBits(given))) {
    if (field.name === 'icmpType') checkMessageNames(field, given, facts, at)
    checkOverlap(field.kind(facts), given, at)
  } else if (style === 'flags' && isFlagsOf(given)) checkFlags(given, at)
  else if (style === 'bits' || style === 'flags') checkOverlap(field.kind(facts), given, at)
}

function checkInSet(name: PropertyName, set: string, sets: RuleSets, at: OptionPlace): void {
  const options = checkSet(set, sets, at.member('in'))
  const problem = useProblem('match', options)
  if (problem !== undefined) throw at.member('in').conflict(`${problem}, got '${set}'`)
  const types = typesOf(name)
  if (types.some((type) => type === options.type)) return
  const text = listOf(options.type).join(' . ')
  throw at.member('in').conflict(`must be a set of type ${types.join(' or ')}, got '${set}' of type ${text}`)
}

function isBits(given: unknown): boolean {
  return typeof given === 'object' && given !== null && 'mask' in given
}

function isFlagsOf(given: unknown): given is TcpFlagsOf {
  return typeof given === 'object' && given !== null && 'flags' in given
}

function checkFlags({ flags, mask }: TcpFlagsOf, at: OptionPlace): void {
  checkOverlap(tcpFlagKind, flags, at.member('flags'))
  checkOverlap(tcpFlagKind, mask, at.member('mask'))
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

function checkVersions(
  match: RuleMatch,
  { family, sets }: RulePosition,
  place: OptionPlace,
  keys: readonly RuleKey[],
): Facts {
  const hints = versionHints(match, family, place, sets, keys)
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
    if (excluded === undefined || isInSet(given) || isInSet(excluded)) continue
    const at = place.member('not').member(field.name)
    if (field.style === 'presence') {
      if (given === excluded) throw at.conflict(`excludes all that match.${field.name} asks for`)
      continue
    }
    const others = signedTest(field, excluded, facts, true).test
    if (given === undefined) {
      if (isCovered(everyValue(field, facts), others)) throw at.conflict('excludes every value that packets have')
    } else if (isCovered(signedTest(field, given, facts, false).test, others)) {
      throw at.conflict(`excludes all that match.${field.name} asks for`)
    }
  }
}

/** The test that all packets pass. */
function everyValue(field: Field, facts: Facts): PropertyTest {
  // A packet has one state.
  if (field.name === 'ctState') return { kind: 'bits', bits: EVERY_STATE }
  const { length, domain } = field.kind(facts)
  return { kind: 'ranges', ranges: [domain ?? { from: 0n, to: (1n << BigInt(length * 8)) - 1n }] }
}

const EVERY_STATE = BigInt(bitsOf(Object.keys(connectionStateBits), connectionStateBits))
/** States of packets that have no connection, and so none of its properties. */
const WITHOUT_CONNECTION: readonly unknown[] = ['invalid', 'untracked']

/** Refuses what only a connection has where packets are to have none. */
function checkConnection(match: RuleMatch, place: OptionPlace): void {
  const { ctState, not = {} } = match
  if (ctState === undefined || !listOf<unknown>(ctState).every((it) => WITHOUT_CONNECTION.includes(it))) return
  for (const { name, needs } of fields) {
    if (name === 'ctState' || !needs.includes('connection')) continue
    const at =
      match[name] !== undefined
        ? place.member(name)
        : not[name] !== undefined
          ? place.member('not').member(name)
          : undefined
    if (at !== undefined)
      throw at.conflict(`belongs to a connection, and packets of state ${listOf(ctState).join(' or ')} have none`)
  }
}

/** EtherTypes of the packets of an IP version. */
const ETHER_TYPES = { 4: 'ip', 6: 'ip6' } as const

/** Refuses EtherTypes of which none is that of the IP version. */
function checkEtherType({ etherType }: RuleMatch, { version }: Facts, place: OptionPlace): void {
  if (etherType === undefined || version === undefined) return
  const own = etherTypeKind.rangeOf(ETHER_TYPES[version]).from
  // A tagged frame says what is in it after the tag.
  const vlan = etherTypeKind.rangeOf('vlan').from
  const types = listOf<EtherType>(etherType).map((type) => etherTypeKind.rangeOf(type).from)
  if (types.some((type) => type === own || type === vlan || type === SERVICE_TAG)) return
  throw place.member('etherType').conflict(`never occurs in a packet of IPv${version}, which this rule is for`)
}

/** ETH_P_8021AD */
const SERVICE_TAG = 0x88a8n
