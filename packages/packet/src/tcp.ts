/**
 * TCP (RFC 9293 section 3.1).
 *
 *    0 source port | 2 destination port | 4 sequence | 8 acknowledgement
 *   12 32-bit words of header (4 bits), reserved (4) | 13 flags | 14 window | 16 checksum | 18 urgent pointer | 20
 *   options
 */
import type { Memory } from '@ringlink/codec/memory'
import { field, read16, read32, write16, write32 } from './bytes.ts'
import { checkAvailable, checkRoom, HeaderView, headerError, type TransportLocation } from './header.ts'
import { IpProtocol } from './protocol.ts'
import { TcpOptionIterator } from './tcp-options.ts'

const SOURCE_PORT = 0
const DESTINATION_PORT = SOURCE_PORT + 2
const SEQUENCE = DESTINATION_PORT + 2
const ACKNOWLEDGEMENT = SEQUENCE + 4
const DATA_OFFSET = ACKNOWLEDGEMENT + 4
const FLAGS = DATA_OFFSET + 1
const WINDOW = FLAGS + 1
export const TCP_CHECKSUM: number = WINDOW + 2
const URGENT_POINTER = TCP_CHECKSUM + 2
/** Bytes of a header without options. */
export const TCP_HEADER_LENGTH: number = URGENT_POINTER + 2
/** The maximum of a 4-bit field in units of 4 bytes. */
export const TCP_MAXIMUM_HEADER_LENGTH = 60

/** Control bits (RFC 9293 section 3.1). */
export const TcpFlag = {
  /** FIN: the sender has no more data */
  Finish: 0x01,
  /** SYN: the connection begins */
  Synchronize: 0x02,
  /** RST: the connection is refused or broken */
  Reset: 0x04,
  /** PSH */
  Push: 0x08,
  /** ACK: the acknowledgement number counts */
  Acknowledge: 0x10,
  /** URG: the urgent pointer counts */
  Urgent: 0x20,
  /** ECE (RFC 3168) */
  CongestionEcho: 0x40,
  /** CWR (RFC 3168) */
  CongestionWindowReduced: 0x80,
  /** AE, once NS (RFC 9768): the lowest of the reserved bits */
  AccurateEcn: 0x100,
} as const
export type TcpFlag = (typeof TcpFlag)[keyof typeof TcpFlag]

/** Bytes of the header at `offset` as it says, options included. Its first 13 bytes must be there. */
export function tcpHeaderLength(memory: Memory, offset: number): number {
  return ((memory.u8[offset + DATA_OFFSET] as number) >> 4) << 2
}

/** The header of a TCP segment in place, options included. */
export class TcpView extends HeaderView {
  readonly #options = new TcpOptionIterator()

  /** Throws `DecodeError`: `SHORT_HEADER` if it is cut, `PACKET_HEADER` if its data offset is below 20 bytes. */
  wrap(memory: Memory, offset: number, available: number): this {
    checkAvailable(memory, offset, available, TCP_HEADER_LENGTH, 'TCP header')
    const length = tcpHeaderLength(memory, offset)
    if (length < TCP_HEADER_LENGTH) throw headerError('TCP header, data offset', offset, TCP_HEADER_LENGTH, length)
    this.aim(memory, offset, available, length, 'TCP options')
    return this
  }

  /** Aims at the packet's TCP header; false if it has none, or if it is cut or damaged. */
  find(packet: TransportLocation): boolean {
    if (!this.aimTransport(packet, IpProtocol.Tcp, TCP_HEADER_LENGTH)) return false
    const length = this.headerLength
    return length >= TCP_HEADER_LENGTH && length <= this.available
  }

  get sourcePort(): number {
    return read16(this.memory, this.offset + SOURCE_PORT)
  }

  get destinationPort(): number {
    return read16(this.memory, this.offset + DESTINATION_PORT)
  }

  get sequence(): number {
    return read32(this.memory, this.offset + SEQUENCE)
  }

  get acknowledgement(): number {
    return read32(this.memory, this.offset + ACKNOWLEDGEMENT)
  }

  /** bytes, options included */
  get headerLength(): number {
    return tcpHeaderLength(this.memory, this.offset)
  }

  /** bits of `TcpFlag` */
  get flags(): number {
    return read16(this.memory, this.offset + DATA_OFFSET) & 0x1ff
  }

  /** as it is written: the window scale of the connection is not applied */
  get window(): number {
    return read16(this.memory, this.offset + WINDOW)
  }

  get checksum(): number {
    return read16(this.memory, this.offset + TCP_CHECKSUM)
  }

  get urgentPointer(): number {
    return read16(this.memory, this.offset + URGENT_POINTER)
  }

  /** the options: one iterator, aimed at their start again */
  get options(): TcpOptionIterator {
    return this.#options.wrap(this.memory, this.offset + TCP_HEADER_LENGTH, this.offset + this.headerLength)
  }

  copy(): Tcp {
    const { memory, offset, headerLength, sourcePort, destinationPort, sequence, acknowledgement } = this
    const { flags, window, checksum, urgentPointer } = this
    const options = memory.copy(offset + TCP_HEADER_LENGTH, headerLength - TCP_HEADER_LENGTH)
    return {
      sourcePort,
      destinationPort,
      sequence,
      acknowledgement,
      flags,
      window,
      checksum,
      urgentPointer,
      options,
    }
  }
}

/** A TCP header that owns its values. */
export interface Tcp {
  readonly sourcePort: number
  readonly destinationPort: number
  /** default 0 */
  readonly sequence?: number
  /** default 0 */
  readonly acknowledgement?: number
  /** bits of `TcpFlag` */
  readonly flags: number
  /** default 65535 */
  readonly window?: number
  /** default 0 */
  readonly checksum?: number
  /** default 0 */
  readonly urgentPointer?: number
  /** up to 40 bytes, filled up to 32-bit words with "end of options"; default none */
  readonly options?: Uint8Array
}

/** Writes a TCP header; see header.ts. */
export function writeTcp(memory: Memory, offset: number, limit: number, header: Tcp): number {
  const options = header.options ?? NO_OPTIONS
  field('length of options', options.length, TCP_MAXIMUM_HEADER_LENGTH - TCP_HEADER_LENGTH)
  const length = TCP_HEADER_LENGTH + ((options.length + 3) & ~3)
  checkRoom(memory, offset, limit, length, 'a TCP header')
  write16(memory, offset + SOURCE_PORT, field('sourcePort', header.sourcePort, 0xffff))
  write16(memory, offset + DESTINATION_PORT, field('destinationPort', header.destinationPort, 0xffff))
  write32(memory, offset + SEQUENCE, field('sequence', header.sequence ?? 0, 0xffffffff))
  write32(memory, offset + ACKNOWLEDGEMENT, field('acknowledgement', header.acknowledgement ?? 0, 0xffffffff))
  write16(memory, offset + DATA_OFFSET, ((length >> 2) << 12) | field('flags', header.flags, 0x1ff))
  write16(memory, offset + WINDOW, field('window', header.window ?? 0xffff, 0xffff))
  write16(memory, offset + TCP_CHECKSUM, field('checksum', header.checksum ?? 0, 0xffff))
  write16(memory, offset + URGENT_POINTER, field('urgentPointer', header.urgentPointer ?? 0, 0xffff))
  memory.u8.fill(0, offset + TCP_HEADER_LENGTH, offset + length)
  memory.u8.set(options, offset + TCP_HEADER_LENGTH)
  return offset + length
}

const NO_OPTIONS = new Uint8Array(0)
