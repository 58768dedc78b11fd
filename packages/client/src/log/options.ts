import { CopyMode, LOG_TIMEOUT_UNIT, type LogConfig, LogFlag } from '@ringlink/codec'
import type { OpenTransport, Transport, TransportNeeds } from '@ringlink/transport'
import { grantedCopyRange } from '../queue/options.ts'
import type { LogRule } from '../rules/options.ts'
import type { RuleSets } from '../rules/sets/types.ts'

/** How packets of a log group are delivered. Options left out keep the kernel's value. */
export interface LogSettings {
  /**
   * bytes of each packet to copy, starting at its network header; 0: none. Default 65531, which copies everything, as
   * do 65532 to 65535. The smaller of this and the rule's value applies
   */
  readonly copyRange?: number | undefined
  /**
   * packets that the kernel collects before it delivers them together; default 100. The smaller of this and the rule's
   * value applies
   */
  readonly threshold?: number | undefined
  /**
   * milliseconds after which the kernel delivers fewer packets; in steps of 10, rounded up; the kernel's default is
   * 1000
   */
  readonly timeout?: number | undefined
  /**
   * size in bytes of the buffer in which the kernel collects them, from 3776 (its default) to 131072; it may use twice
   * as much
   */
  readonly bufferSize?: number | undefined
  /** packets carry a sequence number within the group, by which losses are counted; default true */
  readonly sequence?: boolean | undefined
  /** packets carry a sequence number over all groups of the namespace */
  readonly globalSequence?: boolean | undefined
  /** packets carry their connection: `conntrack()`, `conntrackInformation` */
  readonly conntrack?: boolean | undefined
}

/** Options of `openLog`. */
export interface LogOptions extends LogSettings {
  /**
   * the group, or groups, that the rules name: 0 to 65535; of a transport that only receives, as that of a NATS stream,
   * also `any`: every group that comes
   */
  readonly group: number | readonly number[] | 'any'
  /** an open transport (the log closes it), or a function that opens one: `openSocket`, a simulated kernel's `open` */
  readonly transport: Transport | OpenTransport
  /**
   * the rule, or rules, that feed the one group: installed when it is taken, removed when the log is closed, or the
   * program gone
   */
  readonly rule?: LogRule | string | readonly (LogRule | string)[] | undefined
  /**
   * what opens the socket that the rule lives as long as; default `transport`, where that opens transports. Best a
   * plain socket
   */
  readonly ruleTransport?: OpenTransport | undefined
  /** sets that the rules look packets up in, by their names; `rules.set(name)` changes them */
  readonly sets?: RuleSets | undefined
  /** size in bytes of the socket's receive buffer, in the kernel's accounting; default 32 MiB */
  readonly receiveBufferSize?: number | undefined
  /**
   * minimum milliseconds between two reads, so that a busy log is read many datagrams at a time; default 10. A datagram
   * that comes after a pause is read at once, and so is what a read left over. 0: every datagram as it comes
   */
  readonly readInterval?: number | undefined
  /** milliseconds to wait for the kernel's answer to a request; default 5000 */
  readonly requestTimeout?: number | undefined
  /** aborts opening: `openLog` rejects with the signal's reason, and nothing is left open or installed */
  readonly signal?: AbortSignal | undefined
}

/** The kernel's default buffer: a page less its bookkeeping, on most machines (`NFULNL_NLBUFSIZ_DEFAULT`). */
export const DEFAULT_LOG_BUFFER = 3776
const ATTRIBUTES_LENGTH = 1024
/**
 * Measured at 400,000 records a second in datagrams of 64: a quarter less CPU than with 1, for a delay that a log
 * reader does not notice.
 */
export const DEFAULT_READ_INTERVAL = 10
const DEFAULT_RECEIVE_BUFFER = 32 * 1024 * 1024

/** The groups of the option, without duplicates; none stands for any. */
export function logGroups(group: LogOptions['group']): readonly number[] {
  if (group === 'any') return []
  return [...new Set(typeof group === 'number' ? [group] : group)]
}

/** What a log with these options needs of a transport. */
export function logTransportNeeds(options: Omit<LogOptions, 'transport' | 'group'>, protocol: number): TransportNeeds {
  const { bufferSize = DEFAULT_LOG_BUFFER, receiveBufferSize } = options
  const copyRange = grantedCopyRange(options.copyRange)
  return {
    protocol,
    // The kernel rounds its buffer up, to at most twice the size, and fills all of it; a packet larger than the buffer
    // gets its own.
    frameSize: 2 * Math.max(bufferSize, copyRange + ATTRIBUTES_LENGTH),
    receiveBufferSize: receiveBufferSize ?? DEFAULT_RECEIVE_BUFFER,
  }
}

/** The config attributes for settings; options left out have none, except for sequence and copy mode. */
export function logConfig(settings: LogSettings): LogConfig {
  const { threshold, timeout, bufferSize, sequence = true } = settings
  const copyRange = grantedCopyRange(settings.copyRange)
  const config: LogConfig = { mode: { copyRange, copyMode: copyRange === 0 ? CopyMode.Meta : CopyMode.Packet } }
  if (bufferSize !== undefined) config.bufferSize = bufferSize
  if (timeout !== undefined) config.timeout = Math.ceil(timeout / LOG_TIMEOUT_UNIT)
  if (threshold !== undefined) config.threshold = threshold
  const flags =
    (sequence ? LogFlag.Sequence : 0) |
    (settings.globalSequence ? LogFlag.GlobalSequence : 0) |
    (settings.conntrack ? LogFlag.Conntrack : 0)
  config.flags = flags
  return config
}
