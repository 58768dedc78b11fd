/** Names of numbers that packets have, as nft and the standards have them. */
import { ConntrackStateBit } from '@ringlink/codec'
import type { ConnectionState, ConnectionStatus, RuleProtocol, TcpFlag, Weekday } from '../properties.ts'

/** Numbers by their names. */
export type Names = Readonly<Record<string, number>>

/** Numbers of the protocols that have names (IPPROTO_*). */
export const protocolNumbers: Readonly<Record<Exclude<RuleProtocol, number>, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
}

/** The number of a protocol; that of a number is itself. */
export function protocolNumber(protocol: RuleProtocol): number {
  return typeof protocol === 'number' ? protocol : protocolNumbers[protocol]
}

/** The protocols whose headers begin with two ports. */
export const portProtocols: readonly number[] = [
  protocolNumbers.tcp,
  protocolNumbers.udp,
  protocolNumbers.udplite,
  protocolNumbers.sctp,
  protocolNumbers.dccp,
]

/** Types of ICMP messages (RFC 792, RFC 950, RFC 1256). */
export const icmpTypes: Names = {
  'echo-reply': 0,
  'destination-unreachable': 3,
  'source-quench': 4,
  redirect: 5,
  'echo-request': 8,
  'router-advertisement': 9,
  'router-solicitation': 10,
  'time-exceeded': 11,
  'parameter-problem': 12,
  'timestamp-request': 13,
  'timestamp-reply': 14,
  'info-request': 15,
  'info-reply': 16,
  'address-mask-request': 17,
  'address-mask-reply': 18,
}

/** Types of ICMPv6 messages (RFC 4443, RFC 2710, RFC 4861, RFC 3810). */
export const icmpv6Types: Names = {
  'destination-unreachable': 1,
  'packet-too-big': 2,
  'time-exceeded': 3,
  'parameter-problem': 4,
  'echo-request': 128,
  'echo-reply': 129,
  'mld-listener-query': 130,
  'mld-listener-report': 131,
  'mld-listener-done': 132,
  'nd-router-solicit': 133,
  'nd-router-advert': 134,
  'nd-neighbor-solicit': 135,
  'nd-neighbor-advert': 136,
  'nd-redirect': 137,
  'mld2-listener-report': 143,
}

/** Differentiated services code points (RFC 2474, RFC 2597, RFC 3246). */
export const dscpNames: Names = {
  cs0: 0,
  cs1: 8,
  af11: 10,
  af12: 12,
  af13: 14,
  cs2: 16,
  af21: 18,
  af22: 20,
  af23: 22,
  cs3: 24,
  af31: 26,
  af32: 28,
  af33: 30,
  cs4: 32,
  af41: 34,
  af42: 36,
  af43: 38,
  cs5: 40,
  ef: 46,
  cs6: 48,
  cs7: 56,
}

/** EtherTypes (ETH_P_*). */
export const etherTypes: Names = { ip: 0x0800, arp: 0x0806, vlan: 0x8100, ip6: 0x86dd }

export const connectionStateBits: Readonly<Record<ConnectionState, number>> = {
  new: ConntrackStateBit.New,
  established: ConntrackStateBit.Established,
  related: ConntrackStateBit.Related,
  invalid: ConntrackStateBit.Invalid,
  untracked: ConntrackStateBit.Untracked,
}

/** Bits of a connection's status (IPS_*). */
export const connectionStatusBits: Readonly<Record<ConnectionStatus, number>> = {
  expected: 0x1,
  'seen-reply': 0x2,
  assured: 0x4,
  confirmed: 0x8,
  snat: 0x10,
  dnat: 0x20,
  dying: 0x200,
}

export const connectionDirections: Names = { original: 0, reply: 1 }

/** Bits of the TCP header's flags (RFC 9293). */
export const tcpFlagBits: Readonly<Record<TcpFlag, number>> = {
  fin: 0x01,
  syn: 0x02,
  rst: 0x04,
  psh: 0x08,
  ack: 0x10,
  urg: 0x20,
  ecn: 0x40,
  cwr: 0x80,
}

export const weekdays: Readonly<Record<Weekday, number>> = {
  sunday: 0,
  monday: 1,
  tuesday: 2,
  wednesday: 3,
  thursday: 4,
  friday: 5,
  saturday: 6,
}

/** The bits that names stand for, together. */
export function bitsOf(names: readonly string[], bits: Names): number {
  return names.reduce((sum, name) => sum | (bits[name] ?? 0), 0)
}
