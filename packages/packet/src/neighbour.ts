/**
 * Neighbour discovery (RFC 4861 section 4): ICMPv6 messages with a body, then options.
 *
 *   router solicitation 133:      4 reserved | 8 options
 *   router advertisement 134:     4 hop limit | 5 flags M O H | 6 router lifetime | 8 reachable time | 12 retransmit timer | 16 options
 *   neighbour solicitation 135:   4 reserved | 8 target (16) | 24 options
 *   neighbour advertisement 136:  4 flags R S O | 8 target (16) | 24 options
 *   redirect 137:                 4 reserved | 8 target (16) | 24 destination (16) | 40 options
 *
 *   option: 0 type | 1 length in units of 8 bytes, type and length included | 2 value
 */
import type { Memory } from '@ringlink/codec/memory'
import { type Address, addressOfVersion, IPV6_ADDRESS_LENGTH } from './address.ts'
import { AddressView } from './address-view.ts'
import { field, read16, read32, write32 } from './bytes.ts'
import { checkAvailable, checkRoom, HeaderView, headerError, NO_MEMORY, type TransportLocation } from './header.ts'
import { ICMP_HEADER_LENGTH, writeIcmp } from './icmp.ts'
import { Icmpv6Type } from './icmpv6.ts'
import { IpProtocol } from './protocol.ts'

const FLAGS = 4
const ROUTER_FLAGS = FLAGS + 1
const ROUTER_LIFETIME = ROUTER_FLAGS + 1
const TARGET = ICMP_HEADER_LENGTH
const REACHABLE_TIME = ICMP_HEADER_LENGTH
const RETRANSMIT_TIMER = REACHABLE_TIME + 4
const DESTINATION = TARGET + IPV6_ADDRESS_LENGTH

/** Offset of the options of a message, by its type; 0 for other messages than neighbour discovery. */
export function neighbourHeaderLength(type: number): number {
  switch (type) {
    case Icmpv6Type.RouterSolicitation:
      return ICMP_HEADER_LENGTH
    case Icmpv6Type.RouterAdvertisement:
      return RETRANSMIT_TIMER + 4
    case Icmpv6Type.NeighbourSolicitation:
    case Icmpv6Type.NeighbourAdvertisement:
      return TARGET + IPV6_ADDRESS_LENGTH
    case Icmpv6Type.Redirect:
      return DESTINATION + IPV6_ADDRESS_LENGTH
    default:
      return 0
  }
}

/** Options (uapi and net/ndisc.h). */
export const NeighbourOption = {
  /** ND_OPT_SOURCE_LL_ADDR */
  SourceLinkAddress: 1,
  /** ND_OPT_TARGET_LL_ADDR */
  TargetLinkAddress: 2,
  /** ND_OPT_PREFIX_INFO */
  PrefixInformation: 3,
  /** ND_OPT_REDIRECT_HDR */
  RedirectedHeader: 4,
  /** ND_OPT_MTU */
  Mtu: 5,
  /** ND_OPT_RDNSS */
  DnsServers: 25,
} as const
export type NeighbourOption = (typeof NeighbourOption)[keyof typeof NeighbourOption]

/** Walks the options of a neighbour discovery message. A malformed option ends the walk; nothing throws. */
export class NeighbourOptionIterator {
  memory: Memory = NO_MEMORY
  /** what the option is; -1 before the first step */
  type = -1
  offset = 0
  /** bytes of the option, type and length included */
  length = 0
  /** whether the walk ended at an option of length 0, or longer than the remaining bytes */
  isMalformed = false
  readonly #address = new AddressView()
  #next = 0
  #end = 0

  wrap(memory: Memory, offset: number, end: number): this {
    this.memory = memory
    this.type = -1
    this.offset = offset
    this.length = 0
    this.isMalformed = false
    this.#next = offset
    this.#end = end
    return this
  }

  /** Steps to the next option; false at the end of the options. */
  next(): boolean {
    const at = this.#next
    if (this.isMalformed || at >= this.#end) return false
    const length = at + 2 > this.#end ? 0 : (this.memory.u8[at + 1] as number) << 3
    if (length === 0 || at + length > this.#end) {
      this.isMalformed = true
      return false
    }
    this.type = this.memory.u8[at] as number
    this.offset = at
    this.length = length
    this.#next = at + length
    return true
  }

  /** of a source or target link-layer address: the address, 6 bytes on Ethernet; `undefined` in other options */
  get linkAddress(): AddressView | undefined {
    const { type, length } = this
    if (type !== NeighbourOption.SourceLinkAddress && type !== NeighbourOption.TargetLinkAddress) return undefined
    return this.#address.wrap(this.memory, this.offset + 2, length === 8 ? 6 : length - 2)
  }

  /** of an MTU option; `undefined` in other options */
  get mtu(): number | undefined {
    return this.type === NeighbourOption.Mtu ? read32(this.memory, this.offset + 4) : undefined
  }

  /** of prefix information: the prefix's address; `undefined` in other options */
  get prefix(): AddressView | undefined {
    if (this.type !== NeighbourOption.PrefixInformation || this.length < 32) return undefined
    return this.#address.wrap(this.memory, this.offset + 16, IPV6_ADDRESS_LENGTH)
  }

  /** of prefix information: the prefix's bits; `undefined` in other options */
  get prefixLength(): number | undefined {
    return this.type === NeighbourOption.PrefixInformation ? this.memory.u8[this.offset + 2] : undefined
  }
}

/** A neighbour discovery message in place. */
export class NeighbourView extends HeaderView {
  readonly #target = new AddressView()
  readonly #destination = new AddressView()
  readonly #options = new NeighbourOptionIterator()

