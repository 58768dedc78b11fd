/**
 * The positions of the parts of a packet: one walk over link, network and transport headers finds each of them.
 *
 * Any bytes can be described: nothing throws, nothing outside the packet is read, and missing parts are never invented.
 * {@link PacketLayout.cut} names the header in which the bytes end, {@link PacketLayout.problem} a field that
 * contradicts the others. The walk stops there, so that offsets and ports exist only where they are certain.
 */
import type { Memory } from '@ringlink/codec/memory'
import { ARP_HEADER_LENGTH, arpLength } from './arp.ts'
import { read16 } from './bytes.ts'
import { ETHERNET_HEADER_LENGTH, EtherType } from './ethernet.ts'
import {
  IPV4_FRAGMENT,
  IPV4_FRAGMENT_OFFSET,
  IPV4_HEADER_LENGTH,
  IPV4_MORE_FRAGMENTS,
  IPV4_PROTOCOL,
  IPV4_TOTAL_LENGTH,
} from './ipv4.ts'
import { IPV6_HEADER_LENGTH, IPV6_NEXT_HEADER, IPV6_PAYLOAD_LENGTH } from './ipv6.ts'
import {
  extensionFragmentOffset,
  extensionHeaderLength,
  extensionMoreFragments,
  extensionSegmentsLeft,
  finalDestination,
  IPV6_EXTENSION_MINIMUM_LENGTH,
  isExtensionHeader,
} from './ipv6-extension.ts'
import { PacketFields, type PacketStart } from './packet-fields.ts'
import { IpProtocol } from './protocol.ts'
import { TCP_HEADER_LENGTH, tcpHeaderLength } from './tcp.ts'
import { hasPorts, transportHeaderLength } from './transport.ts'
import { UDP_HEADER_LENGTH, UDP_LENGTH } from './udp.ts'
import { UDP_LITE_COVERAGE } from './udp-lite.ts'
import { isVlan, VLAN_TAG_LENGTH } from './vlan.ts'

/** The first byte of an IPv4 header without options: version 4, five words of 32 bits. */
const PLAIN_IPV4 = 0x45
/** Maximum extension headers of a packet; real ones have two or three. */
export const MAXIMUM_EXTENSION_HEADERS = 16

/** Finds the parts of a packet; `PacketView` adds what they say. */
export class PacketLayout extends PacketFields {
  /**
   * Aims at the packet in `length` bytes at `offset`. Throws `DecodeError`, code `SHORT_HEADER`, if that is not a
   * region of the memory. Any bytes in the region are described.
   */
  wrap(memory: Memory, offset: number, length: number, start: PacketStart): this {
    if (start.from === 'ethernet') return this.wrapEthernet(memory, offset, length)
    return this.wrapNetwork(memory, offset, length, start.protocol, start.vlanTag)
  }

  /** As {@link wrap} from `ethernet`. */
  wrapEthernet(memory: Memory, offset: number, length: number): this {
    const network = offset + ETHERNET_HEADER_LENGTH
    if (length > ETHERNET_HEADER_LENGTH && memory.u8[network - 2] === 8 && memory.u8[network - 1] === 0) {
      if (this.wrapPlain(memory, offset, length, network)) {
        this.linkOffset = offset
        return this
      }
    }
    this.begin(memory, offset, length)
    this.linkOffset = offset
    if (network > this.end) this.cut = 'link'
    else this.walkLink(network, read16(memory, network - 2))
    return this
  }

  /** As {@link wrap} from `network`, without an object for the options. */
  wrapNetwork(memory: Memory, offset: number, length: number, etherType = 0, vlanTag = -1): this {
    const canBePlain = etherType === EtherType.Ipv4 || etherType === 0
    if (!(canBePlain && this.wrapPlain(memory, offset, length, offset)))
      this.walkNetwork(memory, offset, length, etherType)
    this.vlanTag = vlanTag
    return this
  }

  // The steps of the walk are not #private: one or more run for each packet (docs/decisions/private-members.md).
  private walkNetwork(memory: Memory, offset: number, length: number, etherType: number): void {
    this.begin(memory, offset, length)
    if (etherType === EtherType.Ipv4 || etherType === EtherType.Ipv6) {
      this.firstEtherType = etherType
      this.enterNetwork(offset, etherType)
    } else {
      this.walkLink(offset, etherType === 0 && length > 0 ? etherTypeOfVersion(memory, offset) : etherType)
    }
  }

