/**
 * IPv6 extension headers (RFC 8200 section 4) and the authentication header (RFC 4302).
 *
 *   all but two:       0 next header | 1 length in units of 8 bytes, less 1 | 2 contents
 *   Fragment:          0 next header | 1 reserved | 2 offset in units of 8 bytes (13 bits), more fragments (bit 0)
 *                      4 identification
 *   Routing:           0 next header | 1 length   | 2 routing type | 3 segments left | 4 type-specific data
 *   Authentication:    0 next header | 1 length in units of 4 bytes, less 2 | 4 SPI | 8 sequence | 12 integrity value
 */
import type { Memory } from '@ringlink/codec/memory'
import { field, read16, read32, write16, write32 } from './bytes.ts'
import { checkAvailable, checkRoom, HeaderView } from './header.ts'
import { IpProtocol } from './protocol.ts'

const LENGTH = 1
/** Mask of the offset in a Fragment header, which is in units of 8 bytes, shifted by 3: bytes. */
const FRAGMENT_OFFSET = 0xfff8
const FRAGMENT = 2
const IDENTIFICATION = 4
const ROUTING_TYPE = 2
const SEGMENTS_LEFT = 3
/** Bytes of the Fragment header, and of the shortest of the others. */
export const IPV6_EXTENSION_MINIMUM_LENGTH = 8

/** Whether a next header of this number is an extension header; ESP, which encrypts what follows, is not. */
export function isExtensionHeader(nextHeader: number): boolean {
  switch (nextHeader) {
    case IpProtocol.HopByHop:
    case IpProtocol.Routing:
    case IpProtocol.Fragment:
    case IpProtocol.Authentication:
    case IpProtocol.DestinationOptions:
    case IpProtocol.Mobility:
    case IpProtocol.HostIdentity:
    case IpProtocol.Shim6:
      return true
    default:
      return false
  }
}

/**
 * Length in bytes of the extension header of kind `type` at `offset` of `bytes`, according to its length field. Its
 * first 2 bytes must be present.
 */
export function extensionHeaderLength(bytes: Uint8Array, offset: number, type: number): number {
  if (type === IpProtocol.Fragment) return IPV6_EXTENSION_MINIMUM_LENGTH
  const units = bytes[offset + LENGTH] as number
  return type === IpProtocol.Authentication ? (units + 2) << 2 : (units + 1) << 3
}

/** Bytes of the packet before the fragment whose Fragment header lies at `offset`. */
export function extensionFragmentOffset(bytes: Uint8Array, offset: number): number {
  return (((bytes[offset + FRAGMENT] as number) << 8) | (bytes[offset + FRAGMENT + 1] as number)) & FRAGMENT_OFFSET
}

/** Whether fragments follow the one whose Fragment header lies at `offset`. */
export function extensionMoreFragments(memory: Memory, offset: number): boolean {
  return (read16(memory, offset + FRAGMENT) & 1) !== 0
}

/** Segments left in the Routing header at `offset`. */
export function extensionSegmentsLeft(memory: Memory, offset: number): number {
  return memory.u8[offset + SEGMENTS_LEFT] as number
}

/** Kinds of Routing headers (IANA "IPv6 Routing Types"). */
export const RoutingType = {
  /** IPV6_SRCRT_TYPE_0: source route, deprecated (RFC 5095) */
  SourceRoute: 0,
  /** IPV6_SRCRT_TYPE_2: mobile IPv6 (RFC 6275) */
  Mobile: 2,
  /** IPV6_SRCRT_TYPE_4: segment routing (RFC 8754) */
  Segments: 4,
} as const
export type RoutingType = (typeof RoutingType)[keyof typeof RoutingType]

const ADDRESSES = 8

/**
 * Offset of the final destination in the Routing header at `offset`, which must be whole: the last address of a source
 * route, the first of segment routing, whose list is in reverse order. -1 for other kinds, and if the header has no
 * address.
 */
export function finalDestination(memory: Memory, offset: number): number {
  const length = extensionHeaderLength(memory.u8, offset, IpProtocol.Routing)
  if (length < ADDRESSES + 16) return -1
  switch (memory.u8[offset + ROUTING_TYPE]) {
    case RoutingType.SourceRoute:
      return (length - ADDRESSES) % 16 === 0 ? offset + length - 16 : -1
    case RoutingType.Mobile:
    case RoutingType.Segments:
      return offset + ADDRESSES
    default:
      return -1
  }
}

/** The start of a walk over extension headers; `PacketView` has these members. */
export interface ExtensionLocation {
  readonly memory: Memory
  /** -1 if the packet has no extension headers */
  readonly extensionOffset: number
  /** kind of the first one */
  readonly firstExtension: number
  readonly end: number
}

/**
 * An extension header in place, and a walk over all of them:
 * `for (let found = extension.find(packet); found; found = extension.next()) …`
 */
export class Ipv6ExtensionView extends HeaderView {
  /** what this header is: `IpProtocol` */
  type = -1

  /** @param type kind of the header, which the previous header names. Throws `DecodeError`, code `SHORT_HEADER`. */
  wrap(memory: Memory, offset: number, available: number, type: number): this {
    const what = 'IPv6 extension header'
    checkAvailable(memory, offset, available, IPV6_EXTENSION_MINIMUM_LENGTH, what)
    this.aim(memory, offset, available, extensionHeaderLength(memory.u8, offset, type), what)
    this.type = type
    return this
  }

