/** A limit for each address: a set that the rule adds addresses to, of which each has a limit of its own. */
import { DynamicSetOperation, type Expression, type ExpressionData, SetFlag } from '@ringlink/codec'
import { type Facts, type Field, fieldsByName } from './fields/fields.ts'
import { REGISTER } from './fields/load.ts'
import type { RuleAddTo, RuleLimit } from './options.ts'
import type { SetProperty } from './properties.ts'
import { listOf, type RuleSet } from './set.ts'
import { loadKey } from './sets/load-key.ts'
import type { RuleSets, SetOptions } from './sets/types.ts'

const MOST_ADDRESSES = 0xffff
/** An address is forgotten once its limit is full again, and not sooner than this. */
const SHORTEST_MEMORY = 60_000

/** The rule that has the limit. */
export interface LimitContext {
  readonly facts: Facts
  /** its index */
  readonly index: number
  nextSetId(): number
}

/** The set, and the expressions that load an address and ask its limit. */
export function addressLimit(
  { by = 'sourceAddress', burst = 0, rate, set: name }: RuleLimit,
  data: ExpressionData<'limit'>,
  seconds: number,
  { facts, index, nextSetId }: LimitContext,
): { readonly set: RuleSet; readonly load: Expression; readonly update: Expression } {
  const field = fieldsByName.get(by) as Field
  const { load, length, order } = field.form(facts)
  const id = nextSetId()
  const timeToFill = Math.ceil(((burst + rate) / rate) * seconds * 1000)
  const set: RuleSet = {
    id,
    name: name ?? `limit-${index}`,
    key: { type: field.kind(facts).type, length, order },
    flags: SetFlag.Evaluated | SetFlag.Timeout,
    elements: [],
    size: MOST_ADDRESSES,
    timeout: Math.max(SHORTEST_MEMORY, timeToFill),
  }
  const update: Expression = {
    name: 'dynset',
    data: {
      set: set.name,
      setId: id,
      operation: DynamicSetOperation.Update,
      keyRegister: REGISTER,
      expression: { name: 'limit', data },
    },
  }
  return { set, load: load[0] as Expression, update }
}

/** The expressions that add properties of the packet to a set. */
export function addToSet({ set, by, timeout, refresh = true }: RuleAddTo, facts: Facts, named: RuleSets): Expression[] {
  const time = timeout === undefined ? {} : { timeout: BigInt(timeout) }
  const operation = refresh ? DynamicSetOperation.Update : DynamicSetOperation.Add
  return [
    ...loadKey(listOf<SetProperty>(by), facts, named[set] as SetOptions),
    { name: 'dynset', data: { set, operation, keyRegister: REGISTER, ...time } },
  ]
}