  /**
   * The most frequent case, without the walk and with each field set once: a whole IPv4 packet without options that is
   * not a fragment and holds UDP or TCP. Returns false, having changed nothing, for all others; the walk says the same
   * of the packets that it takes.
   */
  private wrapPlain(memory: Memory, offset: number, length: number, network: number): boolean {
    const { u8 } = memory
    if (!(offset >= 0 && length >= IPV4_HEADER_LENGTH && offset + length <= u8.length)) return false
    if (u8[network] !== PLAIN_IPV4) return false
    if ((read16(memory, network + IPV4_FRAGMENT) & (IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)) !== 0) return false
    const totalLength = read16(memory, network + IPV4_TOTAL_LENGTH)
    const end = network + totalLength
    const transport = network + IPV4_HEADER_LENGTH
    const protocol = u8[network + IPV4_PROTOCOL] as number
    let headerLength = UDP_HEADER_LENGTH
    let payloadEnd = end
    if (end > offset + length) return false
    if (protocol === IpProtocol.Udp) {
      if (transport + UDP_HEADER_LENGTH > end) return false
      const udpLength = read16(memory, transport + UDP_LENGTH)
      payloadEnd = transport + udpLength
      if (udpLength < UDP_HEADER_LENGTH || payloadEnd > end) return false
    } else if (protocol === IpProtocol.Tcp) {
      if (transport + TCP_HEADER_LENGTH > end) return false
      headerLength = tcpHeaderLength(memory, transport)
      if (headerLength < TCP_HEADER_LENGTH || transport + headerLength > end) return false
    } else {
      return false
    }
    if (this.hasRareHeaders) this.forgetRareHeaders()
    this.memory = memory
    this.offset = offset
    this.length = length
    this.end = end
    this.linkOffset = -1
    this.vlanTag = -1
    this.firstEtherType = EtherType.Ipv4
    this.etherType = EtherType.Ipv4
    this.networkOffset = network
    this.version = 4
    this.networkLength = totalLength
    this.fragmentOffset = 0
    this.moreFragments = false
    this.protocol = protocol
    this.transportOffset = transport
    this.portsOffset = transport
    this.transportHeaderLength = headerLength
    this.payloadOffset = transport + headerLength
    this.payloadEnd = payloadEnd
    this.cut = undefined
    this.problem = undefined
    return true
  }

  private walkLink(start: number, first: number): void {
    let at = start
    let etherType = first
    this.firstEtherType = first
    while (isVlan(etherType)) {
      if (this.vlanCount === 0) {
        this.hasRareHeaders = true
        this.vlanOffset = at
      }
      if (at + VLAN_TAG_LENGTH > this.end) {
        this.cut = 'vlan'
        return
      }
      this.vlanCount++
      etherType = read16(this.memory, at + 2)
      at += VLAN_TAG_LENGTH
    }
    this.enterNetwork(at, etherType)
  }

  private enterNetwork(at: number, etherType: number): void {
    this.etherType = etherType
    this.networkOffset = at
    this.networkLength = this.end - at
    if (etherType === EtherType.Ipv4) this.walkIpv4(at)
    else if (etherType === EtherType.Ipv6) this.walkIpv6(at)
    else if (etherType === EtherType.Arp) this.walkArp(at)
    else this.payloadOffset = at
  }

  private walkArp(at: number): void {
    if (at + ARP_HEADER_LENGTH > this.end || at + arpLength(this.memory, at) > this.end) {
      this.cut = 'network'
      return
    }
    this.networkLength = arpLength(this.memory, at)
    this.endAt(at + this.networkLength)
  }

  private walkIpv4(at: number): void {
    const { memory } = this
    const { u8 } = memory
    if (at + 1 <= this.end && (u8[at] as number) >> 4 !== 4) {
      this.problem = 'version'
      return
    }
    if (at + IPV4_HEADER_LENGTH > this.end) {
      this.cut = 'network'
      return
    }
    const headerLength = ((u8[at] as number) & 0x0f) << 2
    if (headerLength < IPV4_HEADER_LENGTH) {
      this.problem = 'header-length'
      return
    }
    this.version = 4
    const protocol = u8[at + IPV4_PROTOCOL] as number
    this.protocol = protocol
    const totalLength = read16(memory, at + IPV4_TOTAL_LENGTH)
    // Segmentation offload leaves 0 in packets above 64 KiB: their length is that of the copied bytes.
    if (totalLength !== 0) this.networkLength = totalLength
    if (this.networkLength < headerLength) {
      this.problem = 'total-length'
      return
    }
    this.endAt(at + this.networkLength)
    if (at + headerLength > this.end) {
      this.cut = 'network'
      return
    }
    const fragment = read16(memory, at + IPV4_FRAGMENT)
    this.fragmentOffset = (fragment & IPV4_FRAGMENT_OFFSET) << 3
    this.moreFragments = (fragment & IPV4_MORE_FRAGMENTS) !== 0
    if (protocol === IpProtocol.Authentication && this.fragmentOffset === 0) {
      this.walkExtensions(at + headerLength, protocol)
    } else {
      this.beginTransport(at + headerLength, protocol)
    }
  }

