/** Connections in the form for programs: names, addresses as text, milliseconds. */
import type {
  Conntrack,
  ConntrackStatusWord,
  DccpStateWord,
  Expectation,
  SctpStateWord,
  TcpStateWord,
} from '@ringlink/codec'
import type { NumberRange } from '../rules/properties.ts'

/** A transport protocol: a name, or its number. */
export type ConnectionProtocol = 'icmp' | 'tcp' | 'udp' | 'dccp' | 'gre' | 'icmpv6' | 'sctp' | 'udplite' | number

/** The state of a connection of TCP, SCTP or DCCP; a number if the codec has no name for it. */
export type ConnectionTrackingState = TcpStateWord | SctpStateWord | DccpStateWord | number

/** One direction of a connection. */
export interface ConnectionTuple {
  readonly sourceAddress: string
  readonly destinationAddress: string
  readonly protocol: ConnectionProtocol
  readonly sourcePort?: number | undefined
  readonly destinationPort?: number | undefined
  /** of ICMP and ICMPv6 */
  readonly icmpId?: number | undefined
  /** of ICMP and ICMPv6 */
  readonly icmpType?: number | undefined
  /** of ICMP and ICMPv6 */
  readonly icmpCode?: number | undefined
  /** the zone of this direction, if it differs from the other one's */
  readonly zone?: number | undefined
}

/** Packets and bytes of one direction. */
export interface ConnectionCounters {
  readonly packets: bigint
  readonly bytes: bigint
}

/**
 * A connection as an owned value: of a listing, an event, a queued packet or a log record. Values that the kernel omits
 * are `undefined`.
 */
export interface Connection {
  readonly family: 'ip' | 'ip6'
  /** the direction of the first packet */
  readonly original: ConnectionTuple
  /** the other direction, after address translation */
  readonly reply: ConnectionTuple
  /** the connection that expected this one */
  readonly master?: ConnectionTuple | undefined
  /**
   * a number that distinguishes it from a later connection with its tuple; two connections may have the same one (32
   * bits of a hash)
   */
  readonly id?: number | undefined
  /** default 0 */
  readonly zone: number
  readonly status: readonly ConntrackStatusWord[]
  readonly state?: ConnectionTrackingState | undefined
  /** milliseconds until it is removed without further packets, in whole seconds */
  readonly timeout?: number | undefined
  /** default 0 */
  readonly mark: number
  /** references of the kernel to it */
  readonly use?: number | undefined
  /** needs net.netfilter.nf_conntrack_acct */
  readonly counters?: { readonly original: ConnectionCounters; readonly reply: ConnectionCounters } | undefined
  /** nanoseconds since 1970; needs net.netfilter.nf_conntrack_timestamp */
  readonly timestamp?: { readonly start: bigint; readonly stop?: bigint | undefined } | undefined
  /** 128 bits, in the kernel's order */
  readonly labels?: Uint8Array | undefined
  readonly helper?: string | undefined
  readonly securityContext?: string | undefined
  /** every attribute of the message, unknown ones included */
  readonly attributes: Conntrack
}

/** A port, or a range of them. */
export type ConnectionPorts = number | NumberRange

/** Properties of one direction to select connections by. */
export interface TupleFilter {
  /** an address, or a network: `10.0.0.0/8` */
  readonly sourceAddress?: string | undefined
  /** an address, or a network: `10.0.0.0/8` */
  readonly destinationAddress?: string | undefined
  /** needs `protocol` */
  readonly sourcePort?: ConnectionPorts | undefined
  /** needs `protocol` */
  readonly destinationPort?: ConnectionPorts | undefined
}

/** Selects connections that have all of the properties. Properties left out match any connection. */
export interface ConnectionFilter extends TupleFilter {
  readonly family?: 'ip' | 'ip6' | undefined
  readonly protocol?: ConnectionProtocol | undefined
  /** of the reply direction, which address translation changes */
  readonly reply?: TupleFilter | undefined
  /** any of these; of TCP, SCTP and DCCP */
  readonly state?:
    | Exclude<ConnectionTrackingState, number>
    | readonly Exclude<ConnectionTrackingState, number>[]
    | undefined
  /** all of these */
  readonly status?: ConntrackStatusWord | readonly ConntrackStatusWord[] | undefined
  /** none of these */
  readonly notStatus?: ConntrackStatusWord | readonly ConntrackStatusWord[] | undefined
  /** its mark, or the bits of it that are set in `mask` */
  readonly mark?: number | { readonly value: number; readonly mask: number } | undefined
  readonly zone?: number | undefined
}

