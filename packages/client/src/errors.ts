import { type Message, NetlinkError } from '@ringlink/codec'
import { TransportError } from '@ringlink/transport'

/** Why the client refused or failed. */
export type ClientErrorCode =
  /** no answer arrived within the timeout */
  | 'TIMEOUT'
  /** the table changed while the kernel dumped it; the error has the rows that came */
  | 'DUMP_INTERRUPTED'
  /** an answer was longer than a frame; the error has the rows that arrived whole */
  | 'TRUNCATED'
  /** an answer cannot be parsed; the error has the rows that could be */
  | 'MALFORMED'
  /** the packet already has a verdict, or is held */
  | 'VERDICT_GIVEN'
  /** the kernel has no NFQUEUE (module nfnetlink_queue), or does not support an option; the message names the option */
  | 'QUEUE_UNSUPPORTED'
  /** CAP_NET_ADMIN is missing, or the queue has an owner: another process or this one; the message says which */
  | 'QUEUE_REFUSED'
  /** the kernel has no NFLOG (module nfnetlink_log), or does not support an option */
  | 'LOG_UNSUPPORTED'
  /** CAP_NET_ADMIN is missing, or the log group has an owner: another process or this one; the message says which */
  | 'LOG_REFUSED'
  /** the kernel has no nf_tables, or lacks an expression that the rules need */
  | 'RULES_UNSUPPORTED'
  /** the kernel refused the rules: `rule` and `expression` say which part; none of them is installed */
  | 'RULES_REFUSED'
  /**
   * the kernel does not track connections, or not for netlink (nf_conntrack_netlink is not there), or lacks what was
   * asked for
   */
  | 'CONNTRACK_UNSUPPORTED'
  /** CAP_NET_ADMIN is missing in the network namespace */
  | 'CONNTRACK_REFUSED'
  /** there is such a connection or expectation already */
  | 'CONNECTION_EXISTS'
  /** there is no such connection or expectation, or no longer */
  | 'CONNECTION_GONE'
  /** the kernel does not have the netlink family; the message names the module or option that brings it */
  | 'FAMILY_UNSUPPORTED'
  /** a set has as many elements as its size allows; nothing was added */
  | 'SET_FULL'
  /** an element is in the set already, or a range overlaps one that is; nothing was added */
  | 'ELEMENT_EXISTS'
  /** an element is not in the set; nothing was deleted */
  | 'ELEMENT_MISSING'

/** An error that the client detects itself, as opposed to one that the kernel reports. */
export class ClientError extends NetlinkError {
  declare readonly code: ClientErrorCode

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
    this.name = 'ClientError'
  }
}

/** A dump during which the table changed. {@link rows} holds the rows that came: some may be missing or repeated. */
export class DumpInterruptedError extends ClientError {
  readonly rows: readonly Message[]

  constructor(what: string, rows: readonly Message[]) {
    super(
      'DUMP_INTERRUPTED',
      `${what}: the table changed while the kernel listed it; try again, or use the ${rows.length} rows`,
    )
    this.name = 'DumpInterruptedError'
    this.rows = rows
  }
}

/**
 * An incomplete answer: code `TRUNCATED` when part of it did not fit into a frame, `MALFORMED` when part of it could
 * not be parsed (`cause` says why). {@link rows} holds the rows that arrived whole.
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
  return new TransportError(
    'BUSY',
    'receive',
    'another receive from this session is pending; a session has one consumer',
  )
}
