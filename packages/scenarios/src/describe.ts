/** The contents of a packet, for traces, filters and tests. Returns owned objects and never throws. */

import { ICMP_HEADER_LENGTH, IpProtocol, TCP_HEADER_LENGTH, TcpFlag, UDP_HEADER_LENGTH } from '@ringlink/packet'
import { type ChecksumReport, type NetworkHeader, readNetworkHeader, verifyChecksums } from './headers.ts'

/** The network header and what every packet has. */
export interface NetworkDescription extends NetworkHeader {
  readonly checksums: ChecksumReport
}

export interface UdpDescription extends NetworkDescription {
  readonly kind: 'udp'
  readonly sourcePort: number
  readonly destinationPort: number
  /** a window on the available bytes of the packet */
  readonly payload: Uint8Array
}

export interface TcpDescription extends NetworkDescription {
  readonly kind: 'tcp'
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence: number
  readonly acknowledgement: number
  /** bits of `TcpFlag` */
  readonly flags: number
  readonly window: number
  readonly urgentPointer: number
  /** a window on the packet */
  readonly options: Uint8Array
  /** a window on the available bytes of the packet */
  readonly payload: Uint8Array
}

/** ICMP and ICMPv6; `identifier` and `sequence` are those of an echo, in other messages two halves of one word. */
export interface IcmpDescription extends NetworkDescription {
  readonly kind: 'icmp' | 'icmpv6'
  readonly type: number
  readonly code: number
  readonly identifier: number
  readonly sequence: number
  /** a window on the available bytes of the packet */
  readonly payload: Uint8Array
}

/** Another protocol, a later fragment, or a transport header that is cut or malformed: `reason` says which. */
export interface OtherDescription extends NetworkDescription {
  readonly kind: 'other'
  readonly reason: string
  /** everything after the network header: a window on the packet */
  readonly payload: Uint8Array
}

/** No IP packet. */
export interface MalformedDescription {
  readonly kind: 'malformed'
  readonly reason: string
}

export type PacketDescription =
  | UdpDescription
  | TcpDescription
  | IcmpDescription
  | OtherDescription
  | MalformedDescription

/** Describes any bytes as the packet that they begin with. */
export function describePacket(bytes: Uint8Array): PacketDescription {
  const header = readNetworkHeader(bytes)
  if (typeof header === 'string') return { kind: 'malformed', reason: header }
  const network = { ...header, checksums: verifyChecksums(bytes) }
  const body = bytes.subarray(header.headerLength, Math.max(header.headerLength, Math.min(header.length, bytes.length)))
  const other = (reason: string): OtherDescription => ({ kind: 'other', ...network, reason, payload: body })
  if (header.fragmentOffset > 0) return other('a later fragment')
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  switch (header.protocol) {
    case IpProtocol.Udp: {
      if (body.length < UDP_HEADER_LENGTH) return other('UDP header cut')
      const claimed = view.getUint16(4)
      if (claimed < UDP_HEADER_LENGTH) return other(`UDP length ${claimed}`)
      const ports = { sourcePort: view.getUint16(0), destinationPort: view.getUint16(2) }
      return { kind: 'udp', ...network, ...ports, payload: body.subarray(UDP_HEADER_LENGTH, claimed) }
    }
    case IpProtocol.Tcp: {
      if (body.length < TCP_HEADER_LENGTH) return other('TCP header cut')
      const headerLength = (view.getUint8(12) >> 4) * 4
      if (headerLength < TCP_HEADER_LENGTH) return other(`TCP header of ${headerLength} bytes`)
      if (headerLength > body.length) return other('TCP options cut')
      return {
        kind: 'tcp',
        ...network,
        sourcePort: view.getUint16(0),
        destinationPort: view.getUint16(2),
        sequence: view.getUint32(4),
        acknowledgement: view.getUint32(8),
        flags: view.getUint8(13),
        window: view.getUint16(14),
        urgentPointer: view.getUint16(18),
        options: body.subarray(TCP_HEADER_LENGTH, headerLength),
        payload: body.subarray(headerLength),
      }
    }
    case IpProtocol.Icmp:
    case IpProtocol.Icmpv6: {
      if (body.length < ICMP_HEADER_LENGTH) return other('ICMP header cut')
      return {
        kind: header.protocol === IpProtocol.Icmp ? 'icmp' : 'icmpv6',
        ...network,
        type: view.getUint8(0),
        code: view.getUint8(1),
        identifier: view.getUint16(4),
        sequence: view.getUint16(6),
        payload: body.subarray(ICMP_HEADER_LENGTH),
      }
    }
    default:
      return other(`protocol ${header.protocol}`)
  }
}

/** The packet in one line: `UDP 192.0.2.1:5000 > 192.0.2.2:53, 12 bytes`. */
export function formatPacket(bytes: Uint8Array): string {
  const packet = describePacket(bytes)
  if (packet.kind === 'malformed') return `no packet: ${packet.reason}`
  const { source, destination, checksums, payload } = packet
  const broken = checksums.network === 'invalid' || checksums.transport === 'invalid' ? ', bad checksum' : ''
  const cut = packet.length > bytes.length ? `, cut from ${packet.length}` : ''
  const tail = `${payload.length} bytes${cut}${broken}`
  switch (packet.kind) {
    case 'udp':
      return `UDP ${endpoints(packet)}, ${tail}`
    case 'tcp':
      return `TCP ${endpoints(packet)} ${tcpFlagNames(packet.flags)} sequence ${packet.sequence}, ${tail}`
    case 'icmp':
    case 'icmpv6': {
      const name = packet.kind === 'icmp' ? 'ICMP' : 'ICMPv6'
      return `${name} ${source} > ${destination} type ${packet.type} code ${packet.code}, ${tail}`
    }
    case 'other':
      return `IPv${packet.version} ${source} > ${destination} ${packet.reason}, ${tail}`
  }
}

const flagNames: readonly (readonly [number, string])[] = [
  [TcpFlag.Synchronize, 'SYN'],
  [TcpFlag.Finish, 'FIN'],
  [TcpFlag.Reset, 'RST'],
  [TcpFlag.Push, 'PSH'],
  [TcpFlag.Acknowledge, 'ACK'],
  [TcpFlag.Urgent, 'URG'],
  [TcpFlag.CongestionEcho, 'ECE'],
  [TcpFlag.CongestionWindowReduced, 'CWR'],
]

/** The usual names of a TCP header's flags: `SYN+ACK`; `none` without any. */
export function tcpFlagNames(flags: number): string {
  const names = flagNames.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name)
  return names.length === 0 ? 'none' : names.join('+')
}

function endpoints({
  version,
  source,
  sourcePort,
  destination,
  destinationPort,
}: UdpDescription | TcpDescription): string {
  return version === 4
    ? `${source}:${sourcePort} > ${destination}:${destinationPort}`
    : `[${source}]:${sourcePort} > [${destination}]:${destinationPort}`
}
