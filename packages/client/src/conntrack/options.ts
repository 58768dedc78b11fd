import type { OpenTransport, Transport } from '@ringlink/transport'
import type { ConnectionFilter } from './types.ts'

/** How connection tracking is opened. */
export interface ConntrackOptions {
  /** an open transport (closed with it; it can then either list or watch at one time), or what opens one: `openSocket` */
  readonly transport: Transport | OpenTransport
  /** bytes of memory for answers on their way, in the kernel's accounting; default 4 MiB */
  readonly receiveBufferSize?: number | undefined
  /** milliseconds to wait for the kernel's answer to a request; default 5000 */
  readonly requestTimeout?: number | undefined
  /** aborts before and during opening */
  readonly signal?: AbortSignal | undefined
}

/** Which events of connections to receive. */
export interface EventOptions {
  /** connections that begin; default true */
  readonly new?: boolean | undefined
  /** connections that change: another state, status, mark, label or helper; default true */
  readonly update?: boolean | undefined
  /** connections that end; default true */
  readonly destroy?: boolean | undefined
  /**
   * which connections; those that the filter does not select never wake the program. Properties that an event does not carry (`state`
   * when a connection ends) match nothing
   */
  readonly filter?: ConnectionFilter | undefined
  /** bytes of memory for events that wait to be read, in the kernel's accounting; default 32 MiB */
  readonly receiveBufferSize?: number | undefined
  /** aborts before and during opening */
  readonly signal?: AbortSignal | undefined
}

/** Options of a listing. */
export interface ListOptions {
  readonly signal?: AbortSignal | undefined
  /** milliseconds to wait for each part of the answer; default `requestTimeout` */
  readonly timeout?: number | undefined
  /** start the counters of what is listed again from 0; needs net.netfilter.nf_conntrack_acct. Default false */
  readonly resetCounters?: boolean | undefined
}
