import type { Arguments } from '../command-line/arguments.ts'
import type { CommandDescription } from '../command-line/command.ts'
import { RULE_SECTION } from '../command-line/rule-section.ts'
import { natsOptions, natsSection } from './nats-options.ts'
import { endOptions, filterSection, transportOption } from './shared-options.ts'

const options = {
  group: { value: 'N[,M...]', multiple: true, summary: 'the log group, or groups; repeatable' },
  rule: {
    value: 'RULE',
    multiple: true,
    summary: 'a firewall rule that logs to the group, for as long as the program runs; repeatable, for one group',
  },
  prefix: { value: 'TEXT', summary: 'the log prefix of the rules of --rule' },
  filter: { value: 'FILTER', multiple: true, summary: 'show, count and save only packets that it matches; repeatable' },
  read: { value: 'FILE', file: true, summary: 'show a capture (pcapng or pcap, also compressed with gzip) instead' },
  write: {
    value: 'FILE',
    file: true,
    summary: 'save the packets in a capture that Wireshark reads (pcapng, NFLOG); lines then only with --print',
  },
  'rotate-size': {
    value: 'SIZE',
    summary: 'begin a new file before one exceeds this size (500k, 10M, 1G): FILE-00001.pcapng, FILE-00002.pcapng, ...',
  },
  'rotate-time': { value: 'TIME', summary: 'begin a new file after that time (60s, 5m, 1h)' },
  keep: { value: 'N', summary: 'if files are rotated, delete all except the last N' },
  stats: { summary: 'top talkers, rate and loss at the end, and on a terminal live; lines then only with --print' },
  print: { summary: 'print a line for each packet: the default without --write and --stats' },
  link: { summary: 'show Ethernet headers, if packets have one' },
  ...endOptions,
  threshold: { value: 'N', summary: 'packets that the kernel collects before it delivers them; default 100' },
  timeout: { value: 'N', summary: 'milliseconds after which the kernel delivers fewer packets; default 1000' },
  'copy-range': { value: 'N', summary: 'bytes to copy of each packet; default all' },
  ...transportOption,
  ...natsOptions,
  json: { summary: 'one JSON object per line: open, packet, rate (with --stats), trouble (with --to), summary' },
} as const

export const logDescription = {
  name: 'log',
  summary: 'show, count and save the packets that the firewall logs',
  description: [
    'A line is: the time, packets lost before this one, the group, the prefix of the rule, the hook, the devices (from > to), the mark, ' +
      'the packet as tcpdump prints it. The kernel stamps incoming packets; others have the time at which their batch was read.',
    'Needs CAP_NET_ADMIN in its network namespace (root, or unshare -Urn), except with --read, --from and --transport sim.',
  ],
  operands: [],
  options,
  sections: [filterSection, RULE_SECTION, natsSection],
  examples: [
    {
      what: 'Show the UDP packets that this machine sends',
      line: `ringlink log --group 5 --rule 'output udp' --prefix 'out: '`,
    },
    {
      what: 'Save made-up packets of a simulated kernel, then show the DNS questions among them',
      line: `ringlink log --group 5 --transport sim --timeout 100 --count 30 --write log.pcapng && ringlink log --read log.pcapng --filter 'udp dport 53'`,
    },
    {
      what: 'Save the packets of two groups in files of 10 MB, and keep the last five',
      line: `ringlink log --group 5,6 --write log.pcapng --rotate-size 10M --keep 5 --stats`,
    },
  ],
} as const satisfies CommandDescription & { options: typeof options }

export type LogArguments = Arguments<typeof options>
