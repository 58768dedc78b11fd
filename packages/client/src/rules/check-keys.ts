/** Checks that properties are the key of the set that they are looked up in. */
import { checkNeeds, type FieldContext } from './check-needs.ts'
import { type Field, fieldsByName } from './fields/fields.ts'
import type { KeyUse, RuleKey } from './keys.ts'
import { listOf } from './set.ts'
import { typesOf } from './sets/definition.ts'
import type { RuleSets, SetElementType, SetOptions } from './sets/types.ts'

/** Refuses a key that its set cannot have. Throws `OptionError`, code `ARGUMENT`. */
export function checkKey(key: RuleKey, context: Omit<FieldContext, 'at'>): void {
  const { names, set, use, namesAt, setAt } = key
  const options = checkSet(set, context.position.sets, setAt)
  const problem = useProblem(use, options)
  if (problem !== undefined) throw setAt.conflict(`${problem}, got '${set}'`)
  const types = listOf<SetElementType>(options.type)
  if (types.length !== names.length) {
    throw namesAt.conflict(
      `must be ${types.length} of them, one for each value of an element of set ${set}; got ${names.length}`,
    )
  }
  for (const [index, name] of names.entries()) {
    const at = names.length === 1 ? namesAt : namesAt.element(index)
    const type = types[index] as SetElementType
    if (!typesOf(name).includes(type)) throw at.conflict(`${name} is never of type ${type}, which set ${set} has here`)
    checkNeeds(fieldsByName.get(name) as Field, { ...context, at })
    if (use === 'added') checkVersion(type, set, context, at)
  }
}

/** The set with that name. Throws code `ARGUMENT` where there is none. */
export function checkSet(name: string, sets: RuleSets, at: FieldContext['at']): SetOptions {
  const options = Object.hasOwn(sets, name) ? sets[name] : undefined
  if (options !== undefined) return options
  const known = Object.keys(sets)
  const list = known.length === 0 ? 'there is none' : `there are ${known.join(', ')}`
  throw at.conflict(`must be a set of sets, got '${name}': ${list}`)
}

/** What the set must be and is not. */
export function useProblem(use: KeyUse, { to, dynamic }: SetOptions): string | undefined {
  if (use === 'match') return to === undefined ? undefined : 'must be a set, not a map'
  if (use === 'added') return dynamic === true ? undefined : 'needs a set that is dynamic'
  return to === use ? undefined : `must be a map with to: '${use}'`
}

/** What adds an address must be for packets of its version: others would go through the rest of the rule. */
function checkVersion(
  type: SetElementType,
  set: string,
  { facts }: Omit<FieldContext, 'at'>,
  at: FieldContext['at'],
): void {
  const expected = type === 'ipv4' ? 4 : type === 'ipv6' ? 6 : undefined
  if (expected === undefined || facts.version === expected) return
  throw at.conflict(`needs packets of IPv${expected}, whose addresses are in set ${set}: set match.version`)
}