  private walkIpv6(at: number): void {
    const { memory } = this
    if (at + 1 <= this.end && (memory.u8[at] as number) >> 4 !== 6) {
      this.problem = 'version'
      return
    }
    if (at + IPV6_HEADER_LENGTH > this.end) {
      this.cut = 'network'
      return
    }
    this.version = 6
    const next = memory.u8[at + IPV6_NEXT_HEADER] as number
    const payloadLength = read16(memory, at + IPV6_PAYLOAD_LENGTH)
    // 0 before Hop-by-Hop Options is a jumbogram (RFC 2675 section 3), as are packets of segmentation offload above 64
    // KiB.
    const isJumbogram = payloadLength === 0 && (next === IpProtocol.HopByHop || this.end - at > 0xffff)
    if (!isJumbogram) this.networkLength = IPV6_HEADER_LENGTH + payloadLength
    this.endAt(at + this.networkLength)
    this.walkExtensions(at + IPV6_HEADER_LENGTH, next)
  }

  /** The packet's header says that it ends at `end`: further bytes are padding, missing ones were not copied. */
  private endAt(end: number): void {
    if (end > this.end) {
      this.cut = 'payload'
      return
    }
    this.end = end
    this.payloadOffset = end
    this.payloadEnd = end
  }

  private walkExtensions(start: number, first: number): void {
    const { memory, end } = this
    const isIpv6 = this.version === 6
    let at = start
    let next = first
    for (let count = 0; isIpv6 ? isExtensionHeader(next) : next === IpProtocol.Authentication; count++) {
      this.protocol = undefined
      if (count === 0) {
        this.hasRareHeaders = true
        this.extensionOffset = at
        this.firstExtension = next
      }
      if (count === MAXIMUM_EXTENSION_HEADERS) {
        this.problem = 'extension-count'
        return
      }
      const isCut = at + IPV6_EXTENSION_MINIMUM_LENGTH > end || at + extensionHeaderLength(memory.u8, at, next) > end
      if (isCut) {
        this.cut = 'extension'
        return
      }
      const length = extensionHeaderLength(memory.u8, at, next)
      if (next === IpProtocol.Routing && extensionSegmentsLeft(memory, at) > 0) {
        this.isRouted = true
        this.finalDestinationOffset = finalDestination(memory, at)
      }
      if (next === IpProtocol.Authentication) this.isAuthenticated = true
      if (next === IpProtocol.Fragment) {
        this.fragmentHeaderOffset = at
        this.fragmentOffset = extensionFragmentOffset(memory.u8, at)
        this.moreFragments = extensionMoreFragments(memory, at)
      }
      next = memory.u8[at] as number
      at += length
      // The header that the Fragment header names is in the first fragment; this one holds later bytes.
      if (this.fragmentOffset > 0) break
    }
    // If the first fragment continues with extension headers, the transport protocol of a later one is not known.
    if (isIpv6 && isExtensionHeader(next)) this.payloadOffset = at
    else this.beginTransport(at, next)
  }

  private beginTransport(at: number, protocol: number): void {
    const { end } = this
    this.protocol = protocol
    this.payloadOffset = at
    if (this.fragmentOffset > 0 || protocol === IpProtocol.NoNext) return
    // The most frequent case first, and without a call.
    if (protocol === IpProtocol.Udp && at + UDP_HEADER_LENGTH <= end) {
      this.transportOffset = at
      this.portsOffset = at
      this.transportHeaderLength = UDP_HEADER_LENGTH
      this.payloadOffset = at + UDP_HEADER_LENGTH
      const length = read16(this.memory, at + UDP_LENGTH)
      if (length >= UDP_HEADER_LENGTH && at + length <= end) this.payloadEnd = at + length
      else this.checkUdp(at, length)
      return
    }
    if (at < end) this.transportOffset = at
    if (at + 4 <= end && hasPorts(protocol)) this.portsOffset = at
    const length = transportHeaderLength(this.memory, protocol, at, end)
    if (length < 0 || at + length > end) {
      this.payloadOffset = end
      if (length < -1) this.problem = 'transport-length'
      else this.cut = 'transport'
      return
    }
    this.transportHeaderLength = length
    this.payloadOffset = at + length
    if (protocol === IpProtocol.UdpLite) this.checkUdpLite(at)
  }

  /** The checksum of UDP-Lite covers everything (0), or at least the header (RFC 3828 section 3.1). */
  private checkUdpLite(at: number): void {
    const coverage = read16(this.memory, at + UDP_LITE_COVERAGE)
    const whole = this.networkOffset + this.networkLength - at
    const isLong = coverage > whole && !this.moreFragments
    if (isLong || (coverage !== 0 && coverage < this.transportHeaderLength)) this.problem = 'transport-length'
  }

  /** A UDP length beyond the available bytes: it must end within the packet, or in later fragments. */
  private checkUdp(at: number, length: number): void {
    const whole = this.networkOffset + this.networkLength - at
    // Segmentation offload leaves 0 in datagrams above 64 KiB.
    if (length === 0 && whole > 0xffff) return
    if (length < UDP_HEADER_LENGTH || (length > whole && !this.moreFragments)) this.problem = 'transport-length'
  }
}

/** The version in the first byte of a network header. */
function etherTypeOfVersion(memory: Memory, offset: number): number {
  const version = (memory.u8[offset] as number) >> 4
  return version === 4 ? EtherType.Ipv4 : version === 6 ? EtherType.Ipv6 : 0
}
