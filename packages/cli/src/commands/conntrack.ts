import type { Arguments } from '../command-line/arguments.ts'
import type { CommandDescription } from '../command-line/command.ts'
import { natsOptions, natsSection } from './nats-options.ts'
import { endOptions, filterSection } from './shared-options.ts'
import { TRANSPORT_NAMES } from './transport-names.ts'

export const CONNTRACK_ACTIONS = ['list', 'watch', 'count', 'stats', 'delete', 'update'] as const

const options = {
  filter: { value: 'FILTER', multiple: true, summary: 'only connections whose first packet it matches; repeatable' },
  family: { value: 'FAMILY', choices: ['ip', 'ip6'], summary: 'only connections of IPv4, or of IPv6' },
  state: {
    value: 'STATE',
    multiple: true,
    summary: 'only connections in this state (established, time-wait); repeatable',
  },
  status: {
    value: 'STATUS',
    multiple: true,
    summary: 'only connections with this status (assured, seen-reply); repeatable',
  },
  zone: { value: 'N', summary: 'only connections of this zone' },
  event: {
    value: 'EVENT',
    multiple: true,
    choices: ['new', 'update', 'destroy'],
    summary: 'watch only these events; repeatable; default all',
  },
  all: { summary: 'delete or update all connections; without a filter it must be given' },
  'set-mark': { value: 'N[/MASK]', summary: 'update: give connections this mark, or these bits of it' },
  'set-timeout': { value: 'TIME', summary: 'update: have them end after that time without a packet (60s, 5m, 1h)' },
  ...endOptions,
  count: { value: 'N', summary: 'list, watch: end after N connections or events' },
  transport: {
    value: 'NAME',
    summary: 'the transport: socket, mmap, or sim, which makes up connections; default socket',
    choices: TRANSPORT_NAMES,
  },
  stats: { summary: 'watch --to and --from: rates and, of --from, a line for each host at the end' },
  ...natsOptions,
  json: { summary: 'one JSON object per line' },
} as const

export const conntrackDescription = {
  name: 'conntrack',
  summary: 'list, watch, count and change the connections that the kernel tracks',
  description: [
    'A line is as conntrack -L prints it: protocol, seconds until the connection is removed, state, both directions, status, mark. watch ' +
      'prints an event a line; on a terminal it shows rates and who opens most connections instead. With --count it ends after N events.',
    'The kernel tracks connections where a rule of the network namespace asks for it. Needs CAP_NET_ADMIN there (root, or unshare -Urn).',
  ],
  operands: [{ name: 'ACTION', summary: 'what to do', choices: CONNTRACK_ACTIONS }],
  options,
  sections: [filterSection, natsSection],
  examples: [
    {
      what: 'The connections to web servers that are open now',
      line: `ringlink conntrack list --filter 'tcp dport 443' --state established`,
    },
    {
      what: 'Connections as they begin and end',
      line: 'ringlink conntrack watch --event new --event destroy --seconds 1',
    },
    {
      what: 'How many there are, and the counters of each processor as JSON',
      line: 'ringlink conntrack count && ringlink conntrack stats --json',
    },
  ],
} as const satisfies CommandDescription & { options: typeof options }

export type ConntrackArguments = Arguments<typeof options>
