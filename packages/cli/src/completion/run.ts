import type { ExitCode } from '../command-line/command.ts'
import { UsageError } from '../command-line/values.ts'
import { type CompletionArguments, SHELLS } from '../commands/completion.ts'
import { descriptions } from '../descriptions.ts'
import { output } from '../terminal/output.ts'
import { bashCompletion, fishCompletion, zshCompletion } from './shells.ts'

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }

/** Prints the completion script of a shell. */
export async function runCompletion({ operands }: CompletionArguments): Promise<ExitCode> {
  const shell = SHELLS.find((name) => name === operands[0])
  if (shell === undefined) throw new UsageError('SHELL is missing: bash, zsh or fish')
  output.write(scripts[shell](descriptions))
  return 0
}
