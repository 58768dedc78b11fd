import type { Arguments } from '../command-line/arguments.ts'
import type { CommandDescription } from '../command-line/command.ts'

const options = {
  json: { summary: 'one JSON object per line: check, queue, log group, and summary' },
} as const

export const doctorDescription = {
  name: 'doctor',
  summary: 'say what this machine can do, and what to do about the rest',
  description: [
    'Checks privileges, the addon, the kernel and what it has for queues, logs, rules and connection tracking, io_uring (with real wake-ups), ' +
      'limits, and signs of a container. Lists who owns which queue and log group, and what was lost. Changes nothing: rules are ' +
      'tried in a transaction that the kernel discards.',
    'Exit code 1 says that queues cannot work here.',
  ],
  operands: [],
  options,
  examples: [
    { what: 'All checks', line: 'ringlink doctor' },
    { what: 'As an ordinary user, in a network namespace of your own', line: 'unshare -Urn ringlink doctor' },
    { what: 'For a script or a report', line: 'ringlink doctor --json' },
  ],
} as const satisfies CommandDescription

export type DoctorArguments = Arguments<typeof options>
