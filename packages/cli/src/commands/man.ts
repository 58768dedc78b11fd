import type { CommandDescription } from '../command-line/command.ts'

export const manDescription = {
  name: 'man',
  summary: 'print the manual page, for man and groff',
  description: ['The page has all commands. Without man: ringlink COMMAND --help.'],
  operands: [],
  options: {},
  examples: [
    { what: 'Read it', line: 'ringlink man | man -l -' },
    { what: 'Install it', line: 'ringlink man > ringlink.1' },
    { what: 'As plain text', line: 'ringlink man | man -l - | col -b' },
  ],
} as const satisfies CommandDescription
