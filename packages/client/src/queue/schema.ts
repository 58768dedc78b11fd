/** The options of queues, described once. */
import {
  abortSignal,
  boolean,
  either,
  integer,
  type Members,
  milliseconds,
  object,
  oneOf,
  required,
  type Schema,
} from '@ringlink/codec/options'
import { queueRules, ruleTransport } from '../rules/schema.ts'
import { ruleSets } from '../rules/sets/definition.ts'
import { transportOrOpen } from '../transport-schema.ts'
import type { QueueOptions, QueueSettings } from './options.ts'

const settings: Members<QueueSettings> = {
  // Other programs use 65532 to 65535 for "everything", and the kernel accepts them.
  copyRange: integer(0, 0xffff),
  // The kernel grants at most 65536 and accepts larger values, so this does too.
  maxLength: integer(1, 0xffffffff),
  failOpen: boolean,
  conntrack: boolean,
  segmentationOffload: boolean,
  userAndGroup: boolean,
  securityContext: boolean,
}

/** The settings of `Queue.configure`. */
export const queueSettings: Schema<QueueSettings> = object<QueueSettings>(settings)

/** The members of `openQueue`'s options, for packages that add their own. */
export const queueMembers: Members<QueueOptions> = {
  ...settings,
  number: required(integer(0, 0xffff)),
  transport: required(transportOrOpen),
  rule: queueRules,
  ruleTransport,
  sets: ruleSets,
  unanswered: oneOf('accept', 'drop'),
  verdictBatching: either(oneOf('auto', 'always', 'never'), integer(1, 0xffffffff)),
  receiveBufferSize: integer(1, 0x7fffffff),
  requestTimeout: milliseconds(1),
  signal: abortSignal,
}

/** The options of `openQueue`. */
export const queueOptions: Schema<QueueOptions> = object<QueueOptions>(queueMembers)
