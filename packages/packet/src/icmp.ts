/**
 * ICMP (RFC 792). ICMPv6 (icmpv6.ts) has the same first 8 bytes.
 *
 * 0 type | 1 code | 2 checksum | 4 identifier | 6 sequence (of an echo; other types use the 4 bytes differently) | 8
 * payload
 */
import type { Memory } from '@ringlink/codec/memory'
import { field, read16, read32, write16, write32 } from './bytes.ts'
import { checkRoom, HeaderView, type TransportLocation } from './header.ts'
import { IpProtocol } from './protocol.ts'

const TYPE = 0
const CODE = TYPE + 1
export const ICMP_CHECKSUM: number = CODE + 1
const REST = ICMP_CHECKSUM + 2
const IDENTIFIER = REST
const SEQUENCE = IDENTIFIER + 2
/** Bytes of the header. */
export const ICMP_HEADER_LENGTH: number = REST + 4

/** Types of messages (uapi/linux/icmp.h). */
export const IcmpType = {
  /** ICMP_ECHOREPLY */
  EchoReply: 0,
  /** ICMP_DEST_UNREACH */
  DestinationUnreachable: 3,
  /** ICMP_SOURCE_QUENCH */
  SourceQuench: 4,
  /** ICMP_REDIRECT */
  Redirect: 5,
  /** ICMP_ECHO */
  EchoRequest: 8,
  /** router advertisement (RFC 1256) */
  RouterAdvertisement: 9,
  /** router solicitation (RFC 1256) */
  RouterSolicitation: 10,
  /** ICMP_TIME_EXCEEDED */
  TimeExceeded: 11,
  /** ICMP_PARAMETERPROB */
  ParameterProblem: 12,
  /** ICMP_TIMESTAMP */
  TimestampRequest: 13,
  /** ICMP_TIMESTAMPREPLY */
  TimestampReply: 14,
} as const
export type IcmpType = (typeof IcmpType)[keyof typeof IcmpType]

/** Whether a message of this type quotes the packet that caused it, after the header. */
export function icmpQuotes(type: number): boolean {
  return (
    type === IcmpType.DestinationUnreachable ||
    type === IcmpType.SourceQuench ||
    type === IcmpType.Redirect ||
    type === IcmpType.TimeExceeded ||
    type === IcmpType.ParameterProblem
  )
}

/** The members that ICMP and ICMPv6 share. */
export abstract class IcmpMessageView extends HeaderView {
  /** `IcmpType` or `Icmpv6Type`, or another */
  get type(): number {
    return this.memory.u8[this.offset + TYPE] as number
  }

  get code(): number {
    return this.memory.u8[this.offset + CODE] as number
  }

  get checksum(): number {
    return read16(this.memory, this.offset + ICMP_CHECKSUM)
  }

  /** the 4 bytes after the checksum, whose meaning depends on the type */
  get rest(): number {
    return read32(this.memory, this.offset + REST)
  }

  /** of an echo; in other messages the first half of {@link rest} */
  get identifier(): number {
    return read16(this.memory, this.offset + IDENTIFIER)
  }

  /** of an echo; in other messages the second half of {@link rest} */
  get sequence(): number {
    return read16(this.memory, this.offset + SEQUENCE)
  }

  copy(): Icmp {
    const { type, code, checksum, rest } = this
    return { type, code, checksum, rest }
  }
}

/** The header of an ICMP message in place. */
export class IcmpView extends IcmpMessageView {
  /** Throws `DecodeError`, code `SHORT_HEADER`. */
  wrap(memory: Memory, offset: number, available: number): this {
    this.aim(memory, offset, available, ICMP_HEADER_LENGTH, 'ICMP header')
    return this
  }

  /** Aims at the packet's ICMP header; false if it has none, or if it is cut. */
  find(packet: TransportLocation): boolean {
    return this.aimTransport(packet, IpProtocol.Icmp, ICMP_HEADER_LENGTH)
  }

  /** the next hop's MTU of "fragmentation needed" (RFC 1191) */
  get nextHopMtu(): number {
    return this.sequence
  }
}

/** An ICMP or ICMPv6 header that owns its values. */
export interface Icmp {
  readonly type: number
  /** default 0 */
  readonly code?: number
  /** default 0 */
  readonly checksum?: number
  /** the 4 bytes after the checksum: of an echo `identifier * 0x10000 + sequence`; default 0 */
  readonly rest?: number
}

/** Writes the header of an ICMP or ICMPv6 message; see header.ts. */
export function writeIcmp(memory: Memory, offset: number, limit: number, header: Icmp): number {
  checkRoom(memory, offset, limit, ICMP_HEADER_LENGTH, 'an ICMP header')
  memory.u8[offset + TYPE] = field('type', header.type, 0xff)
  memory.u8[offset + CODE] = field('code', header.code ?? 0, 0xff)
  write16(memory, offset + ICMP_CHECKSUM, field('checksum', header.checksum ?? 0, 0xffff))
  write32(memory, offset + REST, field('rest', header.rest ?? 0, 0xffffffff))
  return offset + ICMP_HEADER_LENGTH
}
