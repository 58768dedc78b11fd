/**
 * Builders of whole packets, for tests and for packets that a program sends: from the network header on, with lengths
 * and checksums. The addresses decide between IPv4 and IPv6. The values are not checked for meaning. Throws
 * `EncodeError`: `VALUE_RANGE` for a value that its field cannot hold, `NO_SPACE` for a packet beyond its length field.
 */
import { EncodeError } from '@ringlink/codec/errors'
import { Memory } from '@ringlink/codec/memory'
import { type Address, addressBytes, addressOfVersion, IPV4_ADDRESS_LENGTH } from './address.ts'
import { ARP_HEADER_LENGTH, type Arp, writeArp } from './arp.ts'
import { field } from './bytes.ts'
import { ETHERNET_HEADER_LENGTH, EtherType, writeEthernet } from './ethernet.ts'
import { ICMP_HEADER_LENGTH, writeIcmp } from './icmp.ts'
import { IPV4_HEADER_LENGTH, writeIpv4 } from './ipv4.ts'
import { IPV6_HEADER_LENGTH, writeIpv6 } from './ipv6.ts'
import { PacketView } from './packet.ts'
import { writeChecksums, writeNetworkChecksum } from './packet-checksum.ts'
import { IpProtocol } from './protocol.ts'
import { TCP_MAXIMUM_HEADER_LENGTH, writeTcp } from './tcp.ts'
import { UDP_HEADER_LENGTH, writeUdp } from './udp.ts'
import { VLAN_TAG_LENGTH, type Vlan, writeVlan } from './vlan.ts'

/** The maximum of the length fields of IPv4 (header included) and IPv6 (header not included). */
const MAXIMUM_LENGTH_FIELD = 0xffff

/** Text is written as UTF-8; default empty. */
export type Payload = Uint8Array | string

/** Options of every packet. */
export interface NetworkOptions {
  readonly source: Address
  readonly destination: Address
  /** hop limit in IPv6; default 64 */
  readonly timeToLive?: number | undefined
  /** default 0 */
  readonly trafficClass?: number | undefined
  /** IPv4 only; default 0 */
  readonly identification?: number | undefined
  /** IPv4 only; default true, false in a fragment */
  readonly dontFragment?: boolean | undefined
  /** IPv6 only: 20 bits; default 0 */
  readonly flowLabel?: number | undefined
}

export interface Ipv4PacketOptions extends Omit<NetworkOptions, 'flowLabel'> {
  /** `IpProtocol` or any other number up to 255 */
  readonly protocol: number
  readonly payload?: Payload | undefined
  /** bytes before this fragment, a multiple of 8; default 0 */
  readonly fragmentOffset?: number | undefined
  readonly moreFragments?: boolean | undefined
  /** up to 40 bytes of options, filled up to 32-bit words */
  readonly options?: Uint8Array | undefined
}

export interface Ipv6PacketOptions extends Omit<NetworkOptions, 'identification' | 'dontFragment'> {
  /** `IpProtocol` or any other number up to 255; of an extension header, it begins the payload */
  readonly nextHeader: number
  readonly payload?: Payload | undefined
}

export interface UdpPacketOptions extends NetworkOptions {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload?: Payload | undefined
  /** false leaves the checksum out (0); default true */
  readonly checksum?: boolean | undefined
}

export interface TcpPacketOptions extends NetworkOptions {
  readonly sourcePort: number
  readonly destinationPort: number
  /** number of the first byte of the payload; default 0 */
  readonly sequence?: number | undefined
  /** number of the byte that is expected next; default 0 */
  readonly acknowledgement?: number | undefined
  /** bits of `TcpFlag` */
  readonly flags: number
  /** default 65535 */
  readonly window?: number | undefined
  /** default 0 */
  readonly urgentPointer?: number | undefined
  /** up to 40 bytes of options, filled up to 32-bit words */
  readonly options?: Uint8Array | undefined
  readonly payload?: Payload | undefined
}

export interface IcmpPacketOptions extends NetworkOptions {
  /** `IcmpType` or `Icmpv6Type`, or any other number up to 255 */
  readonly type: number
  /** default 0 */
  readonly code?: number | undefined
  /** of an echo; in other messages the first half of the 32 bits after the checksum; default 0 */
  readonly identifier?: number | undefined
  /** of an echo; in other messages the second half of those 32 bits; default 0 */
  readonly sequence?: number | undefined
  readonly payload?: Payload | undefined
}

