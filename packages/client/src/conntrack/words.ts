/** Numbers of connections and their names. */
import { dccpStateWords, sctpStateWords, type TcpStateWord, tcpStateWords } from '@ringlink/codec'
import type { ConnectionProtocol, ConnectionTrackingState, ExpectationFlagWord } from './types.ts'

/** Numbers of the protocols that have names (IPPROTO_*). */
export const connectionProtocols: Readonly<Record<Exclude<ConnectionProtocol, number>, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  icmpv6: 58,
  sctp: 132,
  udplite: 136,
}

const protocolNames: ReadonlyMap<number, ConnectionProtocol> = new Map(
  Object.entries(connectionProtocols).map(([name, number]) => [number, name as ConnectionProtocol]),
)

export function protocolNumber(protocol: ConnectionProtocol): number {
  return typeof protocol === 'number' ? protocol : connectionProtocols[protocol]
}

export function protocolWord(number: number): ConnectionProtocol {
  return protocolNames.get(number) ?? number
}

/** Whether tuples of a protocol have ports. */
export function hasPorts(protocol: number): boolean {
  // GRE has its keys in place of ports.
  const { tcp, udp, dccp, gre, sctp, udplite } = connectionProtocols
  return [tcp, udp, dccp, gre, sctp, udplite].includes(protocol)
}

/** Whether tuples of a protocol have an ICMP id, type and code. */
export function isIcmp(protocol: number): boolean {
  return protocol === connectionProtocols.icmp || protocol === connectionProtocols.icmpv6
}

/** The name of a state of one of the three protocols with states; the number if it has no name. */
export function stateWord(
  tcp: number | undefined,
  sctp: number | undefined,
  dccp: number | undefined,
): ConnectionTrackingState | undefined {
  if (tcp !== undefined) return tcpStateWords[tcp] ?? tcp
  if (sctp !== undefined) return sctpStateWords[sctp] ?? sctp
  return dccp === undefined ? undefined : (dccpStateWords[dccp] ?? dccp)
}

/** The names of the states of a protocol; `undefined` for one without. */
export function statesOf(protocol: number): readonly string[] | undefined {
  const { tcp, sctp, dccp } = connectionProtocols
  return protocol === tcp
    ? tcpStateWords
    : protocol === sctp
      ? sctpStateWords
      : protocol === dccp
        ? dccpStateWords
        : undefined
}

export function tcpStateNumber(word: TcpStateWord): number {
  return tcpStateWords.indexOf(word)
}

/** All names of states. */
export const stateWords: readonly Exclude<ConnectionTrackingState, number>[] = [
  ...new Set([...tcpStateWords, ...sctpStateWords, ...dccpStateWords]),
]

/** Words of the bits of CTA_EXPECT_FLAGS, by the number of the bit. */
export const expectationFlagWords: readonly ExpectationFlagWord[] = ['permanent', 'inactive', 'user-space']

/** The request types of ICMP and ICMPv6, and their replies (`invmap` of the kernel's trackers). */
export const inverseIcmpTypes: ReadonlyMap<number, ReadonlyMap<number, number>> = new Map([
  [connectionProtocols.icmp, inverse([8, 0], [13, 14], [15, 16], [17, 18])],
  [connectionProtocols.icmpv6, inverse([128, 129], [139, 140])],
])

function inverse(...pairs: readonly (readonly [number, number])[]): ReadonlyMap<number, number> {
  return new Map(pairs.flatMap(([one, other]) => [[one, other] as const, [other, one] as const]))
}

/** The version of an address as text. */
export function versionOf(addressText: string): 4 | 6 {
  return addressText.includes(':') ? 6 : 4
}
