import type { KernelError, Message } from '@ringlink/codec'
import type { OpenTransport } from '@ringlink/transport'
import type { ClientError } from './errors.ts'

/** Options of a request. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined
  /** milliseconds; default the session's */
  readonly timeout?: number | undefined
}

/** Options of a family's requests. */
export interface FamilyRequestOptions extends RequestOptions {
  /** `nlmsg_flags` besides those that the operation has: `NewFlag.Create` and the like; default 0 */
  readonly flags?: number | undefined
}

/** Options of a dump. */
export interface DumpOptions extends RequestOptions {
  /** how often to dump again when the table changed during the dump (code `DUMP_INTERRUPTED`); default 0 */
  readonly retries?: number | undefined
  /**
   * called before each of these: the rows from before count no more. `rows()` and `rowBatches()`, which have given them
   * out, take `retries` only with this
   */
  readonly onRetry?: (() => void) | undefined
}

/** Options of a batch of messages. */
export interface BatchOptions extends RequestOptions {
  /** what the messages are for: a timeout error begins with it */
  readonly what?: string | undefined
  /**
   * the messages are one transaction, which the first one begins and the last one ends: if the kernel refuses the
   * first, it answers no others
   */
  readonly transaction?: boolean | undefined
}

/** The result of one message of a batch. */
export interface BatchResult {
  /** the messages of its answer */
  readonly rows: readonly Message[]
  /** why the kernel refused it (code `KERNEL`), or what is wrong with the answer (`TRUNCATED`, `MALFORMED`) */
  readonly error: KernelError | ClientError | undefined
}

export interface SessionOptions {
  /** netlink protocol (NETLINK_*) of the transport, for names in errors; default `NETLINK_NETFILTER` */
  readonly protocol?: number | undefined
  /** milliseconds to wait for an answer; default 5000 */
  readonly requestTimeout?: number | undefined
  /**
   * opens a separate socket for dumps, at the first dump, if the frames of the transport are too small for the
   * datagrams of a dump; default: dumps use the transport
   */
  readonly open?: OpenTransport | undefined
}

/**
 * Called with an error that answers no request: the type and sequence number of the refused message, and the errno. If
 * it returns an error, the next `receive` rejects with it, after giving out the batches received before.
 */
export type StrayErrorHandler = (requestType: number, sequence: number, errno: number) => Error | undefined
