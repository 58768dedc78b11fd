/**
 * IPv4 (RFC 791 section 3.1).
 *
 *    0 version (4 bits), 32-bit words of header (4) | 1 traffic class (DSCP 6 bits, ECN 2) | 2 total length
 *    4 identification                               | 6 flags (3 bits), fragment offset in units of 8 bytes (13)
 *    8 time to live | 9 protocol                    | 10 header checksum
 *   12 source (4)   | 16 destination (4)            | 20 options
 */
import type { Memory } from '@ringlink/codec/memory'
import { type Address, addressOfVersion, IPV4_ADDRESS_LENGTH } from './address.ts'
import { AddressView } from './address-view.ts'
import { field, read16, write16 } from './bytes.ts'
import { EtherType } from './ethernet.ts'
import { checkAvailable, checkRoom, HeaderView, headerError, type NetworkLocation } from './header.ts'
import { OptionIterator } from './option-iterator.ts'

const VERSION_AND_LENGTH = 0
const TRAFFIC_CLASS = VERSION_AND_LENGTH + 1
export const IPV4_TOTAL_LENGTH: number = TRAFFIC_CLASS + 1
export const IPV4_IDENTIFICATION: number = IPV4_TOTAL_LENGTH + 2
export const IPV4_FRAGMENT: number = IPV4_IDENTIFICATION + 2
export const IPV4_TIME_TO_LIVE: number = IPV4_FRAGMENT + 2
export const IPV4_PROTOCOL: number = IPV4_TIME_TO_LIVE + 1
export const IPV4_CHECKSUM: number = IPV4_PROTOCOL + 1
export const IPV4_SOURCE: number = IPV4_CHECKSUM + 2
export const IPV4_DESTINATION: number = IPV4_SOURCE + IPV4_ADDRESS_LENGTH
/** Bytes of a header without options. */
export const IPV4_HEADER_LENGTH: number = IPV4_DESTINATION + IPV4_ADDRESS_LENGTH
/** The maximum of a 4-bit field in units of 4 bytes. */
export const IPV4_MAXIMUM_HEADER_LENGTH = 60

/** IP_DF */
const DO_NOT_FRAGMENT = 0x4000
/** IP_MF */
export const IPV4_MORE_FRAGMENTS = 0x2000
/** IP_OFFSET */
export const IPV4_FRAGMENT_OFFSET = 0x1fff

/** Kinds of options (IANA "IP Option Numbers"). */
export const Ipv4Option = {
  /** IPOPT_NOOP */
  NoOperation: 1,
  /** IPOPT_RR */
  RecordRoute: 7,
  /** IPOPT_TIMESTAMP */
  Timestamp: 68,
  /** IPOPT_LSRR */
  LooseSourceRoute: 131,
  /** IPOPT_SSRR */
  StrictSourceRoute: 137,
  /** IPOPT_RA */
  RouterAlert: 148,
} as const
export type Ipv4Option = (typeof Ipv4Option)[keyof typeof Ipv4Option]

/** Length of the header at `offset` in bytes, options included, according to its length field. */
export function ipv4HeaderLength(memory: Memory, offset: number): number {
  return ((memory.u8[offset] as number) & 0x0f) << 2
}

/** The header of an IPv4 packet in place, options included. */
export class Ipv4View extends HeaderView {
  readonly #source = new AddressView()
  readonly #destination = new AddressView()
  readonly #options = new OptionIterator()

  /**
   * Throws `DecodeError`: `SHORT_HEADER` if it is cut, `PACKET_HEADER` if it is of another version or below 20 bytes.
   */
  wrap(memory: Memory, offset: number, available: number): this {
    checkAvailable(memory, offset, available, IPV4_HEADER_LENGTH, 'IPv4 header')
    const version = (memory.u8[offset] as number) >> 4
    if (version !== 4) throw headerError('IPv4 header, version', offset, 4, version)
    const length = ipv4HeaderLength(memory, offset)
    if (length < IPV4_HEADER_LENGTH) throw headerError('IPv4 header, length', offset, IPV4_HEADER_LENGTH, length)
    this.aim(memory, offset, available, length, 'IPv4 options')
    return this
  }

  /** Aims at the packet's network header if it is a whole one of IPv4. */
  find(packet: NetworkLocation): boolean {
    const { memory, networkOffset } = packet
    if (packet.etherType !== EtherType.Ipv4 || networkOffset < 0) return false
    if (networkOffset + IPV4_HEADER_LENGTH > packet.end || (memory.u8[networkOffset] as number) >> 4 !== 4) return false
    const length = ipv4HeaderLength(memory, networkOffset)
    return length >= IPV4_HEADER_LENGTH && this.aimNetwork(packet, EtherType.Ipv4, length)
  }

  /** bytes, options included */
  get headerLength(): number {
    return ipv4HeaderLength(this.memory, this.offset)
  }

  /** DSCP in the upper 6 bits, ECN in the lower 2; once "type of service" */
  get trafficClass(): number {
    return this.memory.u8[this.offset + TRAFFIC_CLASS] as number
  }

  /** bytes of header and payload; 0 in captures of segmentation offload */
  get totalLength(): number {
    return read16(this.memory, this.offset + IPV4_TOTAL_LENGTH)
  }

