/** The properties of transport protocols that the walk over a packet needs. */
import type { Memory } from '@ringlink/codec/memory'
import { read16 } from './bytes.ts'
import { EtherType } from './ethernet.ts'
import { GRE_HEADER_LENGTH, greHeaderLength, greNext } from './gre.ts'
import { ICMP_HEADER_LENGTH, icmpQuotes } from './icmp.ts'
import { icmpv6Quotes } from './icmpv6.ts'
import { IpProtocol } from './protocol.ts'
import { SCTP_HEADER_LENGTH } from './sctp.ts'
import { TCP_HEADER_LENGTH, tcpHeaderLength } from './tcp.ts'
import { UDP_HEADER_LENGTH } from './udp.ts'

/** IGMPv2 (RFC 2236) and ESP (RFC 4303: SPI and sequence). */
const EIGHT_BYTES = 8
/** DCCP (RFC 4340 section 5.1): data offset in 32-bit words at byte 4. */
const DCCP_HEADER_LENGTH = 12
const DCCP_DATA_OFFSET = 4

/** Whether the transport header begins with source and destination port. */
export function hasPorts(protocol: number): boolean {
  switch (protocol) {
    case IpProtocol.Tcp:
    case IpProtocol.Udp:
    case IpProtocol.UdpLite:
    case IpProtocol.Sctp:
    case IpProtocol.Dccp:
      return true
    default:
      return false
  }
}

/**
 * Bytes of the transport header at `offset`, of a packet that ends at `end`: 0 for an unknown protocol, -1 if the
 * header is cut before its length, -2 if its length is invalid. It may exceed the available bytes.
 */
export function transportHeaderLength(memory: Memory, protocol: number, offset: number, end: number): number {
  switch (protocol) {
    case IpProtocol.Udp:
    case IpProtocol.UdpLite:
      return UDP_HEADER_LENGTH
    case IpProtocol.Tcp: {
      if (offset + TCP_HEADER_LENGTH > end) return -1
      const length = tcpHeaderLength(memory, offset)
      return length < TCP_HEADER_LENGTH ? -2 : length
    }
    case IpProtocol.Icmp:
    case IpProtocol.Icmpv6:
      return ICMP_HEADER_LENGTH
    case IpProtocol.Igmp:
    case IpProtocol.Esp:
      return EIGHT_BYTES
    case IpProtocol.Sctp:
      return SCTP_HEADER_LENGTH
    case IpProtocol.Dccp: {
      if (offset + DCCP_HEADER_LENGTH > end) return -1
      const length = (memory.u8[offset + DCCP_DATA_OFFSET] as number) << 2
      return length < DCCP_HEADER_LENGTH ? -2 : length
    }
    case IpProtocol.Gre:
      return offset + GRE_HEADER_LENGTH > end ? -1 : greHeaderLength(memory, offset)
    default:
      return 0
  }
}

/** The members that a look-up inside a packet needs. */
interface Contents {
  readonly memory: Memory
  readonly protocol: number | undefined
  readonly transportOffset: number
}

/** The EtherType of the packet inside a tunnel; -1 if there is none that can be opened. */
export function encapsulatedEtherType({ memory, protocol, transportOffset }: Contents): number {
  switch (protocol) {
    case IpProtocol.Ipv4:
      return EtherType.Ipv4
    case IpProtocol.Ipv6:
      return EtherType.Ipv6
    case IpProtocol.Gre: {
      const next = greNext(memory, transportOffset)
      // Version 1 (PPTP) always carries PPP.
      const isVersion0 = (read16(memory, transportOffset) & 7) === 0
      const isKnown =
        next === EtherType.Ipv4 ||
        next === EtherType.Ipv6 ||
        next === EtherType.Arp ||
        next === EtherType.TransparentEthernet
      return isVersion0 && isKnown ? next : -1
    }
    default:
      return -1
  }
}

/** The EtherType of the packet that an ICMP error quotes; -1 if it is not one. Its header must be present. */
export function quotedEtherType({ memory, protocol, transportOffset }: Contents): number {
  const type = memory.u8[transportOffset] as number
  if (protocol === IpProtocol.Icmp && icmpQuotes(type)) return EtherType.Ipv4
  return protocol === IpProtocol.Icmpv6 && icmpv6Quotes(type) ? EtherType.Ipv6 : -1
}
