/** What a command is. Its description is the only source of `--help`, of the completions for shells and of the manual page. */

/** An option of a command line: `--name`, or `--name VALUE`. */
export interface OptionDescription {
  /** one line for `--help` */
  readonly summary: string
  /** what stands for the value in texts; an option without it is a flag */
  readonly value?: string
  /** whether it may be given several times; otherwise a second one is refused */
  readonly multiple?: true
  /** the only values, or those that a shell proposes */
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

/** What follows the options: `FILE`, or the name of an action. */
export interface OperandDescription {
  readonly name: string
  readonly summary: string
  readonly choices?: readonly string[]
  readonly file?: true
  readonly multiple?: true
}

/** A command line that works as it stands, where its files are there. */
export interface Example {
  readonly what: string
  readonly line: string
}

export interface Section {
  readonly title: string
  /** lines as they are shown, each at most 118 characters long */
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
   * Runs it with the words that follow its name, and returns the exit code. Throws `UsageError` for words that are wrong; any other
   * error is one of the run.
   */
  run(words: readonly string[]): Promise<ExitCode>
}

/** 0: ended as asked; 1: something failed, or is not as it should be; 2: the command line is wrong. */
export type ExitCode = 0 | 1 | 2

/** Options that all commands have. */
export const commonOptions = {
  help: { summary: 'this text', short: 'h' },
} as const satisfies OptionTable

/** The options of a command, those of all commands at the end. */
export function allOptions({ options }: Pick<CommandDescription, 'options'>): OptionTable {
  return { ...options, ...commonOptions }
}
