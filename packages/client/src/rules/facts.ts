/** What the properties of a rule say of its packets together: their IP version and protocols. */
import type { OptionPlace } from '@ringlink/codec/options'
import { addressRange } from './fields/kinds.ts'
import { protocolNumber, protocolNumbers } from './fields/names.ts'
import { combinedKeys, type RuleKey } from './keys.ts'
import type { RuleFamily } from './options.ts'
import type { CombinedProperties, RuleMatch, RuleProperties } from './properties.ts'
import { listOf } from './set.ts'
import { isInSet } from './sets/definition.ts'
import type { RuleSets, SetElementType } from './sets/types.ts'

/** A property that only packets of one IP version have. */
export interface VersionHint {
  readonly version: 4 | 6
  /** what says so, for errors */
  readonly text: string
  readonly at: OptionPlace
  /** packets are to be asked for their version because of it */
  readonly isTest: boolean
}

const PLAIN = ['sourceAddress', 'destinationAddress'] as const

/**
 * What says of which IP version the packets of a match are, the family first. `keys` are those of maps that the rule
 * looks up.
 */
export function versionHints(
  match: RuleMatch,
  family: RuleFamily,
  place: OptionPlace,
  sets: RuleSets = {},
  keys: readonly RuleKey[] = [],
): VersionHint[] {
  const hints: VersionHint[] = []
  const add = (version: 4 | 6, text: string, at: OptionPlace, isTest = true) =>
    hints.push({ version, text, at, isTest })
  if (family === 'ip' || family === 'ip6') add(family === 'ip' ? 4 : 6, `family ${family}`, place, false)
  if (match.version !== undefined) add(match.version, `version ${match.version}`, place.member('version'))
  const addKey = ({ names, set, namesAt }: RuleKey) => {
    const types = listOf<SetElementType | undefined>(sets[set]?.type ?? [])
    for (const [index, name] of names.entries()) {
      const version = name.endsWith('Address') ? versionOf(types[index]) : undefined
      if (version !== undefined) add(version, `set ${set}`, namesAt)
    }
  }
  const sides: readonly (readonly [CombinedProperties, OptionPlace])[] = [
    [match, place],
    [match.not ?? {}, place.member('not')],
  ]
  for (const [properties, at] of sides) {
    for (const name of PLAIN) {
      const given = properties[name]
      if (isInSet(given)) {
        const [type] = listOf<SetElementType | undefined>(sets[given.in]?.type)
        const version = versionOf(type)
        if (version !== undefined) add(version, `set ${given.in}`, at.member(name))
        continue
      }
      for (const text of listOf(given ?? [])) {
        const version = addressRange(text)?.version
        if (version !== undefined) add(version, text, at.member(name))
      }
    }
    if (properties.ttl !== undefined) add(4, 'ttl', at.member('ttl'))
    for (const name of ['hopLimit', 'nextHeader'] as const)
      if (properties[name] !== undefined) add(6, name, at.member(name))
    combinedKeys(properties, at).forEach(addKey)
  }
  keys.forEach(addKey)
  const hasMessages = [match, match.not ?? {}].some(
    ({ icmpType, icmpCode }) => icmpType !== undefined || icmpCode !== undefined,
  )
  const protocols = protocolsOf(match)
  const [only] = protocols
  if (protocols.length === 1 && (only === protocolNumbers.icmp || only === protocolNumbers.icmpv6)) {
    const isIcmp = only === protocolNumbers.icmp
    add(isIcmp ? 4 : 6, `protocol ${isIcmp ? 'icmp' : 'icmpv6'}`, place.member('protocol'), hasMessages)
  }
  return hints
}

function versionOf(type: SetElementType | undefined): 4 | 6 | undefined {
  return type === 'ipv4' ? 4 : type === 'ipv6' ? 6 : undefined
}

/** Numbers of the protocols that a match is for; none where it is for all. */
export function protocolsOf({ protocol }: RuleProperties): readonly number[] {
  return protocol === undefined ? [] : listOf(protocol).map(protocolNumber)
}