/** An IPv4 packet around any payload, which is not changed. */
export function ipv4Packet(options: Ipv4PacketOptions): Uint8Array<ArrayBuffer> {
  const ipOptions = options.options ?? new Uint8Array(0)
  const payload = payloadBytes(options.payload)
  const headerLength = IPV4_HEADER_LENGTH + Math.ceil(ipOptions.length / 4) * 4
  const length = checkLength(headerLength + payload.length, 4)
  const memory = new Memory(length)
  // By default only whole packets set "don't fragment".
  const isFragment = (options.fragmentOffset ?? 0) > 0 || options.moreFragments === true
  writeIpv4(memory, 0, length, {
    trafficClass: options.trafficClass ?? 0,
    totalLength: length,
    identification: options.identification ?? 0,
    dontFragment: options.dontFragment ?? !isFragment,
    moreFragments: options.moreFragments === true,
    fragmentOffset: options.fragmentOffset ?? 0,
    timeToLive: options.timeToLive ?? 64,
    protocol: options.protocol,
    source: options.source,
    destination: options.destination,
    options: ipOptions,
  })
  memory.u8.set(payload, headerLength)
  writeNetworkChecksum(new PacketView().wrapNetwork(memory, 0, length, EtherType.Ipv4))
  return memory.copy(0, length)
}

/** An IPv6 packet around any payload, which is not changed. */
export function ipv6Packet(options: Ipv6PacketOptions): Uint8Array<ArrayBuffer> {
  const payload = payloadBytes(options.payload)
  const payloadLength = checkLength(payload.length, 6)
  const length = IPV6_HEADER_LENGTH + payloadLength
  const memory = new Memory(length)
  writeIpv6(memory, 0, length, {
    trafficClass: options.trafficClass ?? 0,
    flowLabel: options.flowLabel ?? 0,
    payloadLength,
    nextHeader: options.nextHeader,
    hopLimit: options.timeToLive ?? 64,
    source: options.source,
    destination: options.destination,
  })
  memory.u8.set(payload, IPV6_HEADER_LENGTH)
  return memory.copy(0, length)
}

/** A UDP datagram over IPv4 or IPv6. */
export function udpPacket(options: UdpPacketOptions): Uint8Array<ArrayBuffer> {
  const { sourcePort, destinationPort } = options
  const payload = payloadBytes(options.payload)
  const memory = new Memory(UDP_HEADER_LENGTH + payload.length)
  const length = checkLength(UDP_HEADER_LENGTH + payload.length, 6)
  const end = writeUdp(memory, 0, memory.byteLength, { sourcePort, destinationPort, length })
  return transportPacket(options, IpProtocol.Udp, memory, end, payload, options.checksum !== false)
}

/** A TCP segment over IPv4 or IPv6. */
export function tcpPacket(options: TcpPacketOptions): Uint8Array<ArrayBuffer> {
  const payload = payloadBytes(options.payload)
  const memory = new Memory(TCP_MAXIMUM_HEADER_LENGTH + payload.length)
  const end = writeTcp(memory, 0, memory.byteLength, {
    sourcePort: options.sourcePort,
    destinationPort: options.destinationPort,
    sequence: options.sequence ?? 0,
    acknowledgement: options.acknowledgement ?? 0,
    flags: options.flags,
    window: options.window ?? 0xffff,
    urgentPointer: options.urgentPointer ?? 0,
    options: options.options ?? new Uint8Array(0),
  })
  return transportPacket(options, IpProtocol.Tcp, memory, end, payload, true)
}

/** An ICMP message over IPv4. */
export function icmpPacket(options: IcmpPacketOptions): Uint8Array<ArrayBuffer> {
  addressOfVersion('source', options.source, 4)
  return icmpMessage(options, IpProtocol.Icmp)
}

/** An ICMPv6 message over IPv6. */
export function icmpv6Packet(options: IcmpPacketOptions): Uint8Array<ArrayBuffer> {
  addressOfVersion('source', options.source, 6)
  return icmpMessage(options, IpProtocol.Icmpv6)
}

