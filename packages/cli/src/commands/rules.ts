import type { Arguments } from '../command-line/arguments.ts'
import type { CommandDescription } from '../command-line/command.ts'

export const RULE_FAMILIES = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'] as const

const options = {
  all: { summary: 'also list tables of other programs' },
  remove: {
    value: 'TABLE',
    summary: 'remove this table with all its contents: one that a program left, or a persistent one',
  },
  family: {
    value: 'FAMILY',
    choices: RULE_FAMILIES,
    summary: 'family of the table to remove, or to list (default all), or of the rules to check (default inet)',
  },
  check: {
    value: 'FILE',
    summary:
      "check the rules of a file without installing them: one per line in nft's words, or a JSON array; needs no privileges",
  },
  json: { summary: 'one JSON object per rule, and per set with all its elements' },
} as const

export const rulesDescription = {
  name: 'rules',
  summary: 'list the firewall rules that ringlink installed, with their counters and sets, and remove leftover tables',
  description: [
    "Ringlink's tables are called ringlink..., and most belong to a program: only the kernel removes them, with the program. A rule is " +
      "shown in nft's words, if ringlink can make such rules; of a set, the first 20 elements.",
    'Removing a table drops the packets that wait in the queues of this network namespace. Needs CAP_NET_ADMIN there.',
  ],
  operands: [],
  options,
  examples: [
    { what: 'The tables of ringlink in the firewall', line: 'ringlink rules' },
    { what: 'Check rules that a program will install', line: 'ringlink rules --check rules.txt' },
    { what: 'All tables, as JSON', line: 'ringlink rules --all --json' },
    {
      what: 'Remove a table that a queue left on purpose',
      line: `ringlink queue --queue 7 --rule 'output udp' --on-exit block --seconds 1 && ringlink rules --remove ringlink-queue-7`,
    },
  ],
} as const satisfies CommandDescription

export type RulesArguments = Arguments<typeof options>
