/** The descriptions of all commands, in the order of `ringlink --help`. */
import type { CommandDescription } from './command-line/command.ts'
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

export const descriptions: readonly CommandDescription[] = [
  doctorDescription,
  queueDescription,
  logDescription,
  rulesDescription,
  conntrackDescription,
  monitorDescription,
  callDescription,
  inspectDescription,
  completionDescription,
  manDescription,
]
