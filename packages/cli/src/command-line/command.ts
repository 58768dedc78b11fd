/** The description of a command: the only source of `--help`, of the shell completions and of the manual page. */

/** An option of a command line: `--name`, or `--name VALUE`. */
export interface OptionDescription {
  /** one line for `--help` */
  readonly summary: string
  /** the placeholder of the value; an option without it is a flag */
  readonly value?: string
  /** whether it may be given several times; otherwise a second one is refused */
  readonly multiple?: true
  /** the only valid values, or those that a shell suggests */
  readonly choices?: readonly string[]
  /** the value is the path of a file */
  readonly file?: true
  /** one letter: `-h` */
  readonly short?: string
}

export type OptionTable = Readonly<Record<string, OptionDescription>>

/** The values of the options that were given. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends { value: string }
    ? Table[Name] extends { multiple: true }
      ? readonly string[]
      : string | undefined
    : boolean
}

/** The arguments after the options: `FILE`, or the name of an action. */
export interface OperandDescription {
  readonly name: string
  readonly summary: string
  readonly choices?: readonly string[]
  readonly file?: true
  readonly multiple?: true
}

/** A command line that works unchanged, if its files exist. */
export interface Example {
  readonly what: string
  readonly line: string
}

export interface Section {
  readonly title: string
  /** preformatted lines of at most 118 characters */
  readonly text: string
}

export interface CommandDescription {
  readonly name: string
  /** one line, without a full stop */
  readonly summary: string
  /** paragraphs */
  readonly description: readonly string[]
  readonly operands: readonly OperandDescription[]
  readonly options: OptionTable
  readonly sections?: readonly Section[]
  /** three of them; a test runs them */
  readonly examples: readonly Example[]
}

export interface Command extends CommandDescription {
  /**
   * Runs it with the arguments after its name, and returns the exit code. Throws `UsageError` for invalid arguments;
   * any other error is a failure of the run.
   */
  run(args: readonly string[]): Promise<ExitCode>
}

/** 0: ended as requested; 1: something failed, or a check did; 2: the command line is wrong. */
export type ExitCode = 0 | 1 | 2

/** Options of all commands. */
export const commonOptions = {
  help: { summary: 'this text', short: 'h' },
} as const satisfies OptionTable

/** The options of a command, followed by those of all commands. */
export function allOptions({ options }: Pick<CommandDescription, 'options'>): OptionTable {
  return { ...options, ...commonOptions }
}