  /** Throws `DecodeError`: `SHORT_HEADER` if it is cut before its options, `PACKET_HEADER` if it is of another type. */
  wrap(memory: Memory, offset: number, available: number): this {
    checkAvailable(memory, offset, available, ICMP_HEADER_LENGTH, 'ICMPv6 header')
    const type = memory.u8[offset] as number
    const length = neighbourHeaderLength(type)
    if (length === 0) throw headerError('neighbour discovery, type', offset, Icmpv6Type.NeighbourSolicitation, type)
    this.aim(memory, offset, available, length, 'neighbour discovery message')
    return this
  }

  /** Aims at the packet's message; false if it has none, or if it is cut. */
  find(packet: TransportLocation): boolean {
    if (!this.aimTransport(packet, IpProtocol.Icmpv6, ICMP_HEADER_LENGTH)) return false
    const length = neighbourHeaderLength(this.type)
    return length > 0 && length <= this.available
  }

  /** `Icmpv6Type` */
  get type(): number {
    return this.memory.u8[this.offset] as number
  }

  /** the target: the address that is looked for, answers, or is redirected to; `undefined` in router messages */
  get target(): AddressView | undefined {
    if (this.type < Icmpv6Type.NeighbourSolicitation) return undefined
    return this.#target.wrap(this.memory, this.offset + TARGET, IPV6_ADDRESS_LENGTH)
  }

  /** of a redirect: whose route changes; `undefined` in other messages */
  get destination(): AddressView | undefined {
    if (this.type !== Icmpv6Type.Redirect) return undefined
    return this.#destination.wrap(this.memory, this.offset + DESTINATION, IPV6_ADDRESS_LENGTH)
  }

  /** of an advertisement: the sender is a router (R) */
  get isRouter(): boolean {
    return this.#flag(Icmpv6Type.NeighbourAdvertisement, FLAGS, 0x80)
  }

  /** of an advertisement: it answers a solicitation (S) */
  get isSolicited(): boolean {
    return this.#flag(Icmpv6Type.NeighbourAdvertisement, FLAGS, 0x40)
  }

  /** of an advertisement: it overrides what is cached (O) */
  get isOverride(): boolean {
    return this.#flag(Icmpv6Type.NeighbourAdvertisement, FLAGS, 0x20)
  }

  /** of a router advertisement: addresses come from DHCPv6 (M) */
  get isManaged(): boolean {
    return this.#flag(Icmpv6Type.RouterAdvertisement, ROUTER_FLAGS, 0x80)
  }

  /** of a router advertisement: other configuration comes from DHCPv6 (O) */
  get hasOtherConfiguration(): boolean {
    return this.#flag(Icmpv6Type.RouterAdvertisement, ROUTER_FLAGS, 0x40)
  }

  /** of a router advertisement: the hop limit to use, 0 for unspecified; `undefined` in other messages */
  get hopLimit(): number | undefined {
    return this.#isRouterAdvertisement ? this.memory.u8[this.offset + FLAGS] : undefined
  }

  /** of a router advertisement: seconds; `undefined` in other messages */
  get routerLifetime(): number | undefined {
    return this.#isRouterAdvertisement ? read16(this.memory, this.offset + ROUTER_LIFETIME) : undefined
  }

  /** of a router advertisement: milliseconds; `undefined` in other messages */
  get reachableTime(): number | undefined {
    return this.#isRouterAdvertisement ? read32(this.memory, this.offset + REACHABLE_TIME) : undefined
  }

  /** of a router advertisement: milliseconds; `undefined` in other messages */
  get retransmitTimer(): number | undefined {
    return this.#isRouterAdvertisement ? read32(this.memory, this.offset + RETRANSMIT_TIMER) : undefined
  }

  /** the options: one iterator, aimed at their start again */
  get options(): NeighbourOptionIterator {
    const { memory, offset, available, type } = this
    return this.#options.wrap(memory, offset + neighbourHeaderLength(type), offset + available)
  }

  get #isRouterAdvertisement(): boolean {
    return this.type === Icmpv6Type.RouterAdvertisement
  }

  #flag(type: number, at: number, bit: number): boolean {
    return this.type === type && ((this.memory.u8[this.offset + at] as number) & bit) !== 0
  }
}

/** A neighbour solicitation or advertisement that owns its values. */
export interface Neighbour {
  /** `Icmpv6Type.NeighbourSolicitation` or `Icmpv6Type.NeighbourAdvertisement` */
  readonly type: number
  readonly target: Address
  /** of an advertisement: bits 0x80 router, 0x40 solicited, 0x20 override; default 0 */
  readonly flags?: number
  /** options, as bytes; default none */
  readonly options?: Uint8Array
}

/** Writes a neighbour solicitation or advertisement; see header.ts. */
export function writeNeighbour(memory: Memory, offset: number, limit: number, message: Neighbour): number {
  const options = message.options ?? new Uint8Array(0)
  const target = addressOfVersion('target', message.target, 6)
  const flags = field('flags', message.flags ?? 0, 0xff)
  checkRoom(memory, offset, limit, DESTINATION + options.length, 'a neighbour discovery message')
  writeIcmp(memory, offset, limit, { type: message.type })
  write32(memory, offset + FLAGS, flags * 0x1000000)
  memory.u8.set(target, offset + TARGET)
  memory.u8.set(options, offset + DESTINATION)
  return offset + DESTINATION + options.length
}
