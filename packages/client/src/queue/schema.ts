/** The options of queues, described once: those without rules, which need none of the code of rules. */
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
import { openTransport, transportOrOpen } from '../transport-schema.ts'
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

/** Options of `openQueue` without rules. */
export interface PlainQueueOptions extends Omit<QueueOptions, 'rule' | 'sets'> {}

/** The members of {@link PlainQueueOptions}. */
export const plainQueueMembers: Members<PlainQueueOptions> = {
  ...settings,
  number: required(integer(0, 0xffff)),
  transport: required(transportOrOpen),
  ruleTransport: openTransport,
  unanswered: oneOf('accept', 'drop'),
  verdictBatching: either(oneOf('auto', 'always', 'never'), integer(1, 0xffffffff)),
  receiveBufferSize: integer(1, 0x7fffffff),
  requestTimeout: milliseconds(1),
  signal: abortSignal,
}

/** The options of `openQueue` without rules. */
export const plainQueueOptions: Schema<PlainQueueOptions> = object<PlainQueueOptions>(plainQueueMembers)
