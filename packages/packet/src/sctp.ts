/**
 * SCTP (RFC 9260 section 3).
 *
 *   0 source port | 2 destination port | 4 verification tag | 8 checksum (CRC32c, little endian) | 12 chunks
 *   chunk: 0 type | 1 flags | 2 length without padding, these 4 bytes included | 4 value; padded to 4 bytes
 */
import { align4, type Memory } from '@ringlink/codec/memory'
import { field, read16, read32, write16, write32 } from './bytes.ts'
import { checkRoom, HeaderView, NO_MEMORY, type TransportLocation } from './header.ts'
import { IpProtocol } from './protocol.ts'

const SOURCE_PORT = 0
const DESTINATION_PORT = SOURCE_PORT + 2
const VERIFICATION_TAG = DESTINATION_PORT + 2
export const SCTP_CHECKSUM: number = VERIFICATION_TAG + 4
/** Bytes of the common header. */
export const SCTP_HEADER_LENGTH: number = SCTP_CHECKSUM + 4
const CHUNK_HEADER_LENGTH = 4

/** Types of chunks (IANA "SCTP Chunk Types"). */
export const SctpChunkType = {
  Data: 0,
  Init: 1,
  InitAck: 2,
  Sack: 3,
  Heartbeat: 4,
  HeartbeatAck: 5,
  Abort: 6,
  Shutdown: 7,
  ShutdownAck: 8,
  Error: 9,
  CookieEcho: 10,
  CookieAck: 11,
  ShutdownComplete: 14,
  ForwardTsn: 192,
} as const
export type SctpChunkType = (typeof SctpChunkType)[keyof typeof SctpChunkType]

/** Walks the chunks of an SCTP packet. A malformed or cut chunk ends the walk; nothing throws. */
export class SctpChunkIterator {
  memory: Memory = NO_MEMORY
  /** `SctpChunkType` or another; -1 before the first step */
  type = -1
  flags = 0
  offset = 0
  /** bytes of the chunk, its header included, its padding not */
  length = 0
  /** whether the walk ended at a chunk below 4 bytes, or longer than what is there */
  isMalformed = false
  #next = 0
  #end = 0

  wrap(memory: Memory, offset: number, end: number): this {
    this.memory = memory
    this.type = -1
    this.flags = 0
    this.offset = offset
    this.length = 0
    this.isMalformed = false
    this.#next = offset
    this.#end = end
    return this
  }

  /** Steps to the next chunk; false at the end. */
  next(): boolean {
    const at = this.#next
    if (this.isMalformed || at >= this.#end) return false
    const length = at + CHUNK_HEADER_LENGTH > this.#end ? 0 : read16(this.memory, at + 2)
    if (length < CHUNK_HEADER_LENGTH || at + length > this.#end) {
      this.isMalformed = true
      return false
    }
    this.type = this.memory.u8[at] as number
    this.flags = this.memory.u8[at + 1] as number
    this.offset = at
    this.length = length
    this.#next = at + align4(length)
    return true
  }
}

/** The common header of an SCTP packet in place, and its chunks. */
export class SctpView extends HeaderView {
  readonly #chunks = new SctpChunkIterator()

  /** Throws `DecodeError`, code `SHORT_HEADER`. */
  wrap(memory: Memory, offset: number, available: number): this {
    this.aim(memory, offset, available, SCTP_HEADER_LENGTH, 'SCTP header')
    return this
  }

  /** Aims at the packet's SCTP header; false if it has none, or if it is cut. */
  find(packet: TransportLocation): boolean {
    return this.aimTransport(packet, IpProtocol.Sctp, SCTP_HEADER_LENGTH)
  }

  get sourcePort(): number {
    return read16(this.memory, this.offset + SOURCE_PORT)
  }

  get destinationPort(): number {
    return read16(this.memory, this.offset + DESTINATION_PORT)
  }

  get verificationTag(): number {
    return read32(this.memory, this.offset + VERIFICATION_TAG)
  }

  /** CRC32c of the packet; its bytes as a big-endian number, as captures show it */
  get checksum(): number {
    return read32(this.memory, this.offset + SCTP_CHECKSUM)
  }

  /** the chunks: one iterator, aimed at their start again */
  get chunks(): SctpChunkIterator {
    return this.#chunks.wrap(this.memory, this.offset + SCTP_HEADER_LENGTH, this.offset + this.available)
  }

  copy(): Sctp {
    const { sourcePort, destinationPort, verificationTag, checksum } = this
    return { sourcePort, destinationPort, verificationTag, checksum }
  }
}

/** An SCTP common header that owns its values. */
export interface Sctp {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly verificationTag: number
  /** default 0 */
  readonly checksum?: number
}

/** Writes an SCTP common header; see header.ts. */
export function writeSctp(memory: Memory, offset: number, limit: number, header: Sctp): number {
  checkRoom(memory, offset, limit, SCTP_HEADER_LENGTH, 'an SCTP header')
  write16(memory, offset + SOURCE_PORT, field('sourcePort', header.sourcePort, 0xffff))
  write16(memory, offset + DESTINATION_PORT, field('destinationPort', header.destinationPort, 0xffff))
  write32(memory, offset + VERIFICATION_TAG, field('verificationTag', header.verificationTag, 0xffffffff))
  write32(memory, offset + SCTP_CHECKSUM, field('checksum', header.checksum ?? 0, 0xffffffff))
  return offset + SCTP_HEADER_LENGTH
}
