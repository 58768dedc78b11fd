import type { Arguments } from '../command-line/arguments.ts'
import type { CommandDescription } from '../command-line/command.ts'

export const INPUT_FORMATS = ['auto', 'hex', 'strace', 'capture', 'raw'] as const
export const BYTE_ORDERS = ['little', 'big'] as const
/** Names of netlink protocols (`NETLINK_...`), and their numbers. */
export const PROTOCOL_NAMES = {
  route: 0,
  usersock: 2,
  sock_diag: 4,
  xfrm: 6,
  audit: 9,
  connector: 11,
  netfilter: 12,
  kobject_uevent: 15,
  generic: 16,
} as const

const options = {
  protocol: {
    value: 'NAME',
    choices: Object.keys(PROTOCOL_NAMES),
    summary: 'netlink protocol if the input does not have it: a name (NETLINK_...) or number; default netfilter',
  },
  'byte-order': {
    value: 'ORDER',
    choices: BYTE_ORDERS,
    summary:
      'byte order of the machine that the bytes come from: little or big; default from the input, else of this machine',
  },
  format: {
    value: 'FORMAT',
    choices: INPUT_FORMATS,
    summary: 'format of the input: hex, strace, capture (pcapng or pcap), raw (netlink bytes), or auto, the default',
  },
  json: { summary: 'one JSON object per message' },
} as const

export const inspectDescription = {
  name: 'inspect',
  summary: 'show netlink bytes as a tree of messages and attributes',
  description: [
    'INPUT is hexadecimal digits, a file, or - for standard input, which is also read if there is none. Digits may have blanks, commas, 0x, ' +
      '\\x, offsets at the beginning of a line, and comments after # or //. Captures show their netlink and NFLOG packets; other packets: ' +
      'ringlink log --read.',
    'Every family that ringlink describes is shown by its tables. The families of generic netlink are told apart by the messages of the ' +
      'controller in the input, else by those of the running kernel.',
    'strace decodes netlink itself and leaves bytes out, so make it dump them too: strace -xx -e read=all -e write=all. What it dumps of ' +
      'netlink sockets is shown as it comes.',
  ],
  operands: [{ name: 'INPUT', summary: 'hexadecimal digits, a file, or -', file: true, multiple: true }],
  options,
  examples: [
    {
      what: 'A request that binds queue 0',
      line: `ringlink inspect '1c000000 02030500 01000000 00000000 00000000 08000100 01000002'`,
    },
    {
      what: 'The requests of a command, and the answers of the kernel',
      line: `strace -f -xx -e trace=network -e read=all -e write=all ip link show lo 2>&1 | ringlink inspect`,
    },
    {
      what: 'Logged packets of a capture, as JSON',
      line: `ringlink log --group 5 --transport sim --timeout 100 --count 5 --write log.pcapng && ringlink inspect log.pcapng --json`,
    },
  ],
} as const satisfies CommandDescription

export type InspectArguments = Arguments<typeof options>
