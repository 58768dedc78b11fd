import type { QueuePacket } from 'ringlink'

/** What the headers are read from: a packet of a queue, a record of a log. */
export type PacketSource = Pick<QueuePacket, 'memory' | 'payloadOffset' | 'payloadLength' | 'mark'>

/** Numbers of the Internet protocols that the examples know (the IPv4 field `protocol`, the IPv6 field `next header`). */
export const IpProtocol = {
  Icmp: 1,
  Tcp: 6,
  Udp: 17,
  Dccp: 33,
  Icmpv6: 58,
  Sctp: 132,
} as const
export type IpProtocol = (typeof IpProtocol)[keyof typeof IpProtocol]

const ExtensionHeader = {
  HopByHop: 0,
  Routing: 43,
  Fragment: 44,
  Authentication: 51,
  DestinationOptions: 60,
  Mobility: 135,
} as const

/** A packet with more of them has no protocol for us: real ones have two or three. */
const MAXIMUM_EXTENSION_HEADERS = 16
const IPV4_HEADER_LENGTH = 20
const IPV6_HEADER_LENGTH = 40

/**
 * Where the headers of a packet lie. One object is aimed at packet after packet; nothing is allocated and nothing outside
 * the payload is read, however the packet is made and wherever it was cut.
 */
export class PacketHeaders {
  memory: PacketSource['memory'] | undefined
  mark = 0
  /** 4 or 6; 0 when it is neither, or too short */
  version = 0
  /** `IpProtocol` or another; -1 when unknown */
  protocol = -1
  /** where the IP header begins */
  networkOffset = 0
  /** where the transport header begins; -1 when this packet has none: a later fragment, or cut before it */
  transportOffset = -1
  /** where the packet ends, or what was copied of it */
  end = 0
  #contentOffset = 0

  read(packet: PacketSource): this {
    this.memory = packet.memory
    this.mark = packet.mark ?? 0
    this.version = 0
    this.protocol = -1
    this.transportOffset = -1
    this.networkOffset = packet.payloadOffset
    this.#contentOffset = packet.payloadOffset
    this.end = packet.payloadOffset + packet.payloadLength
    if (packet.payloadLength < IPV4_HEADER_LENGTH) return this
    const version = this.byte(this.networkOffset) >> 4
    if (version === 4) this.#readIpv4()
    else if (version === 6 && packet.payloadLength >= IPV6_HEADER_LENGTH) this.#readIpv6()
    return this
  }

  byte(offset: number): number {
    return this.memory?.u8[offset] ?? 0
  }

  /** -1 when the packet has no ports, or they are in another fragment of it. */
  get sourcePort(): number {
    return this.#port(0)
  }

  /** As {@link sourcePort}. */
  get destinationPort(): number {
    return this.#port(2)
  }

  /** Where the bytes of the application begin: behind the TCP or UDP header, else behind the IP header. */
  get contentOffset(): number {
    const { transportOffset: start } = this
    if (start < 0) return this.#contentOffset
    if (this.protocol === IpProtocol.Udp) return Math.min(start + 8, this.end)
    if (this.protocol !== IpProtocol.Tcp) return start
    if (start + 20 > this.end) return this.end
    return Math.min(start + Math.max(20, (this.byte(start + 12) >> 4) * 4), this.end)
  }

  #port(at: number): number {
    const start = this.transportOffset
    if (start < 0 || start + 4 > this.end || !hasPorts(this.protocol)) return -1
    return this.#half(start + at)
  }

  #half(offset: number): number {
    return (this.byte(offset) << 8) | this.byte(offset + 1)
  }

  #readIpv4(): void {
    const start = this.networkOffset
    const headerLength = (this.byte(start) & 0xf) * 4
    if (headerLength < IPV4_HEADER_LENGTH) return
    this.version = 4
    this.protocol = this.byte(start + 9)
    const isLaterFragment = (this.#half(start + 6) & 0x1fff) !== 0
    this.#begin(start + headerLength, isLaterFragment)
  }

  #readIpv6(): void {
    this.version = 6
    let next = this.byte(this.networkOffset + 6)
    let offset = this.networkOffset + IPV6_HEADER_LENGTH
    for (let count = 0; count <= MAXIMUM_EXTENSION_HEADERS; count++) {
      if (!isExtensionHeader(next)) {
        this.protocol = next
        this.#begin(offset, false)
        return
      }
      // Cut inside the header: what follows is not known.
      if (offset + 8 > this.end) return
      const isLaterFragment = next === ExtensionHeader.Fragment && (this.#half(offset + 2) & 0xfff8) !== 0
      const length = extensionLength(next, this.byte(offset + 1))
      next = this.byte(offset)
      offset += length
      if (isLaterFragment) {
        // What the fragment header names is where the first fragment begins; this one holds bytes from further on.
        if (!isExtensionHeader(next)) this.protocol = next
        this.#begin(offset, true)
        return
      }
    }
  }

  #begin(offset: number, isLaterFragment: boolean): void {
    this.#contentOffset = Math.min(offset, this.end)
    if (!isLaterFragment && offset < this.end) this.transportOffset = offset
  }
}

function hasPorts(protocol: number): boolean {
  return (
    protocol === IpProtocol.Tcp ||
    protocol === IpProtocol.Udp ||
    protocol === IpProtocol.Sctp ||
    protocol === IpProtocol.Dccp
  )
}

function isExtensionHeader(next: number): boolean {
  return (
    next === ExtensionHeader.HopByHop ||
    next === ExtensionHeader.Routing ||
    next === ExtensionHeader.Fragment ||
    next === ExtensionHeader.Authentication ||
    next === ExtensionHeader.DestinationOptions ||
    next === ExtensionHeader.Mobility
  )
}

function extensionLength(type: number, lengthByte: number): number {
  if (type === ExtensionHeader.Fragment) return 8
  // This one counts in words of four bytes, the others in eight.
  return type === ExtensionHeader.Authentication ? (lengthByte + 2) * 4 : (lengthByte + 1) * 8
}
