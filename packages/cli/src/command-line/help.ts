import { alternatives } from './alternatives.ts'
import { allOptions, type Command, type CommandDescription, type OptionDescription } from './command.ts'

/** Width in columns of the manual page and of all texts. */
const WIDTH = 118
const LEFT = 24

export const EXIT_CODES = '0 ended as requested (also by Ctrl-C), 1 something failed, 2 the command line is wrong'

/** `ringlink queue --queue N|N:M [OPTION...]` */
export function usageLine({ name, operands }: Pick<CommandDescription, 'name' | 'operands'>): string {
  const words = operands.map((operand) => `[${operand.name}${operand.multiple === true ? '...' : ''}]`)
  return ['ringlink', name, '[OPTION...]', ...words].join(' ')
}

/** `-h, --help` or `--queue N` */
export function optionSyntax(name: string, { value, short }: OptionDescription): string {
  const long = `--${name}${value === undefined ? '' : ` ${value}`}`
  return short === undefined ? long : `-${short}, ${long}`
}

/** The text of a command's `--help`. */
export function formatHelp(command: CommandDescription): string {
  const { summary, description, operands, sections = [], examples } = command
  const parts = [
    `${usageLine(command)}\n\n${capitalize(summary)}.`,
    ...description.map((paragraph) => wrap(paragraph, WIDTH).join('\n')),
  ]
  if (operands.length > 0) {
    parts.push(
      formatRows(
        'Arguments',
        operands.map(({ name, summary: text, choices }) => [name, withChoices(text, choices)]),
      ),
    )
  }
  const options = Object.entries(allOptions(command))
  parts.push(
    formatRows(
      'Options',
      options.map(([name, option]) => [optionSyntax(name, option), withChoices(option.summary, option.choices)]),
    ),
    ...sections.map(({ title, text }) => `${title}:\n${indent(text)}`),
    `Examples:\n${examples.map(({ what, line }) => `  # ${what}\n  ${line}`).join('\n')}`,
    `Exit codes: ${EXIT_CODES}.`,
  )
  return parts.join('\n\n')
}

/** The text of `ringlink --help`. */
export function formatOverview(commands: readonly Command[]): string {
  return [
    'ringlink COMMAND [OPTION...]\n\nLinux netfilter queues and logs: answer packets, show them, read netlink bytes.',
    formatRows(
      'Commands',
      commands.map(({ name, summary }) => [name, summary]),
    ),
    formatRows('Options', [
      ['-h, --help', 'this text, or that of a command: ringlink COMMAND --help'],
      ['--version', 'the version'],
    ]),
    `Colours: on a terminal, unless NO_COLOR is set; anywhere with FORCE_COLOR.\nExit codes: ${EXIT_CODES}.`,
  ].join('\n\n')
}

/** A summary with the possible values, unless it names them itself. */
export function withChoices(summary: string, choices: readonly string[] | undefined): string {
  if (choices === undefined || choices.every((choice) => summary.includes(choice))) return summary
  return `${summary}: ${alternatives(choices)}`
}

function formatRows(title: string, rows: readonly (readonly [string, string])[]): string {
  const lines = rows.flatMap(([left, right]) => {
    const [first = '', ...more] = wrap(right, WIDTH - LEFT - 2)
    const continued = more.map((line) => `  ${' '.repeat(LEFT)}${line}`)
    if (left.length > LEFT - 2) return [`  ${left}`, `  ${' '.repeat(LEFT)}${first}`, ...continued]
    return [`  ${left.padEnd(LEFT)}${first}`, ...continued]
  })
  return `${title}:\n${lines.join('\n')}`
}

/** Lines of at most `width` characters, broken between words. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ')
}

export function capitalize(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}
