import type { OpenTransport, Transport } from '@ringlink/transport'
import type { ConnectionFilter } from './types.ts'

/** Options of `openConntrack`. */
export interface ConntrackOptions {
  /**
   * an open transport (closed with it; it can then only list or watch at one time), or a function that opens one:
   * `openSocket`
   */
  readonly transport: Transport | OpenTransport
  /** size in bytes of the receive buffer for answers, in the kernel's accounting; default 4 MiB */
  readonly receiveBufferSize?: number | undefined
  /** milliseconds to wait for the kernel's answer to a request; default 5000 */
  readonly requestTimeout?: number | undefined
  /** aborts before and during opening */
  readonly signal?: AbortSignal | undefined
}

/** Which events of connections to receive. */
export interface EventOptions {
  /** new connections; default true */
  readonly new?: boolean | undefined
  /** changes of connections: state, status, mark, label or helper; default true */
  readonly update?: boolean | undefined
  /** ended connections; default true */
  readonly destroy?: boolean | undefined
  /**
   * which connections; those that the filter does not select never wake the program. Properties that an event does not
   * carry (`state` when a connection ends) match nothing
   */
  readonly filter?: ConnectionFilter | undefined
  /** size in bytes of the receive buffer for events, in the kernel's accounting; default 32 MiB */
  readonly receiveBufferSize?: number | undefined
  /** aborts before and during opening */
  readonly signal?: AbortSignal | undefined
}

/** Options of a dump. */
export interface ListOptions {
  readonly signal?: AbortSignal | undefined
  /** milliseconds to wait for each part of the answer; default `requestTimeout` */
  readonly timeout?: number | undefined
  /** reset the counters of the listed connections to 0; needs net.netfilter.nf_conntrack_acct. Default false */
  readonly resetCounters?: boolean | undefined
}
