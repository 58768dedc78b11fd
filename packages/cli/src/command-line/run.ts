import { escapeText, quoteText } from '@ringlink/codec'
import { output } from '../terminal/output.ts'
import { asksForHelp } from './arguments.ts'
import type { Command, ExitCode } from './command.ts'
import { formatHelp, formatOverview } from './help.ts'
import { didYouMean } from './nearest.ts'
import { UsageError } from './values.ts'

/**
 * Runs the command that the first argument names, and returns the exit code. Errors go to standard error. If the reader
 * of standard output goes away, the program ends quietly.
 */
export async function runCommandLine(
  commands: readonly Command[],
  version: string,
  args: readonly string[],
): Promise<ExitCode> {
  const [name = '', ...rest] = args
  const command = commands.find((it) => it.name === name)
  const place = command === undefined ? 'ringlink' : `ringlink ${command.name}`
  try {
    const code = await run(command, commands, version, name, rest)
    await output.finish()
    return code
  } catch (error) {
    // A closed pipe is not reported as an error.
    await output.finish().catch(() => {})
    process.stderr.write(`${place}: ${escapeLines(messageOf(error))}\n`)
    if (!(error instanceof UsageError)) return 1
    process.stderr.write(`${place}: see ${place} --help\n`)
    return 2
  }
}

async function run(
  command: Command | undefined,
  commands: readonly Command[],
  version: string,
  name: string,
  args: readonly string[],
): Promise<ExitCode> {
  if (command !== undefined) {
    if (!asksForHelp(args)) return command.run(args)
    output.line(formatHelp(command))
    return 0
  }
  if (name === '--version' || name === 'version') {
    output.line(`ringlink ${version}`)
    return 0
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    const topic = commands.find((it) => it.name === args[0])
    if (args[0] !== undefined && topic === undefined && name === 'help') throw unknownCommand(args[0], commands)
    output.line(topic === undefined ? formatOverview(commands) : formatHelp(topic))
    return 0
  }
  if (name === '') throw new UsageError(`a command is missing: ${commands.map((it) => it.name).join(', ')}`)
  throw unknownCommand(name, commands)
}

function unknownCommand(name: string, commands: readonly Command[]): UsageError {
  const known = [...commands.map((it) => it.name), '--help', '--version']
  const what = name.startsWith('-') ? 'option' : 'command'
  return new UsageError(`unknown ${what} ${quoteText(name)}${didYouMean(name, known)}`)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Text of an error, safe on a terminal; its line breaks stay. */
function escapeLines(text: string): string {
  return text.split('\n').map(escapeText).join('\n')
}
