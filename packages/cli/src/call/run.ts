import { type FamilyDescription, NewFlag, quoteText } from '@ringlink/codec'
import { openFamily } from 'ringlink'
import type { ExitCode } from '../command-line/command.ts'
import { didYouMean } from '../command-line/nearest.ts'
import { Stop } from '../command-line/stop.ts'
import { readName, UsageError } from '../command-line/values.ts'
import { type CallArguments, REQUEST_FLAGS } from '../commands/call.ts'
import { loadFamily, nameAmong } from '../families/load.ts'
import { plainValues } from '../families/plain.ts'
import { output } from '../terminal/output.ts'

const FLAGS = {
  create: NewFlag.Create,
  exclusive: NewFlag.Exclusive,
  replace: NewFlag.Replace,
  append: NewFlag.Append,
} as const satisfies Record<(typeof REQUEST_FLAGS)[number], number>

/** Carries out an operation and prints what it is answered with. */
export async function runCall({ values, operands }: CallArguments): Promise<ExitCode> {
  const [name, operation, json = '{}'] = operands
  if (name === undefined) throw new UsageError('FAMILY is missing')
  const description = await loadFamily(name)
  if (values.list) return list(description)
  if (operation === undefined) throw new UsageError(`OPERATION is missing: ${known(description).join(', ')}`)
  const found = nameAmong(operation, known(description))
  if (found === undefined) {
    const hint = didYouMean(operation, known(description))
    throw new UsageError(`${description.name} has no operation ${quoteText(operation)}${hint}`)
  }
  const request = readRequest(json)
  const flags = values.flag.reduce((bits, text) => bits | FLAGS[readName('--flag', text, REQUEST_FLAGS) ?? 'create'], 0)
  const { signal } = new Stop()
  const family = await openFamily(description, { signal })
  try {
    if (values.dump) {
      for await (const row of family.rows(found, request, { flags, signal })) {
        output.json(plainValues(description, found, row))
        await output.drained()
      }
    } else {
      const answer = await family.do(found, request, { flags, signal })
      if (answer !== undefined) output.json(plainValues(description, found, answer))
    }
    return 0
  } catch (error) {
    if (signal.aborted) return 0
    throw error
  } finally {
    await family.close()
  }
}

function known({ operations }: FamilyDescription): string[] {
  return Object.keys(operations)
}

function list({ operations, groups }: FamilyDescription): ExitCode {
  for (const [name, { kernelName, do: exchange, dump, event }] of Object.entries(operations)) {
    const modes = [exchange && 'do', dump && 'dump', event !== undefined && 'event'].filter(Boolean).join(', ')
    output.line(`${name.padEnd(28)} ${modes.padEnd(12)} ${kernelName}`)
  }
  for (const group of Object.keys(groups)) output.line(`${group.padEnd(28)} group`)
  return 0
}

function readRequest(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw new UsageError(
      `JSON must be an object such as {"ifname": "lo"}, got ${quoteText(json)}: ${(error as Error).message}`,
    )
  }
}