/**
 * Names a connection by one direction and its zone. A {@link Connection} can be used, and then its id must match too.
 */
export interface ConnectionKey {
  /** either this or `reply` */
  readonly original?: ConnectionTuple | undefined
  readonly reply?: ConnectionTuple | undefined
  /** default 0 */
  readonly zone?: number | undefined
  readonly id?: number | undefined
}

/** Bits of a connection to change. */
export type MaskedMark = number | { readonly value: number; readonly mask: number }

/** Changes of a connection; properties left out stay unchanged. */
export interface ConnectionChanges {
  /** milliseconds, rounded up to whole seconds */
  readonly timeout?: number | undefined
  /** its mark, or the bits of it that are set in `mask` */
  readonly mark?: MaskedMark | undefined
  /** bits to set; the kernel clears none, and refuses some */
  readonly status?: readonly ConntrackStatusWord[] | undefined
  /** the state, of TCP */
  readonly state?: TcpStateWord | undefined
  /** 16 bytes, or the bits of them that are set in `mask` */
  readonly labels?: Uint8Array | { readonly value: Uint8Array; readonly mask: Uint8Array } | undefined
  /** the helper; '' removes it */
  readonly helper?: string | undefined
  /** attributes without an option here, by the names of the codec's table; they override the options */
  readonly attributes?: Conntrack | undefined
}

/**
 * Changes that a verdict makes to the connection of its packet. The kernel ignores others without an error, so they are
 * refused: its state, and a helper other than the one that it has.
 */
export interface ConnectionVerdict extends Omit<ConnectionChanges, 'state' | 'helper'> {
  /** '' removes the helper of the connection */
  readonly helper?: string | undefined
  /** expects a connection that belongs to this one; which must have a helper, whose timeout it gets */
  readonly expectation?: VerdictExpectation | undefined
}

/** A connection that a verdict expects. Its master is the connection of the packet. */
export type VerdictExpectation = Omit<NewExpectation, 'master' | 'timeout' | 'zone'>

/** An address to translate to, and a port. */
export interface ConnectionNat {
  readonly address: string
  readonly port?: number | undefined
}

/** A connection to create. */
export interface NewConnection extends ConnectionChanges {
  readonly original: ConnectionTuple
  /** default: the reverse of `original` */
  readonly reply?: ConnectionTuple | undefined
  readonly timeout: number
  readonly zone?: number | undefined
  /** translate the source of its packets */
  readonly sourceNat?: ConnectionNat | undefined
  /** translate the destination of its packets */
  readonly destinationNat?: ConnectionNat | undefined
  /** the connection that expected it */
  readonly master?: ConnectionTuple | undefined
}

/** A flag of an expected connection. */
export type ExpectationFlagWord = 'permanent' | 'inactive' | 'user-space'

/** An expected connection, as an owned value. */
export interface ExpectedConnection {
  /** the connection that it will belong to */
  readonly master?: ConnectionTuple | undefined
  readonly tuple: ConnectionTuple
  /** mask of the bits of `tuple` to compare */
  readonly mask?: ConnectionTuple | undefined
  readonly id?: number | undefined
  /** milliseconds until it expires */
  readonly timeout?: number | undefined
  /** absent: Linux 6.18 and before do not tell it */
  readonly zone?: number | undefined
  readonly helper?: string | undefined
  readonly flags: readonly ExpectationFlagWord[]
  readonly class?: number | undefined
  /** every attribute of the message, unknown ones included */
  readonly attributes: Expectation
}

/** Where an expected connection is, besides its tuple. */
export interface ExpectationPlace {
  /** default 0 */
  readonly zone?: number | undefined
}

/** A connection to expect. */
export interface NewExpectation {
  /** the connection that it will belong to, which must exist */
  readonly master: ConnectionTuple
  readonly tuple: ConnectionTuple
  /** mask of the bits of `tuple` to compare; default: all except the source port */
  readonly mask?: ConnectionTuple | undefined
  /** milliseconds, rounded up to whole seconds */
  readonly timeout: number
  readonly zone?: number | undefined
  /** the helper of these connections; must be the master's if that has one */
  readonly helper?: string | undefined
  readonly flags?: readonly ExpectationFlagWord[] | undefined
  readonly class?: number | undefined
  /** attributes without an option here; they override the options */
  readonly attributes?: Expectation | undefined
}
