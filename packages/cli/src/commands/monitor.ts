import type { Arguments } from '../command-line/arguments.ts'
import type { CommandDescription } from '../command-line/command.ts'
import { FAMILY_NAMES, MONITOR_GROUPS } from '../families/names.ts'

const options = {
  group: {
    value: 'GROUP',
    multiple: true,
    summary: 'only this multicast group of the family; repeatable; default all',
  },
  count: { value: 'N', summary: 'end after N notifications' },
  seconds: { value: 'N', summary: 'end after N seconds' },
  json: { summary: 'one JSON object per line' },
} as const

export const monitorDescription = {
  name: 'monitor',
  summary:
    'show what the kernel notifies: links, addresses, routes, audit, uevent, and any family with multicast groups',
  description: [
    'A line is the family, the operation and its values as JSON. route watches links, addresses, routes, neighbours and rules together. ' +
      'audit shows the records of the read-log group, with their fields, and needs CAP_AUDIT_READ. ' +
      'Notifications that the kernel could not deliver are counted at the end.',
  ],
  operands: [
    {
      name: 'FAMILY',
      summary: 'what to watch',
      choices: [...Object.keys(MONITOR_GROUPS), ...FAMILY_NAMES],
      multiple: true,
    },
  ],
  options,
  examples: [
    { what: 'Links, addresses, routes, neighbours and rules', line: 'ringlink monitor route --seconds 1' },
    { what: 'Routes of IPv4 as JSON', line: 'ringlink monitor rt-route --group ipv4Route --json --seconds 1' },
    { what: 'Devices as they change', line: 'ringlink monitor netdev --seconds 1' },
    { what: 'Events of kernel objects, as udev gets them', line: 'ringlink monitor uevent --seconds 1' },
  ],
} as const satisfies CommandDescription & { options: typeof options }

export type MonitorArguments = Arguments<typeof options>
