import type { Arguments } from '../command-line/arguments.ts'
import type { CommandDescription } from '../command-line/command.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

const options = {} as const

export const completionDescription = {
  name: 'completion',
  summary: 'print a script for a shell that completes commands, options and their values',
  description: [
    'For bash, add to ~/.bashrc: source <(ringlink completion bash). For zsh, write it to a file _ringlink in a folder of $fpath; for ' +
      'fish, to ~/.config/fish/completions/ringlink.fish.',
  ],
  operands: [{ name: 'SHELL', summary: 'the shell', choices: SHELLS }],
  options,
  examples: [
    { what: 'bash, for this session', line: 'source <(ringlink completion bash)' },
    { what: 'zsh', line: 'ringlink completion zsh > _ringlink' },
    { what: 'fish', line: 'ringlink completion fish > ringlink.fish' },
  ],
} as const satisfies CommandDescription

export type CompletionArguments = Arguments<typeof options>
