/** The options of a session and of its requests, described once. */
import {
  abortSignal,
  boolean,
  functionOf,
  integer,
  type Members,
  milliseconds,
  object,
  readOptions,
  type Schema,
  text,
} from '@ringlink/codec/options'
import type {
  BatchOptions,
  DumpOptions,
  FamilyRequestOptions,
  RequestOptions,
  SessionOptions,
} from './session-options.ts'
import { openTransport } from './transport-schema.ts'

const LONGEST_PURPOSE = 1 << 20
/** of 16 bits */
const MAXIMUM_FLAGS = 0xffff

const requestMembers: Members<RequestOptions> = { signal: abortSignal, timeout: milliseconds() }
const requestOptions: Schema<RequestOptions> = object<RequestOptions>(requestMembers)
const familyRequestOptions: Schema<FamilyRequestOptions> = object<FamilyRequestOptions>({
  ...requestMembers,
  flags: integer(0, MAXIMUM_FLAGS),
})
const dumpOptions = object<DumpOptions>({
  ...requestMembers,
  retries: integer(0, 1000),
  onRetry: functionOf<() => void>('a function'),
})
const streamOptions = object<DumpOptions>(dumpOptions.members, ({ retries = 0, onRetry }, place) => {
  if (retries > 0 && onRetry === undefined) {
    throw place.member('onRetry').missing('a function, because retries is given and rows may have been given out')
  }
})
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

/** Checks the options of a family's request. Throws `OptionError`. */
export function readFamilyRequest(operation: string, given: FamilyRequestOptions): FamilyRequestOptions {
  return readOptions(operation, familyRequestOptions, given)
}

/** As {@link beginRequest}, for a dump. */
export function beginDump(operation: string, given: DumpOptions): DumpOptions {
  const options = readOptions(operation, dumpOptions, given)
  options.signal?.throwIfAborted()
  return options
}

/** As {@link beginDump}, for one that gives rows out before its end. */
export function beginStream(operation: string, given: DumpOptions): DumpOptions {
  const options = readOptions(operation, streamOptions, given)
  options.signal?.throwIfAborted()
  return options
}

/** As {@link beginRequest}, for a batch. */
export function beginBatch(given: BatchOptions): BatchOptions {
  const options = readOptions('batch', batchOptions, given)
  options.signal?.throwIfAborted()
  return options
}
