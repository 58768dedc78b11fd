/**
 * UDP-Lite (RFC 3828): UDP whose checksum covers the beginning of the datagram only.
 *
 *   0 source port | 2 destination port | 4 checksum coverage | 6 checksum | 8 payload
 */
import type { Memory } from '@ringlink/codec/memory'
import { field, read16, write16 } from './bytes.ts'
import { checkRoom, HeaderView, type TransportLocation } from './header.ts'
import { IpProtocol } from './protocol.ts'

const SOURCE_PORT = 0
const DESTINATION_PORT = SOURCE_PORT + 2
export const UDP_LITE_COVERAGE: number = DESTINATION_PORT + 2
export const UDP_LITE_CHECKSUM: number = UDP_LITE_COVERAGE + 2
/** Bytes of the header. */
export const UDP_LITE_HEADER_LENGTH: number = UDP_LITE_CHECKSUM + 2

/** The header of a UDP-Lite datagram in place. */
export class UdpLiteView extends HeaderView {
  /** Throws `DecodeError`, code `SHORT_HEADER`. */
  wrap(memory: Memory, offset: number, available: number): this {
    this.aim(memory, offset, available, UDP_LITE_HEADER_LENGTH, 'UDP-Lite header')
    return this
  }

  /** Aims at the packet's UDP-Lite header; false if it has none, or if it is cut. */
  find(packet: TransportLocation): boolean {
    return this.aimTransport(packet, IpProtocol.UdpLite, UDP_LITE_HEADER_LENGTH)
  }

  get sourcePort(): number {
    return read16(this.memory, this.offset + SOURCE_PORT)
  }

  get destinationPort(): number {
    return read16(this.memory, this.offset + DESTINATION_PORT)
  }

  /** bytes from the start of the header that the checksum covers; 0 for all, 1 to 7 are invalid */
  get coverage(): number {
    return read16(this.memory, this.offset + UDP_LITE_COVERAGE)
  }

  get checksum(): number {
    return read16(this.memory, this.offset + UDP_LITE_CHECKSUM)
  }

  copy(): UdpLite {
    const { sourcePort, destinationPort, coverage, checksum } = this
    return { sourcePort, destinationPort, coverage, checksum }
  }
}

/** A UDP-Lite header that owns its values. */
export interface UdpLite {
  readonly sourcePort: number
  readonly destinationPort: number
  /** default 0: the whole datagram */
  readonly coverage?: number
  /** default 0 */
  readonly checksum?: number
}

/** Writes a UDP-Lite header; see header.ts. */
export function writeUdpLite(memory: Memory, offset: number, limit: number, header: UdpLite): number {
  checkRoom(memory, offset, limit, UDP_LITE_HEADER_LENGTH, 'a UDP-Lite header')
  write16(memory, offset + SOURCE_PORT, field('sourcePort', header.sourcePort, 0xffff))
  write16(memory, offset + DESTINATION_PORT, field('destinationPort', header.destinationPort, 0xffff))
  write16(memory, offset + UDP_LITE_COVERAGE, field('coverage', header.coverage ?? 0, 0xffff))
  write16(memory, offset + UDP_LITE_CHECKSUM, field('checksum', header.checksum ?? 0, 0xffff))
  return offset + UDP_LITE_HEADER_LENGTH
}
