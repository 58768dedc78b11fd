/** What a kernel's connection tracking is set to: its sysctls, `net.netfilter.nf_conntrack_*`. */
import { boolean, integer, object, oneOf, type Schema } from '@ringlink/codec/options'

/** How long connections of TCP live without a packet, by state; seconds. */
export interface TcpTimeouts {
  readonly synSent?: number | undefined
  readonly synReceived?: number | undefined
  readonly established?: number | undefined
  readonly finWait?: number | undefined
  readonly closeWait?: number | undefined
  readonly lastAck?: number | undefined
  readonly timeWait?: number | undefined
  readonly close?: number | undefined
  /** after packets that were sent again and again */
  readonly maximumRetransmissions?: number | undefined
  /** while data is not acknowledged */
  readonly unacknowledged?: number | undefined
}

/** How long connections live without a packet; seconds. */
export interface ConntrackTimeouts {
  readonly generic?: number | undefined
  readonly icmp?: number | undefined
  readonly icmpv6?: number | undefined
  readonly tcp?: TcpTimeouts | undefined
  readonly udp?: number | undefined
  readonly udpStream?: number | undefined
}

/** What the connection tracking of one kernel does and that of another does not. */
export interface ConntrackFeatures {
  /** with `timestamps`, events tell when they happened (CTA_TIMESTAMP_EVENT, Linux 6.14) */
  readonly eventTimestamps: boolean
  /** the end of a filtered dump has the flag NLM_F_DUMP_FILTERED, like its rows; only in kernels before 6.18 */
  readonly filteredDone: boolean
  /** dumps and flushes are filtered by CTA_ZONE, too (Linux 6.8) */
  readonly zoneFilters: boolean
  /** flushes can be filtered by CTA_FILTER (after Linux 6.1); where false that is EOPNOTSUPP */
  readonly flushFilters: boolean
  /** filters by an address of IPv6 let through what does not have it; late updates of 6.12 have mended that */
  readonly invertedIpv6Filters: boolean
  /**
   * packets of a new flow that waited together in a queue all pass (Linux 4.7, for UDP and ICMP); where false the first
   * one passes, and the others are dropped
   */
  readonly clashResolution: boolean
}

type FeatureOptions = { readonly [Name in keyof ConntrackFeatures]?: ConntrackFeatures[Name] | undefined }

/** Connection tracking of a simulated kernel. What is left out is as Linux has it. */
export interface ConntrackOptions extends FeatureOptions {
  /**
   * which packets are tracked: those of families that a rule with `ct` looks at, as the kernel registers its hooks, or
   * `always` all of IPv4 and IPv6; default `rules`
   */
  readonly track?: 'rules' | 'always' | undefined
  /** packets and bytes of new connections are counted (`acct`); default false, and true once a rule asks for them */
  readonly accounting?: boolean | undefined
  /** new connections know when they began and ended (`timestamp`); default false */
  readonly timestamps?: boolean | undefined
  /** new connections have events (`events`): never, always, or while there is a listener; default `auto` */
  readonly events?: 'off' | 'on' | 'auto' | undefined
  /** checksums are verified at Prerouting (`checksum`); default true */
  readonly checksum?: boolean | undefined
  /** connections there can be (`max`); default 262144 */
  readonly maximum?: number | undefined
  /** expected connections there can be (`expect_max`); default 4096 */
  readonly maximumExpectations?: number | undefined
  /** processors, each with a row of statistics; everything happens on the first; default 1 */
  readonly processors?: number | undefined
  /** pick up TCP connections that have begun already (`tcp_loose`); default true */
  readonly tcpLoose?: boolean | undefined
  /** take TCP packets that are out of the window (`tcp_be_liberal`); default false */
  readonly tcpBeLiberal?: boolean | undefined
  /** take resets with any sequence number (`tcp_ignore_invalid_rst`); default false */
  readonly tcpIgnoreInvalidReset?: boolean | undefined
  /** packets sent again until the shorter timeout counts (`tcp_max_retrans`); default 3 */
  readonly tcpMaximumRetransmissions?: number | undefined
  readonly timeouts?: ConntrackTimeouts | undefined
}

/** Timeouts with the kernel's own where none were given. */
export interface CheckedTimeouts {
  readonly generic: number
  readonly icmp: number
  readonly icmpv6: number
  readonly tcp: Readonly<Record<keyof TcpTimeouts, number>>
  readonly udp: number
  readonly udpStream: number
}

