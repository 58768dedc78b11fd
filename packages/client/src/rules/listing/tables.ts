/** What tables of nf_tables contain, in nft's words. */
import {
  type AttributeSet,
  type AttributeValues,
  batchAttributes,
  chainAttributes,
  messageFamily,
  NfTablesMessage,
  nfnetlinkHeader,
  readNfnetlinkAttributes,
  ruleAttributes,
  SetFlag,
  setAttributes,
  setElementListAttributes,
  TableFlag,
  tableAttributes,
} from '@ringlink/codec'
import type { Session } from '../../session.ts'
import { familyNumbers } from '../chains.ts'
import { describeRule, type RuleDescription } from './rule-text.ts'
import { elementTexts, type ListedSet, setPropertyTexts, setTypeText } from './sets.ts'

/** A rule of a table, in nft's words. */
export interface TableRule extends RuleDescription {
  readonly handle: bigint | undefined
}

/** A chain of a table. */
export interface TableChain {
  readonly name: string
  /** where it sees packets (NF_*_HOOK); `undefined` for a chain that rules jump to */
  readonly hook: { readonly number: number; readonly priority: number; readonly device: string | undefined } | undefined
  readonly rules: readonly TableRule[]
}

/** A set or map of a table that has a name. */
export interface TableSet {
  readonly name: string
  readonly isMap: boolean
  /** nft's words: `ipv4_addr . inet_service : verdict` */
  readonly type: string
  /** nft's words, one for each property: `flags interval,timeout` */
  readonly properties: readonly string[]
  readonly elements: readonly string[]
}

/** A table with what it contains. */
export interface TableContents {
  /** `inet`, or `family N` for one without a name */
  readonly family: string
  readonly name: string
  /** port id of the socket with which it is removed; `undefined`: it stays */
  readonly owner: number | undefined
  readonly sets: readonly TableSet[]
  readonly chains: readonly TableChain[]
}

/** Lists the tables whose name and family `wants`, with their rules and sets. Rejects as a dump does. */
export async function listTables(
  session: Session,
  wants: (name: string, family: string) => boolean,
): Promise<TableContents[]> {
  const tables = await dump(session, 'list tables', NfTablesMessage.GetTable, tableAttributes)
  const chains = await dump(session, 'list chains', NfTablesMessage.GetChain, chainAttributes)
  const rules = await dump(session, 'list rules', NfTablesMessage.GetRule, ruleAttributes)
  const sets = await dump(session, 'list sets', NfTablesMessage.GetSet, setAttributes)
  const listed: TableContents[] = []
  for (const { family, values } of tables) {
    const { name = '', flags = 0, owner } = values
    const familyText = familyName(family)
    if (!wants(name, familyText)) continue
    const isInTable = (row: { readonly family: number; readonly values: { readonly table?: string | undefined } }) =>
      row.family === family && row.values.table === name
    const own = await withElements(session, family, name, sets.filter(isInTable))
    const context = { family: familyText, findSet: (set: string) => own.find((it) => it.name === set) }
    listed.push({
      family: familyText,
      name,
      owner: (flags & TableFlag.Owner) === 0 ? undefined : owner,
      sets: own.filter(({ flags: its = 0 }) => (its & SetFlag.Anonymous) === 0).map(tableSet),
      chains: chains.filter(isInTable).map(({ values: { name: chain = '', hook } }) => ({
        name: chain,
        hook:
          hook === undefined
            ? undefined
            : { number: hook.number ?? 0, priority: hook.priority ?? 0, device: hook.device },
        rules: rules
          .filter((row) => isInTable(row) && row.values.chain === chain)
          .map(({ values: rule }) => ({ handle: rule.handle, ...describeRule(rule.expressions ?? [], context) })),
      })),
    })
  }
  return listed
}

function familyName(number: number): string {
  return Object.entries(familyNumbers).find(([, it]) => it === number)?.[0] ?? `family ${number}`
}

function tableSet(set: ListedSet): TableSet {
  return {
    name: set.name ?? '',
    isMap: ((set.flags ?? 0) & SetFlag.Map) !== 0,
    type: setTypeText(set),
    properties: setPropertyTexts(set),
    elements: elementTexts(set),
  }
}

interface Row<Value> {
  readonly family: number
  readonly values: Value
}

async function withElements(
  session: Session,
  family: number,
  table: string,
  sets: readonly Row<AttributeValues<typeof setAttributes>>[],
): Promise<ListedSet[]> {
  const listed: ListedSet[] = []
  for (const { values } of sets) {
    const header = nfnetlinkHeader(family, 0)
    const attributes = { table, set: values.name }
    const what = `list set ${values.name}`
    const request = { what, type: NfTablesMessage.GetSetElement, header, set: setElementListAttributes, attributes }
    const rows = await session.dump(request)
    const elements = rows.flatMap(({ view }) => readNfnetlinkAttributes(view, setElementListAttributes).elements ?? [])
    listed.push({ ...values, elements })
  }
  return listed
}

async function dump<Set extends AttributeSet>(
  session: Session,
  what: string,
  type: number,
  set: Set,
): Promise<Row<AttributeValues<Set>>[]> {
  const header = nfnetlinkHeader(0, 0)
  const rows = await session.dump({ what, type, header, set: batchAttributes, attributes: {} })
  return rows.map(({ view }) => ({
    family: messageFamily(view.memory, view.offset),
    values: readNfnetlinkAttributes(view, set),
  }))
}
