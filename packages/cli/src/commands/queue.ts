import type { Arguments } from '../command-line/arguments.ts'
import type { CommandDescription } from '../command-line/command.ts'
import { RULE_SECTION } from '../command-line/rule-section.ts'
import { endOptions, filterSection, transportOption } from './shared-options.ts'

const options = {
  queue: { value: 'N|N:M', summary: 'the queue, or all from N to M; required' },
  rule: {
    value: 'RULE',
    multiple: true,
    summary: 'a firewall rule that feeds the queue, for as long as the program runs; repeatable, for one queue',
  },
  'on-exit': {
    value: 'WHAT',
    choices: ['bypass', 'block'],
    summary: 'what happens to the packets of --rule after the program ends: bypass (the default) or block',
  },
  drop: { value: 'FILTER', multiple: true, summary: 'drop packets that it matches, and accept the rest; repeatable' },
  mark: { value: 'N', summary: 'give accepted packets this mark' },
  print: { summary: 'print each packet and its verdict' },
  filter: { value: 'FILTER', multiple: true, summary: 'print only packets that it matches; repeatable; needs --print' },
  unanswered: {
    value: 'VERDICT',
    choices: ['accept', 'drop'],
    summary: 'accept or drop packets that are left when the program ends; default drop',
  },
  offload: {
    value: 'N',
    summary:
      'queue only the first N packets of each connection; --drop then drops the rest of the connection too; needs --rule',
  },
  'max-length': { value: 'N', summary: 'packets that the kernel queues; default 1024' },
  'copy-range': { value: 'N', summary: 'bytes of each packet that filters can look at; default all' },
  'fail-open': { summary: 'accept packets if the queue is full, instead of dropping them' },
  gso: { summary: 'take large TCP packets whole: several times faster' },
  ...endOptions,
  ...transportOption,
  json: { summary: 'one JSON object per line: open, packet (with --print), rate every second, summary' },
} as const

export const queueDescription = {
  name: 'queue',
  summary: 'answer the packets that the firewall sends to a queue',
  description: [
    'Packets that a --drop filter matches are dropped, all others are accepted. On a terminal it shows rates, loss and the addresses that ' +
      'send most; in a pipe it prints a line per second. With --count, packets in the same batch as the last one get the verdict of ' +
      '--unanswered.',
    'Needs CAP_NET_ADMIN in its network namespace (root, or unshare -Urn), except with --transport sim.',
  ],
  operands: [],
  options,
  sections: [filterSection, RULE_SECTION],
  examples: [
    {
      what: 'Drop DNS questions that this machine sends, and see each packet',
      line: `ringlink queue --queue 0 --rule 'output udp 53' --drop 'udp dport 53' --print`,
    },
    {
      what: 'Try it without root: made-up packets of a simulated kernel',
      line: `ringlink queue --queue 0 --transport sim --drop 'tcp dst 198.51.100.7' --seconds 2`,
    },
    {
      what: 'Look at the first 20 packets of each TCP connection, and leave the others to the kernel',
      line: `ringlink queue --queue 0 --rule 'output tcp' --offload 20 --drop "text 'forbidden'"`,
    },
    {
      what: 'Mark all TCP of this machine, and count it as JSON',
      line: `ringlink queue --queue 3 --rule 'output tcp' --mark 7 --gso --json`,
    },
  ],
} as const satisfies CommandDescription & { options: typeof options }

export type QueueArguments = Arguments<typeof options>
