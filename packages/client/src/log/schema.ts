/** The options of logs, described once. */
import { MAXIMUM_LOG_BUFFER } from '@ringlink/codec'
import {
  abortSignal,
  boolean,
  either,
  integer,
  list,
  type Members,
  milliseconds,
  number,
  object,
  oneOf,
  required,
  type Schema,
} from '@ringlink/codec/options'
import { logRules, ruleTransport } from '../rules/schema.ts'
import { ruleSets } from '../rules/sets/definition.ts'
import { transportOrOpen } from '../transport-schema.ts'
import { DEFAULT_LOG_BUFFER, type LogOptions } from './options.ts'

const group = integer(0, 0xffff)

/** The members of `openLog`'s options, for packages that add their own. */
export const logMembers: Members<LogOptions> = {
  group: required(either(either(group, list(group, 1)), oneOf('any'))),
  transport: required(transportOrOpen),
  rule: logRules,
  ruleTransport,
  sets: ruleSets,
  // Other programs use 65532 to 65535 for "everything", and the kernel accepts them.
  copyRange: integer(0, 0xffff),
  threshold: integer(1, 0xffffffff),
  timeout: integer(1, 0x7fffffff, 'milliseconds'),
  bufferSize: integer(DEFAULT_LOG_BUFFER, MAXIMUM_LOG_BUFFER),
  sequence: boolean,
  globalSequence: boolean,
  conntrack: boolean,
  receiveBufferSize: integer(1, 0x7fffffff),
  readInterval: number(0, 10_000, 'milliseconds'),
  requestTimeout: milliseconds(1),
  signal: abortSignal,
}

/** The options of `openLog`. */
export const logOptions: Schema<LogOptions> = object<LogOptions>(logMembers)