  /** Aims at the packet's first extension header; false if it has none, or if it is cut. */
  find(packet: ExtensionLocation): boolean {
    const { extensionOffset, end } = packet
    if (extensionOffset < 0) return false
    return this.#aimWhole(packet.memory, extensionOffset, end - extensionOffset, packet.firstExtension)
  }

  /**
   * Steps to the next extension header; false if there is none, if it is cut, or after a later fragment's Fragment
   * header.
   */
  next(): boolean {
    const { type, nextHeader, length, memory, offset, available } = this
    if (!isExtensionHeader(nextHeader)) return false
    if (type === IpProtocol.Fragment && extensionFragmentOffset(memory.u8, offset) > 0) return false
    return this.#aimWhole(memory, offset + length, available - length, nextHeader)
  }

  #aimWhole(memory: Memory, offset: number, available: number, type: number): boolean {
    if (available < IPV6_EXTENSION_MINIMUM_LENGTH) return false
    if (extensionHeaderLength(memory.u8, offset, type) > available) return false
    this.wrap(memory, offset, available, type)
    return true
  }

  /** `IpProtocol` or another: what follows this header */
  get nextHeader(): number {
    return this.memory.u8[this.offset] as number
  }

  /** bytes of the header */
  get length(): number {
    return extensionHeaderLength(this.memory.u8, this.offset, this.type)
  }

  /** of a Fragment header: bytes of the packet before this fragment; `undefined` in other headers */
  get fragmentOffset(): number | undefined {
    return this.type === IpProtocol.Fragment ? extensionFragmentOffset(this.memory.u8, this.offset) : undefined
  }

  /** of a Fragment header; `undefined` in other headers */
  get moreFragments(): boolean | undefined {
    return this.type === IpProtocol.Fragment ? extensionMoreFragments(this.memory, this.offset) : undefined
  }

  /** of a Fragment header; `undefined` in other headers */
  get identification(): number | undefined {
    return this.type === IpProtocol.Fragment ? read32(this.memory, this.offset + IDENTIFICATION) : undefined
  }

  /** of a Routing header; `undefined` in other headers */
  get routingType(): number | undefined {
    return this.type === IpProtocol.Routing ? this.memory.u8[this.offset + ROUTING_TYPE] : undefined
  }

  /** of a Routing header: if not 0, the packet's destination is not the final one; `undefined` in other headers */
  get segmentsLeft(): number | undefined {
    return this.type === IpProtocol.Routing ? extensionSegmentsLeft(this.memory, this.offset) : undefined
  }

  copy(): Ipv6Extension {
    const { type, nextHeader, memory, offset, length } = this
    return { type, nextHeader, contents: memory.copy(offset + 2, length - 2) }
  }
}

/** An extension header that owns its values. */
export interface Ipv6Extension {
  /** what the header is: `IpProtocol` */
  readonly type: number
  readonly nextHeader: number
  /** the bytes after the first two; padded with zeros to a valid length */
  readonly contents: Uint8Array
}

/**
 * Writes an extension header; see header.ts. The caller writes padding options: zeros are Pad1 options (RFC 8200
 * section 4.2).
 */
export function writeIpv6Extension(memory: Memory, offset: number, limit: number, header: Ipv6Extension): number {
  const { type, contents } = header
  const nextHeader = field('nextHeader', header.nextHeader, 0xff)
  const isAuthentication = type === IpProtocol.Authentication
  const unit = isAuthentication ? 4 : 8
  const length = Math.max(8, Math.ceil((contents.length + 2) / unit) * unit)
  const units = isAuthentication ? length / 4 - 2 : length / 8 - 1
  field('length of contents', contents.length, type === IpProtocol.Fragment ? 6 : (isAuthentication ? 1028 : 2048) - 2)
  checkRoom(memory, offset, limit, length, 'an IPv6 extension header')
  memory.u8.fill(0, offset, offset + length)
  memory.u8[offset] = nextHeader
  memory.u8[offset + LENGTH] = type === IpProtocol.Fragment ? 0 : units
  memory.u8.set(contents, offset + 2)
  return offset + length
}

/** The fields of a Fragment header. */
export interface Ipv6Fragment {
  readonly nextHeader: number
  /** bytes, a multiple of 8 */
  readonly fragmentOffset: number
  readonly moreFragments: boolean
  readonly identification: number
}

/** Writes a Fragment header; see header.ts. */
export function writeIpv6Fragment(memory: Memory, offset: number, limit: number, header: Ipv6Fragment): number {
  checkRoom(memory, offset, limit, IPV6_EXTENSION_MINIMUM_LENGTH, 'an IPv6 Fragment header')
  const nextHeader = field('nextHeader', header.nextHeader, 0xff)
  const units = field('fragmentOffset / 8', header.fragmentOffset / 8, FRAGMENT_OFFSET >> 3)
  const identification = field('identification', header.identification, 0xffffffff)
  memory.u8[offset] = nextHeader
  memory.u8[offset + LENGTH] = 0
  write16(memory, offset + FRAGMENT, (units << 3) | (header.moreFragments ? 1 : 0))
  write32(memory, offset + IDENTIFICATION, identification)
  return offset + IPV6_EXTENSION_MINIMUM_LENGTH
}
