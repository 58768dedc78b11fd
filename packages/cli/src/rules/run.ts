import { quoteText } from '@ringlink/codec'
import type { ExitCode } from '../command-line/command.ts'
import { readName, UsageError } from '../command-line/values.ts'
import { RULE_FAMILIES, type RulesArguments } from '../commands/rules.ts'
import { output } from '../terminal/output.ts'
import { paintFor } from '../terminal/paint.ts'
import { formatTable } from '../terminal/table.ts'
import { whole } from '../terminal/text.ts'
import { checkRulesFile } from './check.ts'
import { describeRule } from './rule-text.ts'
import { listTables, removeTable, type TableContents } from './ruleset.ts'

const OUR_PREFIX = 'ringlink'

/** Lists rules, or removes a table. */
export async function runRules({ values }: RulesArguments): Promise<ExitCode> {
  const family = readName('--family', values.family, RULE_FAMILIES)
  if (values.check !== undefined) return checkRulesFile(values.check, family, values.json)
  if (values.remove !== undefined) return remove(values.remove, family, values.json)
  const isWanted = (name: string, its: string) =>
    (values.all || name.startsWith(OUR_PREFIX)) && (family === undefined || family === its)
  const tables = await listTables(isWanted)
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
  const found = await listTables((its, itsFamily) => its === name && (family === undefined || family === itsFamily))
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

function hookText({ chain }: TableContents['chains'][number]): string {
  if (chain.hook === undefined) return ''
  const { number, priority, device } = chain.hook
  const at = device === undefined ? '' : ` device ${quoteText(device)}`
  return `hook ${number}${at} priority ${priority}`
}

function printTable(table: TableContents): void {
  const paint = paintFor(process.stdout)
  const life = table.owner === undefined ? 'stays until it is removed' : `ends with its program, port id ${table.owner}`
  output.line(`${paint('bold', `table ${table.family} ${quoteText(table.name)}`)}  ${paint('dim', life)}`)
  for (const part of table.chains) {
    output.line(`  ${paint('cyan', `chain ${quoteText(part.chain.name ?? '')}`)}  ${paint('dim', hookText(part))}`)
    const rows = part.rules.map((rule) => {
      const { text, packets, bytes } = describeRule(rule)
      return ['', packets === undefined ? '-' : whole(packets), bytes === undefined ? '-' : whole(bytes), text]
    })
    const columns = [
      {},
      { title: 'packets', align: 'right' as const },
      { title: 'bytes', align: 'right' as const },
      { title: 'rule' },
    ]
    if (rows.length > 0) for (const line of formatTable(columns, rows)) output.line(`  ${line}`)
  }
}

function printJson(table: TableContents): void {
  for (const { chain, rules } of table.chains) {
    for (const rule of rules) {
      output.json({
        event: 'rule',
        family: table.family,
        table: table.name,
        owner: table.owner,
        chain: chain.name,
        handle: rule.handle === undefined ? undefined : Number(rule.handle),
        ...describeRule(rule),
      })
    }
  }
}
