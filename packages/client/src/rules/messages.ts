import {
  type AttributeSet,
  type AttributeValues,
  chainAttributes,
  type Expression,
  NewFlag,
  NfTablesMessage,
  NfTablesObjectType,
  nfnetlinkHeader,
  objectAttributes,
  ruleAttributes,
  SetFlag,
  setAttributes,
  setElementListAttributes,
  TableFlag,
  tableAttributes,
  Verdict,
} from '@ringlink/codec'
import type { BatchPart } from './batch.ts'
import { familyNumbers, type RuleChain } from './chains.ts'
import { DataType } from './fields/kinds.ts'
import type { RuleFamily } from './options.ts'
import { keyOrderData, type RuleSet, valueOrderData } from './set.ts'
import { shapeOf } from './sets/shape.ts'
import type { SetOptions } from './sets/types.ts'

/** The table that holds the rules. */
export interface RuleTable {
  readonly name: string
  readonly family: RuleFamily
}

type PartDescription = Pick<BatchPart, 'kind' | 'what' | 'rule'> & { readonly flags: number }

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

/** Makes a chain; of a base chain the packets continue when no rule decides. */
export function newChain(table: RuleTable, { name, base }: RuleChain): BatchPart {
  if (base === undefined) {
    const what = `chain ${name}`
    const attributes = { table: table.name, name }
    return part(
      table,
      { kind: 'chain', what, flags: NewFlag.Create },
      NfTablesMessage.NewChain,
      chainAttributes,
      attributes,
    )
  }
  const { hook, hookNumber, device, priority } = base
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

/** Makes a set of ports or addresses that belongs to rule `rule`. */
export function newSet(table: RuleTable, set: RuleSet, rule: number): BatchPart {
  const { id, name, key, flags, elements, size = elements.length, timeout } = set
  const description = { kind: 'set', what: `a set of rule ${rule}`, rule, flags: NewFlag.Create } as const
  return part(table, description, NfTablesMessage.NewSet, setAttributes, {
    table: table.name,
    name,
    flags,
    keyType: key.type,
    keyLength: key.length,
    id,
    description: { size },
    timeout: timeout === undefined ? undefined : BigInt(timeout),
    userData: keyOrderData(key, flags),
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

/** Creates a set that lives as long as the table. */
export function newNamedSet(table: RuleTable, name: string, options: SetOptions, id: number): BatchPart {
  const { ranges = false, timeout, dynamic = false, size, to } = options
  const { parts, length, type, hasOwnEnd } = shapeOf(options)
  const [first] = parts
  const isMap = to !== undefined
  const flags =
    // Any element may have a time of its own.
    SetFlag.Timeout |
    (ranges ? SetFlag.Interval : 0) |
    (dynamic ? SetFlag.Evaluated : 0) |
    (isMap ? SetFlag.Map : 0) |
    (hasOwnEnd ? SetFlag.Concatenation : 0)
  const most = size ?? (dynamic ? MOST_DYNAMIC : undefined)
  const fields = hasOwnEnd ? parts.map(({ kind }) => ({ length: kind.length })) : undefined
  const orders = [
    ...(parts.length === 1 && first !== undefined ? keyOrderData({ type, length, order: first.order }, flags) : []),
    ...(to === 'mark' ? valueOrderData('host') : []),
  ]
  const description = { kind: 'set', what: `set ${name}`, flags: NewFlag.Create } as const
  return part(table, description, NfTablesMessage.NewSet, setAttributes, {
    table: table.name,
    name,
    flags,
    keyType: type,
    keyLength: length,
    dataType: isMap ? (to === 'verdict' ? VERDICTS : DataType.Mark) : undefined,
    dataLength: isMap ? (to === 'verdict' ? 0 : MARK_BYTES) : undefined,
    id,
    description: most === undefined && fields === undefined ? undefined : { size: most, fields },
    timeout: timeout === undefined ? undefined : BigInt(timeout),
    userData: orders.length === 0 ? undefined : Uint8Array.from(orders),
  })
}

/** NFT_DATA_VERDICT */
const VERDICTS = 0xffff_ff00
const MARK_BYTES = 4
/** Elements of a set that rules add to, as nft has it. */
const MOST_DYNAMIC = 0xffff

/** Makes a counter that rules share. */
export function newCounter(table: RuleTable, name: string): BatchPart {
  const description = { kind: 'set', what: `counter ${name}`, flags: NewFlag.Create } as const
  return part(table, description, NfTablesMessage.NewObject, objectAttributes, {
    table: table.name,
    name,
    type: NfTablesObjectType.Counter,
    data: {},
  })
}

/** Appends rule `rule` to its chain. */
export function newRule(table: RuleTable, chain: string, expressions: Expression[], rule: number): BatchPart {
  const description = { kind: 'rule', what: `rule ${rule}`, rule, flags: NewFlag.Create | NewFlag.Append } as const
  const attributes = { table: table.name, chain, expressions }
  return part(table, description, NfTablesMessage.NewRule, ruleAttributes, attributes)
}
