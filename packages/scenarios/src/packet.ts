/**
 * Writers of whole packets, from the network header on, lengths and checksums filled in. The addresses choose between IPv4
 * and IPv6. They write what they are told, sensible or not; a value that does not fit its field throws `EncodeError`, code
 * `VALUE_RANGE`, a packet beyond its length field code `NO_SPACE`.
 *
 *  TCP (RFC 9293 section 3.1)                        UDP (RFC 768)               ICMP (RFC 792), ICMPv6 (RFC 4443)
 *   0 source port     | 2 destination port            0 source port               0 type | 1 code
 *   4 sequence        | 8 acknowledgement             2 destination port          2 checksum
 *  12 words of header | 13 flags | 14 window          4 length, header included   4 identifier | 6 sequence (echo)
 *  16 checksum        | 18 urgent | 20 options        6 checksum                  8 payload
 */
import { EncodeError } from '@ringlink/codec/errors'
import {
  addWords,
  CHECKSUM_OFFSET,
  finishChecksum,
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  IpProtocol,
  internetChecksum,
  pseudoHeaderSum,
} from '@ringlink/transport-sim/internet'
import { type Address, addressBytes, IPV4_ADDRESS_LENGTH } from './address.ts'

export const UDP_HEADER_LENGTH = 8
export const TCP_HEADER_LENGTH = 20
export const ICMP_HEADER_LENGTH = 8
/** What the length fields of IPv4 (header included) and IPv6 (header not included) can say. */
export const MAXIMUM_LENGTH_FIELD = 0xffff
const MAXIMUM_TCP_OPTIONS = 40

/** Control bits of a TCP header (RFC 9293 section 3.1). */
export const TcpFlag = {
  /** FIN: the sender has no more data */
  Finish: 0x01,
  /** SYN: the connection begins */
  Synchronize: 0x02,
  /** RST: the connection is refused or broken */
  Reset: 0x04,
  /** PSH */
  Push: 0x08,
  /** ACK: the acknowledgement number counts */
  Acknowledge: 0x10,
  /** URG: the urgent pointer counts */
  Urgent: 0x20,
  /** ECE (RFC 3168) */
  CongestionEcho: 0x40,
  /** CWR (RFC 3168) */
  CongestionWindowReduced: 0x80,
} as const
export type TcpFlag = (typeof TcpFlag)[keyof typeof TcpFlag]

/** Types of ICMP messages (RFC 792). */
export const IcmpType = {
  EchoReply: 0,
  DestinationUnreachable: 3,
  EchoRequest: 8,
  TimeExceeded: 11,
} as const
export type IcmpType = (typeof IcmpType)[keyof typeof IcmpType]

/** Types of ICMPv6 messages (RFC 4443). */
export const Icmpv6Type = {
  DestinationUnreachable: 1,
  PacketTooBig: 2,
  TimeExceeded: 3,
  EchoRequest: 128,
  EchoReply: 129,
} as const
export type Icmpv6Type = (typeof Icmpv6Type)[keyof typeof Icmpv6Type]

/** What every packet has. */
export interface NetworkOptions {
  readonly source: Address
  readonly destination: Address
  /** hop limit in IPv6; default 64 */
  readonly ttl?: number | undefined
  /** type of service in IPv4; default 0 */
  readonly trafficClass?: number | undefined
  /** IPv4 only; default 0 */
  readonly identification?: number | undefined
  /** IPv4 only; default true */
  readonly dontFragment?: boolean | undefined
  /** IPv6 only: 20 bits; default 0 */
  readonly flowLabel?: number | undefined
}

/** Text is written as UTF-8; default empty. */
export type Payload = Uint8Array | string

export interface Ipv4Options extends Omit<NetworkOptions, 'flowLabel'> {
  /** `IpProtocol` or any other number up to 255 */
  readonly protocol: number
  readonly payload?: Payload | undefined
  /** bytes before this fragment, a multiple of 8; default 0 */
  readonly fragmentOffset?: number | undefined
  readonly moreFragments?: boolean | undefined
}

export interface Ipv6Options extends Omit<NetworkOptions, 'identification' | 'dontFragment'> {
  /** `IpProtocol` or any other number up to 255, of an extension header also, which then begins the payload */
  readonly nextHeader: number
  readonly payload?: Payload | undefined
}

export interface UdpOptions extends NetworkOptions {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload?: Payload | undefined
  /** false leaves the checksum out (0); default true */
  readonly checksum?: boolean | undefined
}

export interface TcpOptions extends NetworkOptions {
  readonly sourcePort: number
  readonly destinationPort: number
  /** number of the first byte of the payload; default 0 */
  readonly sequence?: number | undefined
  /** number of the byte that is expected next; default 0 */
  readonly acknowledgement?: number | undefined
  /** bits of `TcpFlag` */
  readonly flags: number
  /** bytes; default 65535 */
  readonly window?: number | undefined
  /** default 0 */
  readonly urgentPointer?: number | undefined
  /** up to 40 bytes, filled up to whole words with "end of options" */
  readonly options?: Uint8Array | undefined
  readonly payload?: Payload | undefined
}