function icmpMessage(options: IcmpPacketOptions, protocol: IpProtocol): Uint8Array<ArrayBuffer> {
  const payload = payloadBytes(options.payload)
  const memory = new Memory(ICMP_HEADER_LENGTH + payload.length)
  const identifier = field('identifier', options.identifier ?? 0, 0xffff)
  const sequence = field('sequence', options.sequence ?? 0, 0xffff)
  const rest = identifier * 0x10000 + sequence
  const end = writeIcmp(memory, 0, memory.byteLength, { type: options.type, code: options.code ?? 0, rest })
  return transportPacket(options, protocol, memory, end, payload, true)
}

/** A packet around the transport header that ends at `end` of `memory`. */
function transportPacket(
  options: NetworkOptions,
  protocol: IpProtocol,
  memory: Memory,
  end: number,
  payload: Uint8Array,
  isChecksummed: boolean,
): Uint8Array<ArrayBuffer> {
  memory.u8.set(payload, end)
  const contents = memory.u8.subarray(0, end + payload.length)
  const isIpv4 = addressBytes(options.source).length === IPV4_ADDRESS_LENGTH
  const { source, destination, timeToLive, trafficClass, identification, dontFragment, flowLabel } = options
  const common = { source, destination, timeToLive, trafficClass, payload: contents }
  const packet = isIpv4
    ? ipv4Packet({ ...common, identification, dontFragment, protocol })
    : ipv6Packet({ ...common, flowLabel, nextHeader: protocol })
  return isChecksummed ? withChecksums(packet) : packet
}

/** A copy of a packet that begins with its network header, with correct checksums. */
export function withChecksums(packet: Uint8Array): Uint8Array<ArrayBuffer> {
  const memory = Memory.from(packet)
  writeChecksums(new PacketView().wrapNetwork(memory, 0, packet.length))
  return memory.copy(0, packet.length)
}

export interface EthernetFrameOptions {
  /** 6 bytes, or text such as `02:00:00:00:0c:02` */
  readonly source: Address
  readonly destination: Address
  /** of what follows the last tag; default by the IP version in the payload's first byte */
  readonly etherType?: number | undefined
  /** VLAN tags, outermost first; default none */
  readonly vlans?: readonly EthernetTag[] | undefined
  readonly payload: Uint8Array
}

/** A VLAN tag of a frame. */
export interface EthernetTag extends Omit<Vlan, 'etherType'> {
  /** the kind of tag; default `EtherType.Vlan` */
  readonly kind?: number | undefined
}

/** An Ethernet frame around a network packet, without padding and check sequence. */
export function ethernetFrame(options: EthernetFrameOptions): Uint8Array<ArrayBuffer> {
  const { source, destination, payload } = options
  const tags = options.vlans ?? []
  const etherType = options.etherType ?? ((payload[0] ?? 0) >> 4 === 6 ? EtherType.Ipv6 : EtherType.Ipv4)
  const length = ETHERNET_HEADER_LENGTH + tags.length * VLAN_TAG_LENGTH + payload.length
  const memory = new Memory(length)
  const kinds = [...tags.map(({ kind }) => kind ?? EtherType.Vlan), etherType]
  let at = writeEthernet(memory, 0, length, { source, destination, etherType: kinds[0] ?? etherType })
  for (const [index, tag] of tags.entries()) {
    at = writeVlan(memory, at, length, { ...tag, etherType: kinds[index + 1] ?? etherType })
  }
  memory.u8.set(payload, at)
  return memory.copy(0, length)
}

/** An ARP packet for IPv4 over Ethernet, without its Ethernet header. */
export function arpPacket(packet: Arp): Uint8Array<ArrayBuffer> {
  const memory = new Memory(ARP_HEADER_LENGTH + 20)
  return memory.copy(0, writeArp(memory, 0, memory.byteLength, packet))
}

function payloadBytes(payload: Payload | undefined): Uint8Array {
  if (payload === undefined) return new Uint8Array(0)
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : payload
}

function checkLength(counted: number, version: 4 | 6): number {
  if (counted <= MAXIMUM_LENGTH_FIELD) return counted
  const what = `${counted} bytes do not fit into the length field of IPv${version}`
  throw new EncodeError('NO_SPACE', `cannot build the packet: ${what}`)
}