/** Settings with the kernel's own where none were given. Timeouts are milliseconds. */
export interface ConntrackSettings extends ConntrackFeatures {
  readonly tracksAlways: boolean
  /** set once a rule asks for counters */
  accounting: boolean
  readonly timestamps: boolean
  readonly events: 'off' | 'on' | 'auto'
  readonly checksum: boolean
  readonly maximum: number
  readonly maximumExpectations: number
  readonly processors: number
  readonly tcpLoose: boolean
  readonly tcpBeLiberal: boolean
  readonly tcpIgnoreInvalidReset: boolean
  readonly tcpMaximumRetransmissions: number
  readonly timeouts: CheckedTimeouts
}

const count = integer(0, 0x7fffffff)
/** `INT_MAX` jiffies at 250 a second */
const LONGEST_TIMEOUT = 8_589_934
const timeout = integer(0, LONGEST_TIMEOUT)
const MOST_PROCESSORS = 8192

const tcpTimeouts = object<TcpTimeouts>({
  synSent: timeout,
  synReceived: timeout,
  established: timeout,
  finWait: timeout,
  closeWait: timeout,
  lastAck: timeout,
  timeWait: timeout,
  close: timeout,
  maximumRetransmissions: timeout,
  unacknowledged: timeout,
})

/** Checks what connection tracking is to be. */
export const conntrackOptions: Schema<ConntrackOptions> = object<ConntrackOptions>({
  track: oneOf('rules', 'always'),
  accounting: boolean,
  timestamps: boolean,
  eventTimestamps: boolean,
  filteredDone: boolean,
  zoneFilters: boolean,
  flushFilters: boolean,
  invertedIpv6Filters: boolean,
  clashResolution: boolean,
  events: oneOf('off', 'on', 'auto'),
  checksum: boolean,
  maximum: count,
  maximumExpectations: count,
  processors: integer(1, MOST_PROCESSORS),
  tcpLoose: boolean,
  tcpBeLiberal: boolean,
  tcpIgnoreInvalidReset: boolean,
  tcpMaximumRetransmissions: integer(0, 0xff),
  timeouts: object<ConntrackTimeouts>({
    generic: timeout,
    icmp: timeout,
    icmpv6: timeout,
    tcp: tcpTimeouts,
    udp: timeout,
    udpStream: timeout,
  }),
})

const defaultTcp: Readonly<Record<keyof TcpTimeouts, number>> = {
  synSent: 120,
  synReceived: 60,
  established: 432_000,
  finWait: 120,
  closeWait: 60,
  lastAck: 30,
  timeWait: 120,
  close: 10,
  maximumRetransmissions: 300,
  unacknowledged: 300,
}
const defaultTimeouts = { generic: 600, icmp: 30, icmpv6: 30, udp: 30, udpStream: 120 } as const

/** The given numbers in milliseconds, those left out by default. */
function inMilliseconds<Name extends string>(
  defaults: Readonly<Record<Name, number>>,
  given: Readonly<Partial<Record<Name, number | undefined>>>,
): Record<Name, number> {
  const names = Object.keys(defaults) as Name[]
  return Object.fromEntries(names.map((name) => [name, (given[name] ?? defaults[name]) * 1000])) as Record<Name, number>
}

/** Fills in what was left out of options that have all features. */
export function conntrackSettings(options: ConntrackOptions & ConntrackFeatures): ConntrackSettings {
  const { tcp = {}, ...others } = options.timeouts ?? {}
  const { eventTimestamps, filteredDone, zoneFilters, flushFilters, invertedIpv6Filters, clashResolution } = options
  return {
    tracksAlways: options.track === 'always',
    accounting: options.accounting ?? false,
    timestamps: options.timestamps ?? false,
    eventTimestamps,
    filteredDone,
    zoneFilters,
    flushFilters,
    invertedIpv6Filters,
    clashResolution,
    events: options.events ?? 'auto',
    checksum: options.checksum ?? true,
    maximum: options.maximum ?? 262_144,
    maximumExpectations: options.maximumExpectations ?? 4096,
    processors: options.processors ?? 1,
    tcpLoose: options.tcpLoose ?? true,
    tcpBeLiberal: options.tcpBeLiberal ?? false,
    tcpIgnoreInvalidReset: options.tcpIgnoreInvalidReset ?? false,
    tcpMaximumRetransmissions: options.tcpMaximumRetransmissions ?? 3,
    timeouts: { ...inMilliseconds(defaultTimeouts, others), tcp: inMilliseconds(defaultTcp, tcp) },
  }
}
