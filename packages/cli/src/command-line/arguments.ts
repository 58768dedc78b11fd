import { parseArgs } from 'node:util'
import { quoteText } from '@ringlink/codec'
import { alternatives } from './alternatives.ts'
import { allOptions, type CommandDescription, type OptionTable, type OptionValues } from './command.ts'
import { didYouMean } from './nearest.ts'
import { UsageError } from './values.ts'

export interface Arguments<Table extends OptionTable> {
  readonly values: OptionValues<Table>
  readonly operands: readonly string[]
}

type OptionToken = Extract<ReturnType<typeof tokensOf>[number], { kind: 'option' }>

/**
 * Parses the arguments of a command according to its description. Throws `UsageError`, which names the nearest known
 * option.
 */
export function readArguments<Table extends OptionTable>(
  command: Pick<CommandDescription, 'operands'> & { readonly options: Table },
  args: readonly string[],
): Arguments<Table> {
  const table = allOptions(command)
  const given = new Map<string, (string | true)[]>()
  const operands: string[] = []
  for (const token of tokensOf(table, args)) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const value = readOption(table, token)
    const before = given.get(token.name)
    if (before === undefined) given.set(token.name, [value])
    else if (table[token.name]?.multiple === true) before.push(value)
    else throw new UsageError(`${token.rawName} is given twice`)
  }
  checkOperands(command, operands)
  return { values: valuesOf(command.options, given), operands }
}

function tokensOf(table: OptionTable, args: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { value, short }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), ...(short ? { short } : {}) },
    ]),
  )
  // Not strict, so that the error messages are ours.
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true }).tokens
}

function readOption(table: OptionTable, { name, rawName, value }: OptionToken): string | true {
  const option = table[name]
  if (option === undefined) {
    const known = Object.keys(table).map((it) => `--${it}`)
    throw new UsageError(`unknown option ${quoteText(rawName)}${didYouMean(rawName, known)}`)
  }
  if (option.value === undefined) {
    if (value === undefined) return true
    throw new UsageError(`${rawName} takes no value, got ${quoteText(value)}`)
  }
  if (value === undefined) throw new UsageError(`${rawName} ${option.value}: the value is missing`)
  return value
}

function checkOperands({ operands }: Pick<CommandDescription, 'operands'>, given: readonly string[]): void {
  const takesMore = operands.at(-1)?.multiple === true
  const surplus = takesMore ? undefined : given[operands.length]
  if (surplus !== undefined) throw new UsageError(`unexpected argument ${quoteText(surplus)}`)
  for (const [index, { name, choices }] of operands.entries()) {
    const word = given[index]
    if (word === undefined || choices === undefined || choices.includes(word)) continue
    throw new UsageError(`${name} must be ${alternatives(choices)}, got ${quoteText(word)}${didYouMean(word, choices)}`)
  }
}

function valuesOf<Table extends OptionTable>(
  table: Table,
  given: ReadonlyMap<string, readonly (string | true)[]>,
): OptionValues<Table> {
  const values = Object.entries(table).map(([name, { value, multiple }]) => {
    const all = given.get(name) ?? []
    if (value === undefined) return [name, all.length > 0]
    return [name, multiple === true ? all : all[0]]
  })
  // By construction it has a member of the correct type for each option.
  return Object.fromEntries(values) as OptionValues<Table>
}

/** Whether `--help` is among the arguments, at any place; the others are not checked. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((word) => word === '--help' || word === '-h')
}
