import { type Message, NetlinkError } from '@ringlink/codec'
import { TransportError } from '@ringlink/transport'

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
