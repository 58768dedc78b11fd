import type { Arguments } from '../command-line/arguments.ts'
import type { CommandDescription } from '../command-line/command.ts'

export const RULE_FAMILIES = ['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'] as const

const options = {
  all: { summary: 'list the tables of others too' },
  remove: {
    value: 'TABLE',
    summary: 'remove this table with all that is in it: one that a program left, or a persistent one',
  },
  family: {
    value: 'FAMILY',
    choices: RULE_FAMILIES,
    summary: 'family of the table to remove, or to list; default all',
  },
  json: { summary: 'one JSON object per rule' },
} as const

export const rulesDescription = {
  name: 'rules',
  summary: 'list the firewall rules that ringlink made, with their counters, and remove what was left',
  description: [
    "Ringlink's tables are called ringlink..., and most belong to a program: the kernel removes them with it, and nobody else can. A rule is " +
      'shown as nft would write it, as far as ringlink makes such rules.',
    'Removing a table drops the packets that wait in the queues of this network namespace. Needs CAP_NET_ADMIN there.',
  ],
  operands: [],
  options,
  examples: [
    { what: 'What ringlink has in the firewall now', line: 'ringlink rules' },
    { what: 'All tables, as JSON', line: 'ringlink rules --all --json' },
    {
      what: 'Remove what a queue left on purpose',
      line: `ringlink queue --queue 7 --rule 'output udp' --on-exit block --seconds 1 && ringlink rules --remove ringlink-queue-7`,
    },
  ],
} as const satisfies CommandDescription

export type RulesArguments = Arguments<typeof options>
