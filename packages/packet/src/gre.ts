/**
 * GRE (RFC 2784, RFC 2890; version 1 as PPTP uses it: RFC 2637).
 *
 *   0 flags: checksum 0x8000, routing 0x4000, key 0x2000, sequence 0x1000, acknowledgement 0x0080 (version 1); version
 *   in the low 3 bits 2 EtherType of what follows | 4 checksum, reserved (4) | key (4) | sequence (4) | acknowledgement
 *   (4), each only if its flag is set
 */
import type { Memory } from '@ringlink/codec/memory'
import { field, read16, read32, write16, write32 } from './bytes.ts'
import { checkAvailable, checkRoom, HeaderView, type TransportLocation } from './header.ts'
import { IpProtocol } from './protocol.ts'

const FLAGS = 0
const PROTOCOL = FLAGS + 2
/** Bytes of a header without optional fields. */
export const GRE_HEADER_LENGTH: number = PROTOCOL + 2
const OPTIONAL = GRE_HEADER_LENGTH
/** GRE_CSUM */
export const GRE_CHECKSUM_FLAG = 0x8000
/** GRE_ROUTING */
const ROUTING = 0x4000
/** GRE_KEY */
const KEY = 0x2000
/** GRE_SEQ */
const SEQUENCE = 0x1000
/** GRE_ACK */
const ACKNOWLEDGEMENT = 0x0080
const VERSION = 0x0007

/** Length of the header at `offset` in bytes, according to its flags. Its first 4 bytes must be present. */
export function greHeaderLength(memory: Memory, offset: number): number {
  const flags = read16(memory, offset)
  // The checksum comes with 16 reserved bits; routing (RFC 1701) needs both, and the routes that follow are not walked.
  let length = GRE_HEADER_LENGTH + ((flags & (GRE_CHECKSUM_FLAG | ROUTING)) !== 0 ? 4 : 0)
  if ((flags & KEY) !== 0) length += 4
  if ((flags & SEQUENCE) !== 0) length += 4
  if ((flags & ACKNOWLEDGEMENT) !== 0 && (flags & VERSION) === 1) length += 4
  return length
}

/** The EtherType of what follows the header at `offset`; -1 if it is unknown (routing of RFC 1701). */
export function greNext(memory: Memory, offset: number): number {
  return (read16(memory, offset) & ROUTING) !== 0 ? -1 : read16(memory, offset + PROTOCOL)
}

/** A GRE header in place. */
export class GreView extends HeaderView {
  /** Throws `DecodeError`, code `SHORT_HEADER`. */
  wrap(memory: Memory, offset: number, available: number): this {
    checkAvailable(memory, offset, available, GRE_HEADER_LENGTH, 'GRE header')
    this.aim(memory, offset, available, greHeaderLength(memory, offset), 'GRE header')
    return this
  }

  /** Aims at the packet's GRE header; false if it has none, or if it is cut. */
  find(packet: TransportLocation): boolean {
    if (!this.aimTransport(packet, IpProtocol.Gre, GRE_HEADER_LENGTH)) return false
    return greHeaderLength(this.memory, this.offset) <= this.available
  }

  get flags(): number {
    return read16(this.memory, this.offset + FLAGS)
  }

  /** 0, or 1 for PPTP */
  get version(): number {
    return this.flags & VERSION
  }

  /** EtherType of what follows */
  get etherType(): number {
    return read16(this.memory, this.offset + PROTOCOL)
  }

  /** bytes, optional fields included */
  get headerLength(): number {
    return greHeaderLength(this.memory, this.offset)
  }

  /** of header and payload; `undefined` if there is none */
  get checksum(): number | undefined {
    return (this.flags & GRE_CHECKSUM_FLAG) !== 0 ? read16(this.memory, this.offset + OPTIONAL) : undefined
  }

  /** in version 1 payload length and call id; `undefined` if there is none */
  get key(): number | undefined {
    return (this.flags & KEY) !== 0 ? read32(this.memory, this.#keyOffset) : undefined
  }

  /** `undefined` if there is none */
  get sequence(): number | undefined {
    if ((this.flags & SEQUENCE) === 0) return undefined
    return read32(this.memory, this.#keyOffset + ((this.flags & KEY) !== 0 ? 4 : 0))
  }

  get #keyOffset(): number {
    return this.offset + OPTIONAL + ((this.flags & (GRE_CHECKSUM_FLAG | ROUTING)) !== 0 ? 4 : 0)
  }

  copy(): Gre {
    const { etherType, checksum, key, sequence } = this
    return { etherType, checksum, key, sequence }
  }
}

/** A GRE header of version 0 that owns its values. */
export interface Gre {
  readonly etherType: number
  /** if given, the header has one */
  readonly checksum?: number | undefined
  /** if given, the header has one */
  readonly key?: number | undefined
  /** if given, the header has one */
  readonly sequence?: number | undefined
}

/** Writes a GRE header of version 0; see header.ts. */
export function writeGre(memory: Memory, offset: number, limit: number, header: Gre): number {
  const { checksum, key, sequence } = header
  const optional = [checksum, key, sequence].filter((value) => value !== undefined).length
  checkRoom(memory, offset, limit, GRE_HEADER_LENGTH + optional * 4, 'a GRE header')
  const checksumFlag = checksum === undefined ? 0 : GRE_CHECKSUM_FLAG
  write16(memory, offset, checksumFlag | (key === undefined ? 0 : KEY) | (sequence === undefined ? 0 : SEQUENCE))
  write16(memory, offset + PROTOCOL, field('etherType', header.etherType, 0xffff))
  let at = offset + GRE_HEADER_LENGTH
  if (checksum !== undefined) {
    write32(memory, at, field('checksum', checksum, 0xffff) * 0x10000)
    at += 4
  }
  if (key !== undefined) {
    write32(memory, at, field('key', key, 0xffffffff))
    at += 4
  }
  if (sequence !== undefined) {
    write32(memory, at, field('sequence', sequence, 0xffffffff))
    at += 4
  }
  return at
}
