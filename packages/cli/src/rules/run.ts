import { escapeText, quoteText } from '@ringlink/codec'
import type { TableChain, TableContents, TableSet } from 'ringlink'
import type { ExitCode } from '../command-line/command.ts'
import { readName, UsageError } from '../command-line/values.ts'
import { RULE_FAMILIES, type RulesArguments } from '../commands/rules.ts'
import { output } from '../terminal/output.ts'
import { paintFor } from '../terminal/paint.ts'
import { formatTable } from '../terminal/table.ts'
import { whole } from '../terminal/text.ts'
import { checkRulesFile } from './check.ts'
import { readTables, removeTable } from './ruleset.ts'

const OUR_PREFIX = 'ringlink'

/** Lists rules, or removes a table. */
export async function runRules({ values }: RulesArguments): Promise<ExitCode> {
  const family = readName('--family', values.family, RULE_FAMILIES)
  if (values.check !== undefined) return checkRulesFile(values.check, family, values.json)
  if (values.remove !== undefined) return remove(values.remove, family, values.json)
  const isWanted = (name: string, its: string) =>
    (values.all || name.startsWith(OUR_PREFIX)) && (family === undefined || family === its)
  const tables = await readTables(isWanted)
  for (const table of tables) {
    if (values.json) printJson(table)
    else printTable(table)
  }
  if (tables.length === 0 && !values.json) {
    process.stderr.write(`no table ${values.all ? 'in' : 'of ringlink in'} this network namespace\n`)
  }
  return 0
}

async function remove(name: string, family: string | undefined, json: boolean): Promise<ExitCode> {
  const all = await readTables((_, its) => family === undefined || family === its)
  // A name that is not UTF-8 cannot be typed; it is given as it is shown.
  const exact = all.filter((table) => table.name === name)
  const found = exact.length > 0 ? exact : all.filter((table) => escapeText(table.name) === name)
  const [table, ...more] = found
  if (table === undefined) throw new Error(`there is no table ${quoteText(name)} in this network namespace`)
  if (more.length > 0) {
    const families = found.map((it) => it.family).join(', ')
    throw new UsageError(`--family must say which table ${quoteText(name)} to remove: ${families}`)
  }
  await removeTable(table.name, table.family)
  if (json) output.json({ event: 'removed', family: table.family, table: table.name })
  else output.line(`removed table ${table.family} ${quoteText(table.name)}`)
  return 0
}

function hookText({ hook }: TableChain): string {
  if (hook === undefined) return ''
  const { number, priority, device } = hook
  const at = device === undefined ? '' : ` device ${quoteText(device)}`
  return `hook ${number}${at} priority ${priority}`
}

/** A counter has columns of its own. */
function withoutCounter(text: string): string {
  return text.replace(/(^| )counter packets \d+ bytes \d+/, '').trim()
}

function printTable(table: TableContents): void {
  const paint = paintFor(process.stdout)
  const life = table.owner === undefined ? 'stays until it is removed' : `ends with its program, port id ${table.owner}`
  output.line(`${paint('bold', `table ${table.family} ${quoteText(table.name)}`)}  ${paint('dim', life)}`)
  for (const set of table.sets) printSet(set)
  for (const chain of table.chains) {
    output.line(`  ${paint('cyan', `chain ${quoteText(chain.name)}`)}  ${paint('dim', hookText(chain))}`)
    const rows = chain.rules.map(({ text, packets, bytes }) => [
      '',
      packets === undefined ? '-' : whole(packets),
      bytes === undefined ? '-' : whole(bytes),
      withoutCounter(text),
    ])
    const columns = [
      {},
      { title: 'packets', align: 'right' as const },
      { title: 'bytes', align: 'right' as const },
      { title: 'rule' },
    ]
    if (rows.length > 0) for (const line of formatTable(columns, rows)) output.line(`  ${line}`)
  }
}

/** Elements that are shown of a set; JSON has all. */
const MOST_SHOWN = 20

function printSet({ name, isMap, type, properties, elements }: TableSet): void {
  const paint = paintFor(process.stdout)
  const count = `${whole(elements.length)} ${elements.length === 1 ? 'element' : 'elements'}`
  const details = [`type ${type}`, ...properties, count].join('; ')
  output.line(`  ${paint('cyan', `${isMap ? 'map' : 'set'} ${quoteText(name)}`)}  ${paint('dim', details)}`)
  for (const element of elements.slice(0, MOST_SHOWN)) output.line(`    ${element}`)
  const rest = elements.length - MOST_SHOWN
  if (rest > 0) output.line(`    ${paint('dim', `and ${whole(rest)} more: --json has all`)}`)
}

function printJson(table: TableContents): void {
  const own = { family: table.family, table: table.name, owner: table.owner }
  for (const { name, isMap, type, properties, elements } of table.sets) {
    output.json({ event: isMap ? 'map' : 'set', ...own, name, type, properties, elements })
  }
  for (const { name: chain, rules } of table.chains) {
    for (const { handle, text, packets, bytes } of rules) {
      const number = handle === undefined ? undefined : Number(handle)
      output.json({ event: 'rule', ...own, chain, handle: number, text: withoutCounter(text), packets, bytes })
    }
  }
}
