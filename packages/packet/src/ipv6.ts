/**
 * IPv6 (RFC 8200 section 3).
 *
 *    0 version (4 bits), traffic class (8), flow label (20)
 *    4 payload length | 6 next header | 7 hop limit
 *    8 source (16)    | 24 destination (16)
 *   40 extension headers (ipv6-extension.ts), each naming the next, then the transport header
 */
import type { Memory } from '@ringlink/codec/memory'
import { type Address, addressOfVersion, IPV6_ADDRESS_LENGTH } from './address.ts'
import { AddressView } from './address-view.ts'
import { field, read16, read32, write16, write32 } from './bytes.ts'
import { EtherType } from './ethernet.ts'
import { checkRoom, HeaderView, headerError, type NetworkLocation } from './header.ts'

const FIRST_WORD = 0
export const IPV6_PAYLOAD_LENGTH: number = FIRST_WORD + 4
export const IPV6_NEXT_HEADER: number = IPV6_PAYLOAD_LENGTH + 2
export const IPV6_HOP_LIMIT: number = IPV6_NEXT_HEADER + 1
export const IPV6_SOURCE: number = IPV6_HOP_LIMIT + 1
export const IPV6_DESTINATION: number = IPV6_SOURCE + IPV6_ADDRESS_LENGTH
/** Bytes of the header without extension headers. */
export const IPV6_HEADER_LENGTH: number = IPV6_DESTINATION + IPV6_ADDRESS_LENGTH

/** The header of an IPv6 packet in place, without its extension headers. */
export class Ipv6View extends HeaderView {
  readonly #source = new AddressView()
  readonly #destination = new AddressView()

  /** Throws `DecodeError`: `SHORT_HEADER` if it is cut, `PACKET_HEADER` if it is of another version. */
  wrap(memory: Memory, offset: number, available: number): this {
    this.aim(memory, offset, available, IPV6_HEADER_LENGTH, 'IPv6 header')
    const version = (memory.u8[offset] as number) >> 4
    if (version !== 6) throw headerError('IPv6 header, version', offset, 6, version)
    return this
  }

  /** Aims at the packet's network header if it is a whole one of IPv6. */
  find(packet: NetworkLocation): boolean {
    if (!this.aimNetwork(packet, EtherType.Ipv6, IPV6_HEADER_LENGTH)) return false
    return (this.memory.u8[this.offset] as number) >> 4 === 6
  }

  /** DSCP in the upper 6 bits, ECN in the lower 2 */
  get trafficClass(): number {
    return (read16(this.memory, this.offset) >> 4) & 0xff
  }

  /** 20 bits */
  get flowLabel(): number {
    return read32(this.memory, this.offset) & 0xfffff
  }

  /** bytes after this header, extension headers included; 0 in jumbograms and in captures of segmentation offload */
  get payloadLength(): number {
    return read16(this.memory, this.offset + IPV6_PAYLOAD_LENGTH)
  }

  /** `IpProtocol` or another: of the first extension header, if there is one */
  get nextHeader(): number {
    return this.memory.u8[this.offset + IPV6_NEXT_HEADER] as number
  }

  get hopLimit(): number {
    return this.memory.u8[this.offset + IPV6_HOP_LIMIT] as number
  }

  get source(): AddressView {
    return this.#source.wrap(this.memory, this.offset + IPV6_SOURCE, IPV6_ADDRESS_LENGTH)
  }

  get destination(): AddressView {
    return this.#destination.wrap(this.memory, this.offset + IPV6_DESTINATION, IPV6_ADDRESS_LENGTH)
  }

  copy(): Ipv6 {
    const { trafficClass, flowLabel, payloadLength, nextHeader, hopLimit, source, destination } = this
    return {
      trafficClass,
      flowLabel,
      payloadLength,
      nextHeader,
      hopLimit,
      source: source.copy(),
      destination: destination.copy(),
    }
  }
}

/** An IPv6 header that owns its values. */
export interface Ipv6 {
  /** default 0 */
  readonly trafficClass?: number
  /** default 0 */
  readonly flowLabel?: number
  /** bytes after this header */
  readonly payloadLength: number
  readonly nextHeader: number
  /** default 64 */
  readonly hopLimit?: number
  readonly source: Address
  readonly destination: Address
}

/** Writes an IPv6 header; see header.ts. */
export function writeIpv6(memory: Memory, offset: number, limit: number, header: Ipv6): number {
  checkRoom(memory, offset, limit, IPV6_HEADER_LENGTH, 'an IPv6 header')
  const trafficClass = field('trafficClass', header.trafficClass ?? 0, 0xff)
  const flowLabel = field('flowLabel', header.flowLabel ?? 0, 0xfffff)
  const source = addressOfVersion('source', header.source, 6)
  const destination = addressOfVersion('destination', header.destination, 6)
  write32(memory, offset, 0x60000000 | (trafficClass << 20) | flowLabel)
  write16(memory, offset + IPV6_PAYLOAD_LENGTH, field('payloadLength', header.payloadLength, 0xffff))
  memory.u8[offset + IPV6_NEXT_HEADER] = field('nextHeader', header.nextHeader, 0xff)
  memory.u8[offset + IPV6_HOP_LIMIT] = field('hopLimit', header.hopLimit ?? 64, 0xff)
  memory.u8.set(source, offset + IPV6_SOURCE)
  memory.u8.set(destination, offset + IPV6_DESTINATION)
  return offset + IPV6_HEADER_LENGTH
}
