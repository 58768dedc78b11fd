/** The options of a session and of its requests, described once. */
import {
  abortSignal,
  boolean,
  integer,
  type Members,
  milliseconds,
  object,
  readOptions,
  type Schema,
  text,
} from '@ringlink/codec/options'
import type { BatchOptions, RequestOptions, SessionOptions } from './session-options.ts'
import { openTransport } from './transport-schema.ts'

const LONGEST_PURPOSE = 1 << 20

const requestMembers: Members<RequestOptions> = { signal: abortSignal, timeout: milliseconds() }
const requestOptions: Schema<RequestOptions> = object<RequestOptions>(requestMembers)
const batchOptions: Schema<BatchOptions> = object<BatchOptions>({
  ...requestMembers,
  what: text(0, LONGEST_PURPOSE),
  transaction: boolean,
})
const sessionOptions: Schema<SessionOptions> = object<SessionOptions>({
  protocol: integer(0, 255),
  requestTimeout: milliseconds(),
  open: openTransport,
})

/** Checks the options of a session. Throws `OptionError`. */
export function checkSessionOptions(given: SessionOptions): SessionOptions {
  return readOptions('make session', sessionOptions, given)
}

/** Checks the options of a request. Throws `OptionError`, or the reason of an aborted signal. */
export function beginRequest(operation: string, given: RequestOptions): RequestOptions {
  const options = readOptions(operation, requestOptions, given)
  options.signal?.throwIfAborted()
  return options
}

/** As {@link beginRequest}, for a batch. */
export function beginBatch(given: BatchOptions): BatchOptions {
  const options = readOptions('batch', batchOptions, given)
  options.signal?.throwIfAborted()
  return options
}
