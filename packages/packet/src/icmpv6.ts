/** ICMPv6 (RFC 4443): the header of ICMP (icmp.ts) with different types; the checksum also covers a pseudo header. */
import type { Memory } from '@ringlink/codec/memory'
import type { TransportLocation } from './header.ts'
import { ICMP_HEADER_LENGTH, IcmpMessageView } from './icmp.ts'
import { IpProtocol } from './protocol.ts'

/** Types of messages (uapi/linux/icmpv6.h). */
export const Icmpv6Type = {
  /** ICMPV6_DEST_UNREACH */
  DestinationUnreachable: 1,
  /** ICMPV6_PKT_TOOBIG */
  PacketTooBig: 2,
  /** ICMPV6_TIME_EXCEED */
  TimeExceeded: 3,
  /** ICMPV6_PARAMPROB */
  ParameterProblem: 4,
  /** ICMPV6_ECHO_REQUEST */
  EchoRequest: 128,
  /** ICMPV6_ECHO_REPLY */
  EchoReply: 129,
  /** ICMPV6_MGM_QUERY */
  MulticastListenerQuery: 130,
  /** ICMPV6_MGM_REPORT */
  MulticastListenerReport: 131,
  /** ICMPV6_MGM_REDUCTION */
  MulticastListenerDone: 132,
  /** NDISC_ROUTER_SOLICITATION */
  RouterSolicitation: 133,
  /** NDISC_ROUTER_ADVERTISEMENT */
  RouterAdvertisement: 134,
  /** NDISC_NEIGHBOUR_SOLICITATION */
  NeighbourSolicitation: 135,
  /** NDISC_NEIGHBOUR_ADVERTISEMENT */
  NeighbourAdvertisement: 136,
  /** NDISC_REDIRECT */
  Redirect: 137,
  /** ICMPV6_MLD2_REPORT */
  MulticastListenerReport2: 143,
} as const
export type Icmpv6Type = (typeof Icmpv6Type)[keyof typeof Icmpv6Type]

/** Whether a message of this type is an error: it quotes the packet that caused it, after the header. */
export function icmpv6Quotes(type: number): boolean {
  return type >= Icmpv6Type.DestinationUnreachable && type <= Icmpv6Type.ParameterProblem
}

/** The header of an ICMPv6 message in place. */
export class Icmpv6View extends IcmpMessageView {
  /** Throws `DecodeError`, code `SHORT_HEADER`. */
  wrap(memory: Memory, offset: number, available: number): this {
    this.aim(memory, offset, available, ICMP_HEADER_LENGTH, 'ICMPv6 header')
    return this
  }

  /** Aims at the packet's ICMPv6 header; false if it has none, or if it is cut. */
  find(packet: TransportLocation): boolean {
    return this.aimTransport(packet, IpProtocol.Icmpv6, ICMP_HEADER_LENGTH)
  }

  /** the MTU in "packet too big", of the link that the packet did not fit */
  get mtu(): number {
    return this.rest
  }
}
