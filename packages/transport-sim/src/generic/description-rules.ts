/**
 * The kernel's checks that follow from a table of attributes: what a family without a policy of its own would check.
 */
import { type AttributeSet, PolicyType, type SettledFormat, type SingleFormat, type UnionFormat } from '@ringlink/codec'
import type { AttributeRule, AttributeRules } from '../netlink/attribute-rules.ts'

const unsigned = { 1: PolicyType.U8, 2: PolicyType.U16, 4: PolicyType.U32, 8: PolicyType.U64 } as const
const signed = { 1: PolicyType.S8, 2: PolicyType.S16, 4: PolicyType.S32, 8: PolicyType.S64 } as const
/** The longest payload of an attribute, which is not a bound of its own. */
const UNBOUNDED = 65531 - 1

const known = new WeakMap<AttributeSet, AttributeRules>()

/** The rules of a set; with `names`, of those members only. */
export function rulesOfSet(set: AttributeSet, names?: readonly string[]): AttributeRules {
  if (names !== undefined) return makeRules(set, names, new Map())
  const made = known.get(set)
  if (made !== undefined) return made
  const rules = new Map<number, AttributeRule>()
  // Noted before its members are, for sets that are within themselves.
  known.set(set, { maximum: Math.max(0, set.names.length - 1), rules })
  return makeRules(set, Object.keys(set.members), rules)
}

function makeRules(set: AttributeSet, names: readonly string[], rules: Map<number, AttributeRule>): AttributeRules {
  let maximum = 0
  for (const name of names) {
    const attribute = Object.hasOwn(set.members, name) ? set.members[name] : undefined
    if (attribute === undefined) throw new TypeError(`${set.name} has no attribute ${name}`)
    maximum = Math.max(maximum, attribute.number)
    const rule = ruleOf(attribute.format)
    if (rule !== undefined) rules.set(attribute.number, rule)
  }
  return { maximum, rules }
}

function ruleOf(format: SettledFormat | UnionFormat): AttributeRule | undefined {
  switch (format.kind) {
    case 'padding':
      return undefined
    case 'union':
    case 'list':
    case 'indexed':
    case 'type-value':
    case 'sequence':
      return { type: PolicyType.Nested }
    case 'multi':
      return ruleOf(format.element)
    default:
      return singleRule(format)
  }
}

type PlainFormat = Exclude<
  SingleFormat,
  { readonly kind: 'padding' | 'list' | 'indexed' | 'type-value' | 'sequence' | 'multi' }
>

function singleRule(format: PlainFormat): AttributeRule {
  switch (format.kind) {
    case 'flag':
      return { type: PolicyType.Flag }
    case 'integer':
      return { type: (format.signed ? signed : unsigned)[format.size] }
    case 'variable':
      return { type: format.signed ? PolicyType.Sint : PolicyType.Uint }
    case 'text':
      return { type: PolicyType.TerminatedString, longest: format.maximum >= UNBOUNDED ? undefined : format.maximum }
    case 'bytes': {
      const longest = format.maximum >= UNBOUNDED ? undefined : format.maximum
      return { type: PolicyType.Binary, shortest: format.minimum === 0 ? undefined : format.minimum, longest }
    }
    case 'struct':
      return { type: PolicyType.Binary, shortest: format.minimum ?? format.size }
    case 'array':
      return { type: PolicyType.Binary }
    case 'body':
      return { type: PolicyType.Nested }
    case 'nested':
      return { type: PolicyType.Nested, nest: rulesOfSet(format.set()) }
  }
}
