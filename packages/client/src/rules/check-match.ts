/** What the properties of a match, each fine by itself, can mean together, in the family and at the hook that they are for. */
import type { OptionPlace } from '@ringlink/codec/options'
import { checkKey, checkSet, useProblem } from './check-keys.ts'
import { checkNeeds, type FieldContext, type RulePosition } from './check-needs.ts'
import { type VersionHint, versionHints } from './facts.ts'
import { type Facts, type Field, fields, tcpFlagKind } from './fields/fields.ts'
import { signedTest } from './fields/property-test.ts'
import { checkOverlap, isCovered } from './fields/test.ts'
import { combinedKeys, type RuleKey } from './keys.ts'
import type { RuleFamily } from './options.ts'
import type { CombinedProperties, PropertyName, RuleMatch, TcpFlagsOf } from './properties.ts'
import { listOf } from './set.ts'
import { isInSet, typesOf } from './sets/definition.ts'
import type { RuleSets } from './sets/types.ts'

/**
 * Refuses a match that no packet meets there, or that the kernel would refuse. `keys` are those of the maps that the rule looks up. Throws
 * `OptionError`, code `ARGUMENT`.
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
    if (given === undefined || excluded === undefined || field.style === 'presence') continue
    if (isInSet(given) || isInSet(excluded)) continue
    const [wanted, others] = [signedTest(field, given, facts, false), signedTest(field, excluded, facts, true)]
    if (!isCovered(wanted.test, others.test)) continue
    throw place.member('not').member(field.name).conflict(`excludes all that match.${field.name} asks for`)
  }
}
