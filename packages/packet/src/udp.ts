/**
 * UDP (RFC 768).
 *
 *   0 source port | 2 destination port | 4 length, header included | 6 checksum, 0 for none | 8 payload
 */
import type { Memory } from '@ringlink/codec/memory'
import { field, read16, write16 } from './bytes.ts'
import { checkRoom, HeaderView, type TransportLocation } from './header.ts'
import { IpProtocol } from './protocol.ts'

const SOURCE_PORT = 0
const DESTINATION_PORT = SOURCE_PORT + 2
export const UDP_LENGTH: number = DESTINATION_PORT + 2
export const UDP_CHECKSUM: number = UDP_LENGTH + 2
/** Bytes of the header. */
export const UDP_HEADER_LENGTH: number = UDP_CHECKSUM + 2

/** The header of a UDP datagram in place. */
export class UdpView extends HeaderView {
  /** Throws `DecodeError`, code `SHORT_HEADER`. */
  wrap(memory: Memory, offset: number, available: number): this {
    this.aim(memory, offset, available, UDP_HEADER_LENGTH, 'UDP header')
    return this
  }

  /** Aims at the packet's UDP header; false if it has none, or if it is cut. */
  find(packet: TransportLocation): boolean {
    return this.aimTransport(packet, IpProtocol.Udp, UDP_HEADER_LENGTH)
  }

  get sourcePort(): number {
    return read16(this.memory, this.offset + SOURCE_PORT)
  }

  get destinationPort(): number {
    return read16(this.memory, this.offset + DESTINATION_PORT)
  }

  /** bytes of header and payload; 0 in jumbograms (RFC 2675 section 4) */
  get length(): number {
    return read16(this.memory, this.offset + UDP_LENGTH)
  }

  /** 0 if there is none */
  get checksum(): number {
    return read16(this.memory, this.offset + UDP_CHECKSUM)
  }

  copy(): Udp {
    const { sourcePort, destinationPort, length, checksum } = this
    return { sourcePort, destinationPort, length, checksum }
  }
}

/** A UDP header that owns its values. */
export interface Udp {
  readonly sourcePort: number
  readonly destinationPort: number
  /** bytes of header and payload */
  readonly length: number
  /** default 0 */
  readonly checksum?: number
}

/** Writes a UDP header; see header.ts. */
export function writeUdp(memory: Memory, offset: number, limit: number, header: Udp): number {
  checkRoom(memory, offset, limit, UDP_HEADER_LENGTH, 'a UDP header')
  write16(memory, offset + SOURCE_PORT, field('sourcePort', header.sourcePort, 0xffff))
  write16(memory, offset + DESTINATION_PORT, field('destinationPort', header.destinationPort, 0xffff))
  write16(memory, offset + UDP_LENGTH, field('length', header.length, 0xffff))
  write16(memory, offset + UDP_CHECKSUM, field('checksum', header.checksum ?? 0, 0xffff))
  return offset + UDP_HEADER_LENGTH
}
