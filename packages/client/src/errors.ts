import { Errno, isNetlinkError, type KernelError, type Message, NetlinkError } from '@ringlink/codec'
import { TransportError } from '@ringlink/transport'
import { match } from 'ts-pattern'

/** Why the client refused or failed. */
export type ClientErrorCode =
  /** no answer within the time allowed */
  | 'TIMEOUT'
  /** the data changed while the kernel dumped it; the rows are in the error */
  | 'DUMP_INTERRUPTED'
  /** an answer was longer than a frame; the rows that arrived whole are in the error */
  | 'TRUNCATED'
  /** an answer cannot be read; the rows that can be are in the error */
  | 'MALFORMED'
  /** the packet has its verdict */
  | 'VERDICT_GIVEN'
  /** the kernel has no NFQUEUE (nfnetlink_queue is not there), or not an option of it; the message names the option */
  | 'QUEUE_UNSUPPORTED'
  /** CAP_NET_ADMIN is missing, or another process, or this one, owns the queue; the message says which */
  | 'QUEUE_REFUSED'
  /** the kernel has no NFLOG (nfnetlink_log is not there), or not an option of it */
  | 'LOG_UNSUPPORTED'
  /** CAP_NET_ADMIN is missing, or another process, or this one, owns the log group; the message says which */
  | 'LOG_REFUSED'
  /** the kernel has no nf_tables, or not an expression that the rules need */
  | 'RULES_UNSUPPORTED'
  /** the kernel refused the rules: `rule` and `expression` say which part; nothing of them is installed */
  | 'RULES_REFUSED'

/** A refusal of the client's own. */
export class ClientError extends NetlinkError {
  declare readonly code: ClientErrorCode

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
    this.name = 'ClientError'
  }
}

/** A dump during which the table changed. {@link rows} are what came: some may be missing, or there twice. */
export class DumpInterruptedError extends ClientError {
  readonly rows: readonly Message[]

  constructor(what: string, rows: readonly Message[]) {
    super(
      'DUMP_INTERRUPTED',
      `${what}: the table changed while the kernel listed it; ask again, or use the ${rows.length} rows`,
    )
    this.name = 'DumpInterruptedError'
    this.rows = rows
  }
}

/**
 * An answer of which a part is missing: code `TRUNCATED` when it did not fit into a frame, `MALFORMED` when it could not be read (the
 * `cause` says why). {@link rows} are those that arrived whole.
 */
export class IncompleteReplyError extends ClientError {
  readonly rows: readonly Message[]

  constructor(
    { code, cause }: { readonly code: 'TRUNCATED' | 'MALFORMED'; readonly cause?: Error | undefined },
    what: string,
    rows: readonly Message[],
  ) {
    const problem =
      code === 'TRUNCATED'
        ? 'an answer was longer than a frame of the transport; open it with a larger frameSize'
        : `an answer is malformed${cause === undefined ? '' : `: ${cause.message}`}`
    super(code, `${what}: ${problem} (${rows.length} rows arrived whole)`, cause === undefined ? undefined : { cause })
    this.name = 'IncompleteReplyError'
    this.rows = rows
  }
}

export function timeoutError(what: string, timeout: number): ClientError {
  return new ClientError('TIMEOUT', `${what}: no answer within ${timeout} ms`)
}

export function sessionClosed(): TransportError {
  return new TransportError('CLOSED', 'session', 'it was closed')
}

export function sessionBusy(): TransportError {
  return new TransportError('BUSY', 'receive', 'somebody is receiving from this session already; it has one consumer')
}

/** How a refused bind is explained. */
export interface Refusal {
  /** what was to be had: `queue 5`, `log group 5` */
  readonly what: string
  readonly refused: ClientErrorCode
  readonly unsupported: ClientErrorCode
  /** what the kernel is without, and how it is called there */
  readonly missing: string
}

/** The error of a bind in words that say what to do; an error that is not the kernel's stays as it is. */
export function explainRefusal(error: unknown, { what, refused, unsupported, missing }: Refusal): unknown {
  if (!(error instanceof Error) || !isNetlinkError(error, 'KERNEL')) return error
  const explain = (code: ClientErrorCode, message: string) => new ClientError(code, message, { cause: error })
  return match((error as KernelError).errno)
    .with(Errno.EPERM, () => explain(refused, `another process owns ${what}, or CAP_NET_ADMIN is missing`))
    .with(Errno.EBUSY, () => explain(refused, `this socket owns ${what} already`))
    .with(Errno.EINVAL, Errno.ENOSYS, () => explain(unsupported, `the kernel has ${missing}`))
    .with(Errno.EOPNOTSUPP, Errno.ENOTSUPP, Errno.EAGAIN, () =>
      explain(unsupported, `the kernel does not support an option asked for ${what}`),
    )
    .otherwise(() => error)
}