  get identification(): number {
    return read16(this.memory, this.offset + IPV4_IDENTIFICATION)
  }

  get dontFragment(): boolean {
    return (read16(this.memory, this.offset + IPV4_FRAGMENT) & DO_NOT_FRAGMENT) !== 0
  }

  get moreFragments(): boolean {
    return (read16(this.memory, this.offset + IPV4_FRAGMENT) & IPV4_MORE_FRAGMENTS) !== 0
  }

  /** bytes of the packet before this fragment */
  get fragmentOffset(): number {
    return (read16(this.memory, this.offset + IPV4_FRAGMENT) & IPV4_FRAGMENT_OFFSET) << 3
  }

  get timeToLive(): number {
    return this.memory.u8[this.offset + IPV4_TIME_TO_LIVE] as number
  }

  /** `IpProtocol` or another */
  get protocol(): number {
    return this.memory.u8[this.offset + IPV4_PROTOCOL] as number
  }

  /** of the header alone */
  get checksum(): number {
    return read16(this.memory, this.offset + IPV4_CHECKSUM)
  }

  get source(): AddressView {
    return this.#source.wrap(this.memory, this.offset + IPV4_SOURCE, IPV4_ADDRESS_LENGTH)
  }

  get destination(): AddressView {
    return this.#destination.wrap(this.memory, this.offset + IPV4_DESTINATION, IPV4_ADDRESS_LENGTH)
  }

  /** the options (`Ipv4Option`): one iterator, aimed at their start again */
  get options(): OptionIterator {
    return this.#options.wrap(this.memory, this.offset + IPV4_HEADER_LENGTH, this.offset + this.headerLength)
  }

  copy(): Ipv4 {
    const { memory, offset, headerLength, trafficClass, totalLength, identification, dontFragment } = this
    const { moreFragments, fragmentOffset, timeToLive, protocol, checksum, source, destination } = this
    return {
      trafficClass,
      totalLength,
      identification,
      dontFragment,
      moreFragments,
      fragmentOffset,
      timeToLive,
      protocol,
      checksum,
      source: source.copy(),
      destination: destination.copy(),
      options: memory.copy(offset + IPV4_HEADER_LENGTH, headerLength - IPV4_HEADER_LENGTH),
    }
  }
}

/** An IPv4 header that owns its values. */
export interface Ipv4 {
  /** default 0 */
  readonly trafficClass?: number
  /** bytes of header and payload */
  readonly totalLength: number
  /** default 0 */
  readonly identification?: number
  /** default false */
  readonly dontFragment?: boolean
  /** default false */
  readonly moreFragments?: boolean
  /** bytes, a multiple of 8; default 0 */
  readonly fragmentOffset?: number
  /** default 64 */
  readonly timeToLive?: number
  readonly protocol: number
  /** default 0 */
  readonly checksum?: number
  readonly source: Address
  readonly destination: Address
  /** up to 40 bytes, filled up to 32-bit words with "end of options"; default none */
  readonly options?: Uint8Array
}

/** Writes an IPv4 header; see header.ts. */
export function writeIpv4(memory: Memory, offset: number, limit: number, header: Ipv4): number {
  const options = header.options ?? NO_OPTIONS
  field('length of options', options.length, IPV4_MAXIMUM_HEADER_LENGTH - IPV4_HEADER_LENGTH)
  const length = IPV4_HEADER_LENGTH + ((options.length + 3) & ~3)
  checkRoom(memory, offset, limit, length, 'an IPv4 header')
  const fragment = field('fragmentOffset', header.fragmentOffset ?? 0, IPV4_FRAGMENT_OFFSET << 3)
  // The field counts in units of 8 bytes.
  field('fragmentOffset / 8', fragment / 8, IPV4_FRAGMENT_OFFSET)
  const flags =
    (header.dontFragment === true ? DO_NOT_FRAGMENT : 0) | (header.moreFragments === true ? IPV4_MORE_FRAGMENTS : 0)
  const { u8 } = memory
  const source = addressOfVersion('source', header.source, 4)
  const destination = addressOfVersion('destination', header.destination, 4)
  u8[offset] = 0x40 | (length >> 2)
  u8[offset + TRAFFIC_CLASS] = field('trafficClass', header.trafficClass ?? 0, 0xff)
  write16(memory, offset + IPV4_TOTAL_LENGTH, field('totalLength', header.totalLength, 0xffff))
  write16(memory, offset + IPV4_IDENTIFICATION, field('identification', header.identification ?? 0, 0xffff))
  write16(memory, offset + IPV4_FRAGMENT, flags | (fragment >> 3))
  u8[offset + IPV4_TIME_TO_LIVE] = field('timeToLive', header.timeToLive ?? 64, 0xff)
  u8[offset + IPV4_PROTOCOL] = field('protocol', header.protocol, 0xff)
  write16(memory, offset + IPV4_CHECKSUM, field('checksum', header.checksum ?? 0, 0xffff))
  u8.set(source, offset + IPV4_SOURCE)
  u8.set(destination, offset + IPV4_DESTINATION)
  u8.fill(0, offset + IPV4_HEADER_LENGTH, offset + length)
  u8.set(options, offset + IPV4_HEADER_LENGTH)
  return offset + length
}

const NO_OPTIONS = new Uint8Array(0)
