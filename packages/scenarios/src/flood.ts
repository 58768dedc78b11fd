/**
 * Packets without end and without allocation: one template, in which each step changes a few words and mends the
 * checksums over them (RFC 1624). Packet n has identification first + n (IPv4), source port first + n modulo `flows`,
 * and the number n where its kind says.
 */

import { EncodeError } from '@ringlink/codec/errors'
import {
  type Address,
  addressBytes,
  IcmpType,
  Icmpv6Type,
  IPV4_ADDRESS_LENGTH,
  IPV4_HEADER_LENGTH,
  IPV6_HEADER_LENGTH,
  icmpPacket,
  icmpv6Packet,
  TcpFlag,
  tcpPacket,
  UDP_HEADER_LENGTH,
  udpPacket,
  updateChecksum,
} from '@ringlink/packet'
import { Random } from '@ringlink/transport/faults'
import { type Content, contentBytes, type Endpoint } from './flows.ts'
import { whole } from './packet.ts'

export interface FloodOptions {
  readonly seed: number
  /** the port is the lowest source port */
  readonly client: Endpoint
  readonly server: Endpoint
  /** source ports used in turn; default 1 */
  readonly flows?: number | undefined
}

export interface UdpFloodOptions extends FloodOptions {
  /** from 4 bytes on, the first four are the number of the packet, big-endian; default 64 bytes */
  readonly content?: Content | undefined
}

export interface EchoFloodOptions {
  readonly seed: number
  readonly client: Address
  readonly server: Address
  /** default 56 bytes */
  readonly content?: Content | undefined
}

/** Offset of the checksum in each transport header. */
const UDP_CHECKSUM = 6
const TCP_CHECKSUM = 16
const ICMP_CHECKSUM = 2

interface Field {
  /** where the half word lies */
  readonly at: number
  /** where the checksum over it lies */
  readonly checksumAt: number
  readonly first: number
  /** what is added to `first`, modulo 2^16: the packet's number divided by `divisor`, modulo `modulus` */
  readonly divisor: number
  readonly modulus: number
  /** 0 means "no checksum" here, as in UDP */
  readonly zeroMeansNone: boolean
}

/** An endless sequence of packets in one buffer. */
export class Flood implements Iterable<Uint8Array> {
  /** the packet as the last step left it: valid until the next one */
  readonly packet: Uint8Array
  /** number of the next packet; the first is 0 */
  count = 0
  readonly #fields: readonly Field[]

  constructor(template: Uint8Array, fields: readonly Field[]) {
    this.packet = template
    this.#fields = fields
  }

  /** Writes the next packet and returns {@link packet}. */
  step(): Uint8Array {
    const { packet, count } = this
    for (const { at, checksumAt, first, divisor, modulus, zeroMeansNone } of this.#fields) {
      const after = (first + (Math.floor(count / divisor) % modulus)) & 0xffff
      const before = readWord(packet, at)
      if (after === before) continue
      const checksum = updateChecksum(readWord(packet, checksumAt), before, after)
      writeWord(packet, at, after)
      writeWord(packet, checksumAt, checksum === 0 && zeroMeansNone ? 0xffff : checksum)
    }
    this.count = count + 1
    return packet
  }

  /** Endless. Each packet is the same buffer: copy what is to outlive the next step. */
  *[Symbol.iterator](): Generator<Uint8Array, never, undefined> {
    for (;;) yield this.step()
  }
}

/** UDP datagrams that carry their number. */
export function udpFlood(options: UdpFloodOptions): Flood {
  const random = new Random(options.seed)
  const payload = contentBytes(options.content ?? 64, random)
  const packet = udpPacket({ ...endpoints(options), identification: random.below(0x10000), payload })
  const at = transportAt(packet)
  const checksumAt = at + UDP_CHECKSUM
  const fields = [...identification(packet), sourcePort(at, checksumAt, options, true)]
  if (payload.length >= 4) {
    const number = at + UDP_HEADER_LENGTH
    fields.push(word(number, checksumAt, 0, 0x10000, true), word(number + 2, checksumAt, 0, 1, true))
  }
  return new Flood(packet, fields)
}

/** TCP connection requests; the number is added to the upper half of the sequence number. */
export function synFlood(options: FloodOptions): Flood {
  const random = new Random(options.seed)
  const packet = tcpPacket({
    ...endpoints(options),
    identification: random.below(0x10000),
    sequence: random.next(),
    flags: TcpFlag.Synchronize,
  })
  const at = transportAt(packet)
  const checksumAt = at + TCP_CHECKSUM
  const sequence = word(at + 4, checksumAt, readWord(packet, at + 4), 1, false)
  return new Flood(packet, [...identification(packet), sourcePort(at, checksumAt, options, false), sequence])
}

/** Echo requests, ICMP or ICMPv6, with the number as their sequence, modulo 2^16. */
export function echoFlood(options: EchoFloodOptions): Flood {
  const random = new Random(options.seed)
  const source = addressBytes(options.client)
  const isIpv4 = source.length === IPV4_ADDRESS_LENGTH
  const packet = (isIpv4 ? icmpPacket : icmpv6Packet)({
    source,
    destination: options.server,
    identification: random.below(0x10000),
    type: isIpv4 ? IcmpType.EchoRequest : Icmpv6Type.EchoRequest,
    identifier: random.below(0x10000),
    payload: contentBytes(options.content ?? 56, random),
  })
  const at = transportAt(packet)
  const checksumAt = at + ICMP_CHECKSUM
  return new Flood(packet, [...identification(packet), word(at + 6, checksumAt, 0, 1, false)])
}

function endpoints({ client, server }: FloodOptions) {
  return {
    source: client.address,
    destination: server.address,
    sourcePort: client.port,
    destinationPort: server.port,
  }
}

function transportAt(packet: Uint8Array): number {
  return (packet[0] as number) >> 4 === 4 ? IPV4_HEADER_LENGTH : IPV6_HEADER_LENGTH
}

function identification(packet: Uint8Array): Field[] {
  return (packet[0] as number) >> 4 === 4 ? [word(4, 10, readWord(packet, 4), 1, false)] : []
}

function word(at: number, checksumAt: number, first: number, divisor: number, zeroMeansNone: boolean): Field {
  return { at, checksumAt, first, divisor, modulus: 0x10000, zeroMeansNone }
}

function sourcePort(at: number, checksumAt: number, options: FloodOptions, zeroMeansNone: boolean): Field {
  const modulus = options.flows ?? 1
  const first = options.client.port
  whole('highest source port', first + modulus - 1, 0xffff)
  if (modulus < 1) throw new EncodeError('VALUE_RANGE', `flows must be at least 1, got ${modulus}`)
  return { at, checksumAt, first, divisor: 1, modulus, zeroMeansNone }
}

function readWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

function writeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8
  bytes[at + 1] = value
}
