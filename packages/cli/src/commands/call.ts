import type { Arguments } from '../command-line/arguments.ts'
import type { CommandDescription } from '../command-line/command.ts'
import { FAMILY_NAMES } from '../families/names.ts'

export const REQUEST_FLAGS = ['create', 'exclusive', 'replace', 'append'] as const

const options = {
  dump: { summary: 'list all that the operation lists' },
  flag: {
    value: 'FLAG',
    multiple: true,
    choices: REQUEST_FLAGS,
    summary: 'NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE or NLM_F_APPEND; repeatable',
  },
  list: { summary: 'list the operations of the family instead' },
} as const

export const callDescription = {
  name: 'call',
  summary: 'carry out an operation of any netlink family',
  description: [
    'OPERATION is a name of the kernel\'s specification of the family. JSON is its request: attributes by name, "header" for the struct that the ' +
      'messages of a family begin with. Constants are names or numbers, addresses text, bytes hexadecimal digits. The answer is one JSON object ' +
      'per line; attributes that are not described are in "unknown".',
    'A request is checked before it is sent. Most that change something need CAP_NET_ADMIN in the network namespace (root, or unshare -Urn).',
  ],
  operands: [
    { name: 'FAMILY', summary: 'the family', choices: FAMILY_NAMES },
    { name: 'OPERATION', summary: 'the operation; ringlink call FAMILY --list shows them' },
    { name: 'JSON', summary: 'the request; default {}' },
  ],
  options,
  examples: [
    { what: 'The network devices', line: 'ringlink call rt-link getlink --dump' },
    { what: 'One device', line: `ringlink call rt-link getlink '{"ifname": "lo"}'` },
    { what: 'What the ethtool family can do', line: 'ringlink call ethtool --list' },
  ],
} as const satisfies CommandDescription & { options: typeof options }

export type CallArguments = Arguments<typeof options>