export interface IcmpOptions extends NetworkOptions {
  /** `IcmpType` or `Icmpv6Type`, or any other number up to 255 */
  readonly type: number
  /** default 0 */
  readonly code?: number | undefined
  /** of an echo; in other messages the first half of the word behind the checksum; default 0 */
  readonly identifier?: number | undefined
  /** of an echo; in other messages the second half of that word; default 0 */
  readonly sequence?: number | undefined
  readonly payload?: Payload | undefined
}

/** An IPv4 packet around any payload. */
export function ipv4Packet(options: Ipv4Options): Uint8Array {
  const source = addressOf('source', options.source, 4)
  const destination = addressOf('destination', options.destination, 4)
  const payload = payloadBytes(options.payload)
  const packet = new Uint8Array(totalLength(IPV4_HEADER_LENGTH, payload.length, 4))
  writeIpv4Header(packet, options, source, destination)
  packet.set(payload, IPV4_HEADER_LENGTH)
  return packet
}

/** An IPv6 packet around any payload. */
export function ipv6Packet(options: Ipv6Options): Uint8Array {
  const source = addressOf('source', options.source, 6)
  const destination = addressOf('destination', options.destination, 6)
  const payload = payloadBytes(options.payload)
  const packet = new Uint8Array(totalLength(IPV6_HEADER_LENGTH, payload.length, 6))
  writeIpv6Header(packet, options, source, destination)
  packet.set(payload, IPV6_HEADER_LENGTH)
  return packet
}

/** A UDP datagram over IPv4 or IPv6. */
export function udpPacket(options: UdpOptions): Uint8Array {
  const payload = payloadBytes(options.payload)
  const { packet, view, at, finish } = begin(options, IpProtocol.Udp, UDP_HEADER_LENGTH, payload)
  view.setUint16(at, whole('sourcePort', options.sourcePort, 0xffff))
  view.setUint16(at + 2, whole('destinationPort', options.destinationPort, 0xffff))
  view.setUint16(at + 4, UDP_HEADER_LENGTH + payload.length)
  if (options.checksum !== false) finish()
  return packet
}

/** A TCP segment over IPv4 or IPv6. */
export function tcpPacket(options: TcpOptions): Uint8Array {
  const payload = payloadBytes(options.payload)
  const tcpOptions = options.options ?? new Uint8Array(0)
  whole('length of options', tcpOptions.length, MAXIMUM_TCP_OPTIONS)
  const headerLength = TCP_HEADER_LENGTH + Math.ceil(tcpOptions.length / 4) * 4
  const { packet, view, at, finish } = begin(options, IpProtocol.Tcp, headerLength, payload)
  view.setUint16(at, whole('sourcePort', options.sourcePort, 0xffff))
  view.setUint16(at + 2, whole('destinationPort', options.destinationPort, 0xffff))
  view.setUint32(at + 4, whole('sequence', options.sequence ?? 0, 0xffffffff))
  view.setUint32(at + 8, whole('acknowledgement', options.acknowledgement ?? 0, 0xffffffff))
  view.setUint8(at + 12, (headerLength / 4) << 4)
  view.setUint8(at + 13, whole('flags', options.flags, 0xff))
  view.setUint16(at + 14, whole('window', options.window ?? 0xffff, 0xffff))
  view.setUint16(at + 18, whole('urgentPointer', options.urgentPointer ?? 0, 0xffff))
  packet.set(tcpOptions, at + TCP_HEADER_LENGTH)
  finish()
  return packet
}

/** An ICMP message over IPv4. */
export function icmpPacket(options: IcmpOptions): Uint8Array {
  addressOf('source', options.source, 4)
  return icmp(options, IpProtocol.Icmp)
}

/** An ICMPv6 message over IPv6. */
export function icmpv6Packet(options: IcmpOptions): Uint8Array {
  addressOf('source', options.source, 6)
  return icmp(options, IpProtocol.Icmpv6)
}

function icmp(options: IcmpOptions, protocol: IpProtocol): Uint8Array {
  const { packet, view, at, finish } = begin(options, protocol, ICMP_HEADER_LENGTH, payloadBytes(options.payload))
  view.setUint8(at, whole('type', options.type, 0xff))
  view.setUint8(at + 1, whole('code', options.code ?? 0, 0xff))
  view.setUint16(at + 4, whole('identifier', options.identifier ?? 0, 0xffff))
  view.setUint16(at + 6, whole('sequence', options.sequence ?? 0, 0xffff))
  finish()
  return packet
}

/**
 * A packet with its network header and payload in place; `finish` computes the checksum over a transport header written
 * at `at`.
 */
