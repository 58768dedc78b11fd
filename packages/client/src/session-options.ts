import type { KernelError, Message } from '@ringlink/codec'
import type { OpenTransport } from '@ringlink/transport'
import type { ClientError } from './errors.ts'

/** How long to wait for an answer. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined
  /** milliseconds; default the session's */
  readonly timeout?: number | undefined
}

/** How several messages are sent together. */
export interface BatchOptions extends RequestOptions {
  /** what they are for: the error of a timeout begins with it */
  readonly what?: string | undefined
  /** they are one transaction, which the first message begins and the last one ends: when the first is refused nothing more is answered */
  readonly transaction?: boolean | undefined
}

/** What became of one message of a batch. */
export interface BatchResult {
  /** the messages that it was answered with */
  readonly rows: readonly Message[]
  /** why the kernel refused it (code `KERNEL`), or what is wrong with the answer (`TRUNCATED`, `MALFORMED`) */
  readonly error: KernelError | ClientError | undefined
}

export interface SessionOptions {
  /** netlink protocol of the transport, for names in errors; default `NETLINK_NETFILTER` */
  readonly protocol?: number | undefined
  /** milliseconds to wait for an answer; default 5000 */
  readonly requestTimeout?: number | undefined
  /**
   * opens a socket of their own for dumps, at the first one, where the frames of the transport are too small for what the kernel
   * puts into a datagram of a listing; default: dumps use the transport
   */
  readonly open?: OpenTransport | undefined
}

/**
 * Called with an error that answers no request: the type and sequence number of the message that it refuses, and the errno. An
 * error that it returns is what the next `receive` rejects with, once what was received before it is given out.
 */
export type StrayErrorHandler = (requestType: number, sequence: number, errno: number) => Error | undefined
