/**
 * A VLAN tag (IEEE 802.1Q clause 9): what follows an EtherType 0x8100 or 0x88a8.
 *
 *   0 priority (3 bits), drop eligible (1), VLAN id (12) | 2 EtherType | 4 payload
 */
import type { Memory } from '@ringlink/codec/memory'
import { field, read16, write16 } from './bytes.ts'
import { EtherType } from './ethernet.ts'
import { checkRoom, HeaderView } from './header.ts'

const TAG = 0
const ETHER_TYPE = TAG + 2
/** Bytes of a tag (VLAN_HLEN). */
export const VLAN_TAG_LENGTH: number = ETHER_TYPE + 2

/** Whether a VLAN tag follows this EtherType. */
export function isVlan(etherType: number): boolean {
  return (
    etherType === EtherType.Vlan || etherType === EtherType.ProviderVlan || etherType === EtherType.LegacyProviderVlan
  )
}

/** VLAN_VID_MASK */
export function vlanIdOf(tag: number): number {
  return tag & 0x0fff
}

/** A VLAN tag in place. */
export class VlanView extends HeaderView {
  /** Throws `DecodeError`, code `SHORT_HEADER`. */
  wrap(memory: Memory, offset: number, available: number): this {
    this.aim(memory, offset, available, VLAN_TAG_LENGTH, 'VLAN tag')
    return this
  }

  /** Aims at the packet's tag number `index`, 0 for the outermost; false if it has fewer. */
  find(
    packet: {
      readonly memory: Memory
      readonly vlanOffset: number
      readonly vlanCount: number
      readonly end: number
    },
    index = 0,
  ): boolean {
    if (!(index >= 0 && index < packet.vlanCount)) return false
    const offset = packet.vlanOffset + index * VLAN_TAG_LENGTH
    this.wrap(packet.memory, offset, packet.end - offset)
    return true
  }

  /** the whole tag: priority, drop eligible and id (the kernel's `vlan_tci`) */
  get tag(): number {
    return read16(this.memory, this.offset + TAG)
  }

  /** 0 to 4095; 0 is a tag with a priority only */
  get id(): number {
    return vlanIdOf(this.tag)
  }

  /** 0 to 7 (PCP) */
  get priority(): number {
    return this.tag >> 13
  }

  /** DEI */
  get isDropEligible(): boolean {
    return (this.tag & 0x1000) !== 0
  }

  /** what follows the tag */
  get etherType(): number {
    return read16(this.memory, this.offset + ETHER_TYPE)
  }

  copy(): Vlan {
    const { id, priority, isDropEligible, etherType } = this
    return { id, priority, isDropEligible, etherType }
  }
}

/** A VLAN tag that owns its values. */
export interface Vlan {
  readonly id: number
  /** default 0 */
  readonly priority?: number
  /** default false */
  readonly isDropEligible?: boolean
  readonly etherType: number
}

/** Writes a VLAN tag; see header.ts. The EtherType before it says which kind of tag it is. */
export function writeVlan(memory: Memory, offset: number, limit: number, tag: Vlan): number {
  checkRoom(memory, offset, limit, VLAN_TAG_LENGTH, 'a VLAN tag')
  const id = field('id', tag.id, 0xfff)
  const priority = field('priority', tag.priority ?? 0, 7)
  const etherType = field('etherType', tag.etherType, 0xffff)
  write16(memory, offset + TAG, (priority << 13) | (tag.isDropEligible === true ? 0x1000 : 0) | id)
  write16(memory, offset + ETHER_TYPE, etherType)
  return offset + VLAN_TAG_LENGTH
}
