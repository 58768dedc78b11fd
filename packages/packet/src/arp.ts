/**
 * ARP (RFC 826).
 *
 *   0 hardware type | 2 protocol type | 4 hardware address length | 5 protocol address length | 6 operation
 *   8 sender hardware address | sender protocol address | target hardware address | target protocol address
 */
import type { Memory } from '@ringlink/codec/memory'
import { type Address, addressOfVersion, hardwareAddressBytes } from './address.ts'
import { AddressView } from './address-view.ts'
import { field, read16, write16 } from './bytes.ts'
import { EtherType } from './ethernet.ts'
import { checkAvailable, checkRoom, HeaderView, type NetworkLocation } from './header.ts'

const HARDWARE_TYPE = 0
const PROTOCOL_TYPE = HARDWARE_TYPE + 2
const HARDWARE_LENGTH = PROTOCOL_TYPE + 2
const PROTOCOL_LENGTH = HARDWARE_LENGTH + 1
const OPERATION = PROTOCOL_LENGTH + 1
/** Bytes of the part before the addresses. */
export const ARP_HEADER_LENGTH: number = OPERATION + 2
/** ARPHRD_ETHER */
const ETHERNET = 1

/** Operations (uapi/linux/if_arp.h). */
export const ArpOperation = {
  /** ARPOP_REQUEST */
  Request: 1,
  /** ARPOP_REPLY */
  Reply: 2,
  /** ARPOP_RREQUEST */
  ReverseRequest: 3,
  /** ARPOP_RREPLY */
  ReverseReply: 4,
} as const
export type ArpOperation = (typeof ArpOperation)[keyof typeof ArpOperation]

/**
 * Length of the ARP packet at `offset` in bytes, addresses included, according to its length fields. Its first 8 bytes
 * must be present.
 */
export function arpLength(memory: Memory, offset: number): number {
  const { u8 } = memory
  const pair = (u8[offset + HARDWARE_LENGTH] as number) + (u8[offset + PROTOCOL_LENGTH] as number)
  return ARP_HEADER_LENGTH + 2 * pair
}

/** An ARP packet in place, addresses of any length included. */
export class ArpView extends HeaderView {
  readonly #addresses = [new AddressView(), new AddressView(), new AddressView(), new AddressView()] as const

  /** Throws `DecodeError`, code `SHORT_HEADER`, also if an address is cut. */
  wrap(memory: Memory, offset: number, available: number): this {
    this.aim(memory, offset, available, ARP_HEADER_LENGTH, 'ARP header')
    checkAvailable(memory, offset, available, arpLength(memory, offset), 'ARP addresses')
    return this
  }

  /** Aims at the packet if it is ARP; false if it is not, or is cut. */
  find(packet: NetworkLocation): boolean {
    if (!this.aimNetwork(packet, EtherType.Arp, ARP_HEADER_LENGTH)) return false
    return arpLength(this.memory, this.offset) <= this.available
  }

  /** ARPHRD_…: 1 for Ethernet */
  get hardwareType(): number {
    return read16(this.memory, this.offset + HARDWARE_TYPE)
  }

  /** EtherType of the protocol addresses */
  get protocolType(): number {
    return read16(this.memory, this.offset + PROTOCOL_TYPE)
  }

  get hardwareLength(): number {
    return this.memory.u8[this.offset + HARDWARE_LENGTH] as number
  }

  get protocolLength(): number {
    return this.memory.u8[this.offset + PROTOCOL_LENGTH] as number
  }

  /** `ArpOperation` or another */
  get operation(): number {
    return read16(this.memory, this.offset + OPERATION)
  }

  get senderHardware(): AddressView {
    return this.#addresses[0].wrap(this.memory, this.offset + ARP_HEADER_LENGTH, this.hardwareLength)
  }

  get sender(): AddressView {
    const offset = this.offset + ARP_HEADER_LENGTH + this.hardwareLength
    return this.#addresses[1].wrap(this.memory, offset, this.protocolLength)
  }

  get targetHardware(): AddressView {
    const offset = this.offset + ARP_HEADER_LENGTH + this.hardwareLength + this.protocolLength
    return this.#addresses[2].wrap(this.memory, offset, this.hardwareLength)
  }

  get target(): AddressView {
    const offset = this.offset + ARP_HEADER_LENGTH + 2 * this.hardwareLength + this.protocolLength
    return this.#addresses[3].wrap(this.memory, offset, this.protocolLength)
  }

  /** bytes of the packet, addresses included */
  get length(): number {
    return arpLength(this.memory, this.offset)
  }

  copy(): Arp {
    const { operation, senderHardware, sender, targetHardware, target } = this
    return {
      operation,
      senderHardware: senderHardware.copy(),
      sender: sender.copy(),
      targetHardware: targetHardware.copy(),
      target: target.copy(),
    }
  }
}

/** An ARP packet for IPv4 over Ethernet that owns its values. */
export interface Arp {
  readonly operation: number
  readonly senderHardware: Address
  readonly sender: Address
  readonly targetHardware: Address
  readonly target: Address
}

/** Writes an ARP packet for IPv4 over Ethernet; see header.ts. */
export function writeArp(memory: Memory, offset: number, limit: number, packet: Arp): number {
  const operation = field('operation', packet.operation, 0xffff)
  const addresses = [
    hardwareAddressBytes('senderHardware', packet.senderHardware),
    addressOfVersion('sender', packet.sender, 4),
    hardwareAddressBytes('targetHardware', packet.targetHardware),
    addressOfVersion('target', packet.target, 4),
  ]
  checkRoom(memory, offset, limit, ARP_HEADER_LENGTH + 2 * (6 + 4), 'an ARP packet')
  write16(memory, offset + HARDWARE_TYPE, ETHERNET)
  write16(memory, offset + PROTOCOL_TYPE, EtherType.Ipv4)
  memory.u8[offset + HARDWARE_LENGTH] = 6
  memory.u8[offset + PROTOCOL_LENGTH] = 4
  write16(memory, offset + OPERATION, operation)
  let at = offset + ARP_HEADER_LENGTH
  for (const address of addresses) {
    memory.u8.set(address, at)
    at += address.length
  }
  return at
}
