import type { Memory } from '@ringlink/codec/memory'
import { formatAddress, formatHardwareAddress, IPV4_ADDRESS_LENGTH, IPV6_ADDRESS_LENGTH } from './address.ts'
import { NO_MEMORY } from './header.ts'
import { type Prefix, prefixHolds } from './prefix.ts'

/**
 * An address in place in a packet. It compares without allocating and converts to text on demand (`String(address)`,
 * template literals, `JSON.stringify`). Its owner re-aims it: keep {@link copy} or text, not the view.
 */
export class AddressView {
  memory: Memory = NO_MEMORY
  offset = 0
  /** length in bytes: 4, 16, or that of a hardware address */
  length = 0

  wrap(memory: Memory, offset: number, length: number): this {
    this.memory = memory
    this.offset = offset
    this.length = length
    return this
  }

  /** 4 or 6; 0 for a hardware address */
  get version(): 4 | 6 | 0 {
    return this.length === IPV4_ADDRESS_LENGTH ? 4 : this.length === IPV6_ADDRESS_LENGTH ? 6 : 0
  }

  /** Whether `bytes` (see {@link parseAddress}) are this address. */
  equals(bytes: Uint8Array): boolean {
    if (bytes.length !== this.length) return false
    const { u8 } = this.memory
    for (let i = 0; i < bytes.length; i++) if (u8[this.offset + i] !== bytes[i]) return false
    return true
  }

  /** Whether the address lies inside `prefix` (see `parsePrefix`). */
  isIn(prefix: Prefix): boolean {
    return prefixHolds(prefix, this.memory.u8, this.offset, this.length)
  }

  /** The bytes, as an owned copy. */
  copy(): Uint8Array<ArrayBuffer> {
    return this.memory.copy(this.offset, this.length)
  }

  toString(): string {
    const bytes = this.memory.u8.subarray(this.offset, this.offset + this.length)
    return this.version === 0 ? formatHardwareAddress(bytes) : formatAddress(bytes)
  }

  toJSON(): string {
    return this.toString()
  }
}
