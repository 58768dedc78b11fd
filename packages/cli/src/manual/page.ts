/** The manual page, made from the commands' descriptions: man(7) macros, read by man and groff. */
import { allOptions, type CommandDescription } from '../command-line/command.ts'
import { capitalize, EXIT_CODES, optionSyntax, usageLine, withChoices } from '../command-line/help.ts'

/** The page of all commands. */
export function manualPage(commands: readonly CommandDescription[], version: string): string {
  return `${[
    `.TH RINGLINK 1 "" "ringlink ${version}" "User Commands"`,
    '.SH NAME',
    'ringlink \\- Linux netfilter queues and logs: answer packets, show them, read netlink bytes',
    '.SH SYNOPSIS',
    ...commands.flatMap((command) => ['.br', bold(usageLine(command))]),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH "EXIT STATUS"',
    `${roff(EXIT_CODES)}.`,
    '.SH ENVIRONMENT',
    ...term('NO_COLOR', 'no colours, also on a terminal'),
    ...term('FORCE_COLOR', 'colours, also in a pipe'),
    '.SH "SEE ALSO"',
    '.BR nft (8),',
    '.BR iptables\\-extensions (8),',
    '.BR tcpdump (8),',
    '.BR conntrack (8)',
  ].join('\n')}\n`
}

function commandLines(command: CommandDescription): string[] {
  const { summary, description, operands, sections = [], examples } = command
  return [
    `.SS "${quoted(usageLine(command))}"`,
    `${roff(capitalize(summary))}.`,
    ...description.flatMap((paragraph) => ['.PP', roff(paragraph)]),
    ...operands.flatMap(({ name, summary: text, choices }) => term(name, withChoices(text, choices))),
    ...Object.entries(allOptions(command)).flatMap(([name, option]) =>
      term(optionSyntax(name, option), withChoices(option.summary, option.choices)),
    ),
    ...sections.flatMap(({ title, text }) => ['.PP', bold(`${title}:`), ...verbatim(text)]),
    '.PP',
    bold('Examples:'),
    ...examples.flatMap(({ what, line }) => ['.PP', `${roff(what)}:`, ...verbatim(line)]),
  ]
}

function term(name: string, text: string): string[] {
  return ['.TP', bold(name), roff(text)]
}

function verbatim(text: string): string[] {
  return ['.RS', '.nf', ...text.split('\n').map(roff), '.fi', '.RE']
}

function bold(text: string): string {
  return `\\fB${roff(text)}\\fR`
}

/** Escapes text for roff; dashes and quotes stay ASCII, so that they can be copied. */
function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replaceAll('`', '\\(ga')
  return /^[.]/.test(escaped) ? `\\&${escaped}` : escaped
}

function quoted(text: string): string {
  return roff(text).replaceAll('"', '\\(dq')
}
