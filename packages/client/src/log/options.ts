import { CopyMode, LOG_TIMEOUT_UNIT, type LogConfig, LogFlag } from '@ringlink/codec'
import type { OpenTransport, Transport, TransportNeeds } from '@ringlink/transport'
import { grantedCopyRange } from '../queue/options.ts'
import type { LogRule } from '../rules/options.ts'

/** How packets of a log group are delivered. What is left out stays as the kernel has it. */
export interface LogSettings {
  /**
   * bytes of each packet to copy, from its network header on; 0: none. Default 65531, which is all; so are 65532 to 65535. Of this and the
   * rule's the smaller counts
   */
  readonly copyRange?: number | undefined
  /** packets that the kernel collects before it delivers them together; default 100. Of this and the rule's the smaller counts */
  readonly threshold?: number | undefined
  /** milliseconds after which it delivers fewer; in steps of 10, rounded up; the kernel's default is 1000 */
  readonly timeout?: number | undefined
  /** bytes in which it collects them, from 3776 (its default) to 131072: what fits is delivered together, and it may take twice as many */
  readonly bufferSize?: number | undefined
  /** packets carry their number within the group, and losses are counted by it; default true */
  readonly sequence?: boolean | undefined
  /** packets carry their number over all groups of the namespace */
  readonly globalSequence?: boolean | undefined
  /** packets carry their connection: `conntrack()`, `conntrackInformation` */
  readonly conntrack?: boolean | undefined
}

/** How a log is opened. */
export interface LogOptions extends LogSettings {
  /** the group, or groups, that the rules name: 0 to 65535 */
  readonly group: number | readonly number[]
  /** an open transport (the log closes it), or what opens one: `openSocket`, a simulated kernel's `open` */
  readonly transport: Transport | OpenTransport
  /** the rule, or rules, that feed the one group: installed when it is taken, removed when the log is closed, or the program gone */
  readonly rule?: LogRule | readonly LogRule[] | undefined
  /** what opens the socket that the rule lives as long as; default `transport`, where that opens transports. Best a plain socket */
  readonly ruleTransport?: OpenTransport | undefined
  /** bytes of memory for packets on their way, in the kernel's accounting; default 32 MiB */
  readonly receiveBufferSize?: number | undefined
  /**
   * milliseconds between two reads at the least, so that a busy log is read many datagrams at a time; default 10. What comes after a
   * pause is read at once, and what one read has left by the next without a pause. 0: every datagram as it comes
   */
  readonly readInterval?: number | undefined
  /** milliseconds to wait for the kernel's answer to a request; default 5000 */
  readonly requestTimeout?: number | undefined
  /** aborts before and during opening: it rejects with the signal's reason, and nothing is left open or installed */
  readonly signal?: AbortSignal | undefined
}

/** What the kernel collects in when nothing else is said: a page, less its bookkeeping, on most machines. */
export const DEFAULT_LOG_BUFFER = 3776
const ATTRIBUTES_LENGTH = 1024
/** Measured at 400,000 records a second in datagrams of 64: a quarter less CPU than with 1, and nobody waits for a log that long. */
export const DEFAULT_READ_INTERVAL = 10
const DEFAULT_RECEIVE_BUFFER = 32 * 1024 * 1024

/** The groups of an option, each once. */
export function logGroups(group: number | readonly number[]): readonly number[] {
  return [...new Set(typeof group === 'number' ? [group] : group)]
}

/** What a transport must offer for a log with these options. */
export function logTransportNeeds(options: Omit<LogOptions, 'transport' | 'group'>, protocol: number): TransportNeeds {
  const { bufferSize = DEFAULT_LOG_BUFFER, receiveBufferSize } = options
  const copyRange = grantedCopyRange(options.copyRange)
  return {
    protocol,
    // The kernel rounds its buffer up, to twice the size at the most, and fills what it got; a packet that is larger than the
    // buffer has one of its own.
    frameSize: 2 * Math.max(bufferSize, copyRange + ATTRIBUTES_LENGTH),
    receiveBufferSize: receiveBufferSize ?? DEFAULT_RECEIVE_BUFFER,
  }
}

/** The config attributes for settings; those left out are not among them, but for the sequence and the mode. */
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
