/**
 * The function that runs each command, loaded on demand. A new command needs a description in commands/, from which
 * help, completions and the manual page derive, a line in descriptions.ts, and one here.
 */
import { type Arguments, readArguments } from './command-line/arguments.ts'
import type { Command, CommandDescription, ExitCode, OptionTable } from './command-line/command.ts'
import { callDescription } from './commands/call.ts'
import { completionDescription } from './commands/completion.ts'
import { conntrackDescription } from './commands/conntrack.ts'
import { doctorDescription } from './commands/doctor.ts'
import { inspectDescription } from './commands/inspect.ts'
import { logDescription } from './commands/log.ts'
import { manDescription } from './commands/man.ts'
import { monitorDescription } from './commands/monitor.ts'
import { queueDescription } from './commands/queue.ts'
import { rulesDescription } from './commands/rules.ts'

type Run<Table extends OptionTable> = (given: Arguments<Table>) => Promise<ExitCode>

function command<Table extends OptionTable>(
  description: CommandDescription & { readonly options: Table },
  load: () => Promise<Run<Table>>,
): Command {
  return {
    ...description,
    run: async (words) => {
      // The arguments are checked before anything is loaded or opened.
      const given = readArguments(description, words)
      const run = await load()
      return run(given)
    },
  }
}

export const commands: readonly Command[] = [
  command(doctorDescription, async () => (await import('./doctor/run.ts')).runDoctor),
  command(queueDescription, async () => (await import('./queue/run.ts')).runQueue),
  command(logDescription, async () => (await import('./log/run.ts')).runLog),
  command(rulesDescription, async () => (await import('./rules/run.ts')).runRules),
  command(conntrackDescription, async () => (await import('./conntrack/run.ts')).runConntrack),
  command(monitorDescription, async () => (await import('./monitor/run.ts')).runMonitor),
  command(callDescription, async () => (await import('./call/run.ts')).runCall),
  command(inspectDescription, async () => (await import('./inspect/run.ts')).runInspect),
  command(completionDescription, async () => (await import('./completion/run.ts')).runCompletion),
  command(manDescription, async () => (await import('./manual/run.ts')).runMan),
]
