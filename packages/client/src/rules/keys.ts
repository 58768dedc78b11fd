/** Properties that a rule looks up together, in the set or map that has such keys. */
import type { OptionPlace } from '@ringlink/codec/options'
import { fieldsByName, type Need } from './fields/fields.ts'
import type { MapLookUp, RuleActions } from './options.ts'
import type { CombinedInSet, RuleMatch, SetProperty } from './properties.ts'
import { listOf } from './set.ts'

/** What the set must have for its elements: nothing, a verdict or a mark, or elements that rules add. */
export type KeyUse = 'match' | 'verdict' | 'mark' | 'added'

/** The key of a set, and where the rule says it. */
export interface RuleKey {
  readonly names: readonly SetProperty[]
  readonly set: string
  readonly use: KeyUse
  /** where the properties are */
  readonly namesAt: OptionPlace
  readonly setAt: OptionPlace
}

/** The keys of one side of a match. */
export function combinedKeys({ combined }: Pick<RuleMatch, 'combined'>, place: OptionPlace): RuleKey[] {
  if (combined === undefined) return []
  const at = place.member('combined')
  return listOf<CombinedInSet>(combined).map(({ of, in: set }, index) => {
    const own = Array.isArray(combined) ? at.element(index) : at
    return { names: of, set, use: 'match', namesAt: own.member('of'), setAt: own.member('in') }
  })
}

/** The keys of maps that give a rule its verdict or its marks. */
export function mapKeys({ verdict, setMark, setCtMark }: RuleActions, place: OptionPlace): RuleKey[] {
  return Object.entries({ setMark, setCtMark, verdict }).flatMap(([name, given]): RuleKey[] => {
    if (!isMapLookUp(given)) return []
    const at = place.member(name)
    const use = name === 'verdict' ? 'verdict' : 'mark'
    const names = listOf<SetProperty>(given.by)
    return [{ names, set: given.map, use, namesAt: at.member('by'), setAt: at.member('map') }]
  })
}

/** The key of the set that a rule adds to. */
export function addedKeys({ addTo }: RuleActions, place: OptionPlace): RuleKey[] {
  if (addTo === undefined) return []
  const at = place.member('addTo')
  const names = listOf<SetProperty>(addTo.by)
  return [{ names, set: addTo.set, use: 'added', namesAt: at.member('by'), setAt: at.member('set') }]
}

export function isMapLookUp(given: unknown): given is MapLookUp {
  return typeof given === 'object' && given !== null && 'map' in given
}

/** Whether one of the properties needs this of the rest of its rule. */
export function keysNeed(keys: readonly Pick<RuleKey, 'names'>[], need: Need): boolean {
  return keys.some(({ names }) => names.some((name) => fieldsByName.get(name)?.needs.includes(need) === true))
}
