import type { ExitCode } from '../command-line/command.ts'
import { descriptions } from '../descriptions.ts'
import { output } from '../terminal/output.ts'
import { version } from '../version.ts'
import { manualPage } from './page.ts'

/** Prints the manual page. */
export async function runMan(): Promise<ExitCode> {
  output.write(manualPage(descriptions, version))
  return 0
}