function begin(options: NetworkOptions, protocol: IpProtocol, headerLength: number, payload: Uint8Array) {
  const source = addressBytes(options.source)
  const version = source.length === IPV4_ADDRESS_LENGTH ? 4 : 6
  const destination = addressOf('destination', options.destination, version)
  const at = version === 4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH
  const transportLength = headerLength + payload.length
  const packet = new Uint8Array(totalLength(at, transportLength, version))
  if (version === 4) writeIpv4Header(packet, { ...options, protocol }, source, destination)
  else writeIpv6Header(packet, { ...options, nextHeader: protocol }, source, destination)
  packet.set(payload, at + headerLength)
  const view = new DataView(packet.buffer)
  const finish = () => {
    const pseudo = protocol === IpProtocol.Icmp ? 0 : pseudoHeaderSum(source, destination, protocol, transportLength)
    const checksum = finishChecksum(addWords(pseudo, packet, at, transportLength))
    // 0 means "no checksum" in UDP; 0xffff is the same number in one's complement (RFC 768).
    const written = protocol === IpProtocol.Udp && checksum === 0 ? 0xffff : checksum
    view.setUint16(at + CHECKSUM_OFFSET[protocol], written)
  }
  return { packet, view, at, finish }
}

function writeIpv4Header(packet: Uint8Array, options: Ipv4Options, source: Uint8Array, destination: Uint8Array): void {
  const view = new DataView(packet.buffer)
  const fragmentOffset = whole('fragmentOffset', options.fragmentOffset ?? 0, 0x1fff * 8)
  if (fragmentOffset % 8 !== 0) throw range('fragmentOffset', 'a multiple of 8', fragmentOffset)
  // A fragment has been fragmented: by default only whole packets forbid it.
  const fragment = fragmentOffset > 0 || options.moreFragments === true
  const flags = ((options.dontFragment ?? !fragment) ? 0x4000 : 0) | (options.moreFragments === true ? 0x2000 : 0)
  view.setUint8(0, 0x40 | (IPV4_HEADER_LENGTH / 4))
  view.setUint8(1, whole('trafficClass', options.trafficClass ?? 0, 0xff))
  view.setUint16(2, packet.length)
  view.setUint16(4, whole('identification', options.identification ?? 0, 0xffff))
  view.setUint16(6, flags | (fragmentOffset / 8))
  view.setUint8(8, whole('ttl', options.ttl ?? 64, 0xff))
  view.setUint8(9, whole('protocol', options.protocol, 0xff))
  packet.set(source, 12)
  packet.set(destination, 16)
  view.setUint16(10, internetChecksum(packet, 0, IPV4_HEADER_LENGTH))
}

function writeIpv6Header(
  packet: Uint8Array,
  options: Ipv6Options & NetworkOptions,
  source: Uint8Array,
  destination: Uint8Array,
): void {
  const view = new DataView(packet.buffer)
  const trafficClass = whole('trafficClass', options.trafficClass ?? 0, 0xff)
  view.setUint32(0, 0x60000000 | (trafficClass << 20) | whole('flowLabel', options.flowLabel ?? 0, 0xfffff))
  view.setUint16(4, packet.length - IPV6_HEADER_LENGTH)
  view.setUint8(6, whole('nextHeader', options.nextHeader, 0xff))
  view.setUint8(7, whole('ttl', options.ttl ?? 64, 0xff))
  packet.set(source, 8)
  packet.set(destination, 24)
}

/** The bytes of a payload. */
export function payloadBytes(payload: Payload | undefined): Uint8Array {
  if (payload === undefined) return new Uint8Array(0)
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : payload
}

/** `value` if it is a whole number from 0 to `maximum`. Throws `EncodeError`, code `VALUE_RANGE`. */
export function whole(name: string, value: number, maximum: number): number {
  if (!Number.isInteger(value) || value < 0 || value > maximum) {
    throw range(name, `a whole number from 0 to ${maximum}`, value)
  }
  return value
}

function range(name: string, wanted: string, value: number): EncodeError {
  return new EncodeError('VALUE_RANGE', `${name}: ${wanted} wanted, not ${value}`)
}

function addressOf(name: string, address: Address, version: 4 | 6): Uint8Array {
  const bytes = addressBytes(address)
  if ((bytes.length === IPV4_ADDRESS_LENGTH) !== (version === 4)) {
    throw new EncodeError('VALUE_RANGE', `${name}: an IPv${version} address wanted`)
  }
  return bytes
}

function totalLength(headerLength: number, payloadLength: number, version: 4 | 6): number {
  const counted = version === 4 ? headerLength + payloadLength : payloadLength
  if (counted > MAXIMUM_LENGTH_FIELD) {
    throw new EncodeError('NO_SPACE', `packet: ${counted} bytes do not fit into the length field of IPv${version}`)
  }
  return headerLength + payloadLength
}
