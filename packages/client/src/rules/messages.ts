import {
  type AttributeSet,
  type AttributeValues,
  chainAttributes,
  type Expression,
  NewFlag,
  NfTablesMessage,
  nfnetlinkHeader,
  ruleAttributes,
  setAttributes,
  setElementListAttributes,
  TableFlag,
  tableAttributes,
  Verdict,
} from '@ringlink/codec'
import type { BatchPart } from './batch.ts'
import { familyNumbers, type RuleChain } from './chains.ts'
import type { RuleFamily } from './options.ts'
import { NETWORK_ORDER_KEYS, type RuleSet } from './set.ts'

/** The table that holds the rules. */
export interface RuleTable {
  readonly name: string
  readonly family: RuleFamily
}

type PartDescription = Pick<BatchPart, 'kind' | 'what' | 'rule' | 'flags'>

function part<Set extends AttributeSet>(
  { family }: RuleTable,
  description: PartDescription,
  type: number,
  set: Set,
  attributes: AttributeValues<Set>,
): BatchPart {
  return { ...description, type, header: nfnetlinkHeader(familyNumbers[family], 0), set, attributes }
}

/** Creates the table. An owned one must be new; another one may exist already. */
export function newTable(table: RuleTable, owned: boolean, exclusive: boolean): BatchPart {
  const flags = NewFlag.Create | (exclusive ? NewFlag.Exclusive : 0)
  const attributes = owned ? { name: table.name, flags: TableFlag.Owner } : { name: table.name }
  const description = { kind: 'table', what: `table ${table.family} ${table.name}`, flags } as const
  return part(table, description, NfTablesMessage.NewTable, tableAttributes, attributes)
}

/** Removes the table with all its contents. */
export function deleteTable(table: RuleTable): BatchPart {
  const description = { kind: 'table', what: `remove table ${table.family} ${table.name}`, flags: 0 } as const
  return part(table, description, NfTablesMessage.DeleteTable, tableAttributes, { name: table.name })
}

/**
 * Removes all rules and keeps the chains, whose removal would drop the packets waiting in the queues of the namespace.
 */
export function deleteRules(table: RuleTable): BatchPart {
  const description = { kind: 'rule', what: `remove the rules of table ${table.name}`, flags: 0 } as const
  return part(table, description, NfTablesMessage.DeleteRule, ruleAttributes, { table: table.name })
}

/** Creates a base chain with policy accept: packets continue when no rule decides. */
export function newChain(table: RuleTable, { name, hook, hookNumber, device, priority }: RuleChain): BatchPart {
  const at = device === undefined ? '' : ` of device ${device}`
  const what = `hook ${hook}${at} in family ${table.family}`
  return part(table, { kind: 'chain', what, flags: NewFlag.Create }, NfTablesMessage.NewChain, chainAttributes, {
    table: table.name,
    name,
    hook: { number: hookNumber, priority, device },
    policy: Verdict.Accept,
    type: 'filter',
  })
}

/** Creates a set of ports or addresses that belongs to rule `rule`. */
export function newSet(table: RuleTable, { id, name, key, flags, elements }: RuleSet, rule: number): BatchPart {
  const description = { kind: 'set', what: `a set of rule ${rule}`, rule, flags: NewFlag.Create } as const
  return part(table, description, NfTablesMessage.NewSet, setAttributes, {
    table: table.name,
    name,
    flags,
    keyType: key.type,
    keyLength: key.length,
    id,
    description: { size: elements.length },
    userData: NETWORK_ORDER_KEYS,
  })
}

/** Adds the elements of the set. */
export function newSetElements(table: RuleTable, { id, name, elements }: RuleSet, rule: number): BatchPart {
  const description = { kind: 'set', what: `a set of rule ${rule}`, rule, flags: NewFlag.Create } as const
  return part(table, description, NfTablesMessage.NewSetElement, setElementListAttributes, {
    table: table.name,
    set: name,
    setId: id,
    elements: [...elements],
  })
}

/** Appends rule `rule` to its chain. */
export function newRule(table: RuleTable, chain: string, expressions: Expression[], rule: number): BatchPart {
  const description = { kind: 'rule', what: `rule ${rule}`, rule, flags: NewFlag.Create | NewFlag.Append } as const
  const attributes = { table: table.name, chain, expressions }
  return part(table, description, NfTablesMessage.NewRule, ruleAttributes, attributes)
}
