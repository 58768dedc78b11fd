/**
 * Ethernet II (IEEE 802.3 clause 3).
 *
 *   0 destination (6) | 6 source (6) | 12 EtherType | 14 payload
 */
import type { Memory } from '@ringlink/codec/memory'
import { type Address, HARDWARE_ADDRESS_LENGTH, hardwareAddressBytes } from './address.ts'
import { AddressView } from './address-view.ts'
import { field, read16, write16 } from './bytes.ts'
import { checkRoom, HeaderView } from './header.ts'

const DESTINATION = 0
const SOURCE = DESTINATION + HARDWARE_ADDRESS_LENGTH
const ETHER_TYPE = SOURCE + HARDWARE_ADDRESS_LENGTH
/** Bytes of the header (ETH_HLEN). */
export const ETHERNET_HEADER_LENGTH: number = ETHER_TYPE + 2

/**
 * The types of the header after a link-layer header (uapi/linux/if_ether.h). A packet may carry others, which are
 * passed on as numbers.
 */
export const EtherType = {
  /** ETH_P_IP */
  Ipv4: 0x0800,
  /** ETH_P_ARP */
  Arp: 0x0806,
  /** ETH_P_TEB: Ethernet inside GRE */
  TransparentEthernet: 0x6558,
  /** ETH_P_8021Q: a VLAN tag */
  Vlan: 0x8100,
  /** ETH_P_IPV6 */
  Ipv6: 0x86dd,
  /** ETH_P_8021AD: a provider's VLAN tag */
  ProviderVlan: 0x88a8,
  /** ETH_P_QINQ1: a provider's VLAN tag of older equipment */
  LegacyProviderVlan: 0x9100,
} as const
export type EtherType = (typeof EtherType)[keyof typeof EtherType]

/** Smaller values of the field are the length of an IEEE 802.3 frame (ETH_P_802_3_MIN). */
export const MINIMUM_ETHER_TYPE = 0x0600

/** The header of an Ethernet frame in place. */
export class EthernetView extends HeaderView {
  readonly #destination = new AddressView()
  readonly #source = new AddressView()

  /** Throws `DecodeError`, code `SHORT_HEADER`. */
  wrap(memory: Memory, offset: number, available: number): this {
    this.aim(memory, offset, available, ETHERNET_HEADER_LENGTH, 'Ethernet header')
    return this
  }

  /** Aims at the Ethernet header at the start of the packet; false if it has none. */
  find(packet: { readonly memory: Memory; readonly linkOffset: number; readonly end: number }): boolean {
    const { memory, linkOffset, end } = packet
    if (linkOffset < 0 || linkOffset + ETHERNET_HEADER_LENGTH > end) return false
    this.wrap(memory, linkOffset, end - linkOffset)
    return true
  }

  get destination(): AddressView {
    return this.#destination.wrap(this.memory, this.offset + DESTINATION, HARDWARE_ADDRESS_LENGTH)
  }

  get source(): AddressView {
    return this.#source.wrap(this.memory, this.offset + SOURCE, HARDWARE_ADDRESS_LENGTH)
  }

  /** what follows: `EtherType` or another; below `MINIMUM_ETHER_TYPE` it is a length */
  get etherType(): number {
    return read16(this.memory, this.offset + ETHER_TYPE)
  }

  copy(): Ethernet {
    const { source, destination, etherType } = this
    return { source: source.copy(), destination: destination.copy(), etherType }
  }
}

/** An Ethernet header that owns its values. */
export interface Ethernet {
  /** 6 bytes, or text such as `02:00:00:00:0c:02` */
  readonly source: Address
  /** as `source` */
  readonly destination: Address
  readonly etherType: number
}

/** Writes an Ethernet header; see header.ts. */
export function writeEthernet(memory: Memory, offset: number, limit: number, header: Ethernet): number {
  checkRoom(memory, offset, limit, ETHERNET_HEADER_LENGTH, 'an Ethernet header')
  const etherType = field('etherType', header.etherType, 0xffff)
  const source = hardwareAddressBytes('source', header.source)
  memory.u8.set(hardwareAddressBytes('destination', header.destination), offset + DESTINATION)
  memory.u8.set(source, offset + SOURCE)
  write16(memory, offset + ETHER_TYPE, etherType)
  return offset + ETHERNET_HEADER_LENGTH
}
