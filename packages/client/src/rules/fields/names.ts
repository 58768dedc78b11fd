/** Names of numbers that packets have, as nft and the standards have them. */
import { ConntrackStateBit } from '@ringlink/codec'
import type { ConnectionState, ConnectionStatus, PacketType, RuleProtocol, TcpFlag, Weekday } from '../properties.ts'

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

/** Further names of protocols that texts have. */
export const protocolAliases: Names = { igmp: 2, gre: 47, esp: 50, ah: 51, 'ipv6-icmp': 58, comp: 108, ipcomp: 108 }

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

/** Types of ICMPv6 messages (RFC 4443, RFC 2710, RFC 4861, RFC 2894, RFC 3122, RFC 3810). */
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
  'router-renumbering': 138,
  'ind-neighbor-solicit': 141,
  'ind-neighbor-advert': 142,
  'mld2-listener-report': 143,
}

/** Codes of "destination unreachable" (RFC 792, RFC 1812), by nft's names. */
export const icmpCodes: Names = {
  'net-unreachable': 0,
  'host-unreachable': 1,
  'prot-unreachable': 2,
  'port-unreachable': 3,
  'frag-needed': 4,
  'net-prohibited': 9,
  'host-prohibited': 10,
  'admin-prohibited': 13,
}

/** Codes of ICMPv6 "destination unreachable" (RFC 4443), by nft's names. */
export const icmpv6Codes: Names = {
  'no-route': 0,
  'admin-prohibited': 1,
  'addr-unreachable': 3,
  'port-unreachable': 4,
  'policy-fail': 5,
  'reject-route': 6,
}

/** Differentiated services code points (RFC 2474, RFC 2597, RFC 3246, RFC 5865, RFC 8622). */
export const dscpNames: Names = {
  cs0: 0,
  lephb: 1,
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
  va: 44,
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

/** Further names of code points that texts have. */
export const dscpAliases: Names = { be: 0, df: 0 }

/** Ports by the names of their services (IANA), those that rules are written for most often. */
export const serviceNames: Names = {
  'ftp-data': 20,
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  bootps: 67,
  bootpc: 68,
  tftp: 69,
  http: 80,
  kerberos: 88,
  pop3: 110,
  sunrpc: 111,
  ntp: 123,
  'netbios-ns': 137,
  'netbios-dgm': 138,
  'netbios-ssn': 139,
  imap2: 143,
  snmp: 161,
  'snmp-trap': 162,
  bgp: 179,
  ldap: 389,
  https: 443,
  'microsoft-ds': 445,
  submissions: 465,
  isakmp: 500,
  syslog: 514,
  submission: 587,
  ldaps: 636,
  'domain-s': 853,
  imaps: 993,
  pop3s: 995,
  openvpn: 1194,
  radius: 1812,
  nfs: 2049,
  mysql: 3306,
  'ipsec-nat-t': 4500,
  sip: 5060,
  mdns: 5353,
  postgresql: 5432,
  'http-alt': 8080,
}

/** How the link layer addressed a packet (PACKET_*). */
export const packetTypes: Readonly<Record<PacketType, number>> = { host: 0, broadcast: 1, multicast: 2, other: 3 }

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

/** Whether flags are all that a TCP header has. */
export function isEveryFlag(flags: readonly TcpFlag[]): boolean {
  return bitsOf(flags, tcpFlagBits) === 0xff
}
