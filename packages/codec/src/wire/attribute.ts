/**
 * nlattr, the type-length-value element that follows the fixed headers of a message (uapi/linux/netlink.h). Length and
 * type are in host byte order; the payload's order depends on the attribute. Attributes start at multiples of four.
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-------------------------------+-+-+---------------------------+
 *  |  length (with header, no pad) |N|O|           type            |   N: nested, O: network byte order
 *  +-------------------------------+-+-+---------------------------+
 *  |                     payload, padded to four                   |
 *  +---------------------------------------------------------------+
 */
import { DecodeError, type DecodeErrorCode } from '../errors.ts'
import { outOfRange } from '../value.ts'
import { align4, checkAligned, checkRegion, checkSpace, Memory } from './memory.ts'

const LENGTH = 0
const TYPE = LENGTH + 2
/** Length of the header in bytes (`NLA_HDRLEN`). */
export const ATTRIBUTE_HEADER_LENGTH = 4
const EMPTY = new Memory(ATTRIBUTE_HEADER_LENGTH)
/** The longest attribute, header included: `nla_len` has 16 bits. */
export const MAXIMUM_ATTRIBUTE_LENGTH = 0xffff
/** The maximum depth of nests. No family of the kernel comes near it, so deeper nests are garbage or an attack. */
export const MAXIMUM_DEPTH = 16
/** The maximum number of attributes in one level. */
export const MAXIMUM_ATTRIBUTES = 4096

/** The bits of `nla_type`. */
export const AttributeBit = {
  /** NLA_F_NESTED: the payload is attributes */
  Nested: 0x8000,
  /** NLA_F_NET_BYTEORDER: the payload is in network order */
  NetworkOrder: 0x4000,
  /** NLA_TYPE_MASK: the rest is the type */
  TypeMask: 0x3fff,
} as const
export type AttributeBit = (typeof AttributeBit)[keyof typeof AttributeBit]

/** An attribute in place; valid after a step of {@link AttributeIterator} that returned true. */
export class AttributeView {
  memory: Memory = EMPTY
  offset = 0

  /** `nla_type` without its two flag bits */
  get type(): number {
    return (this.memory.u16[(this.offset + TYPE) >> 1] as number) & AttributeBit.TypeMask
  }

  /** the two flag bits of `nla_type`, in place */
  get bits(): number {
    return (this.memory.u16[(this.offset + TYPE) >> 1] as number) & ~AttributeBit.TypeMask
  }

  /** `nla_len`: bytes of header and payload, without padding */
  get length(): number {
    return this.memory.u16[(this.offset + LENGTH) >> 1] as number
  }

  get payloadOffset(): number {
    return this.offset + ATTRIBUTE_HEADER_LENGTH
  }

  get payloadLength(): number {
    return this.length - ATTRIBUTE_HEADER_LENGTH
  }

  /** The payload as an owned copy. */
  payload(): Uint8Array<ArrayBuffer> {
    return this.memory.copy(this.payloadOffset, this.payloadLength)
  }
}

/** Walks attributes with one view that it re-aims. A malformed tail ends the walk; {@link problem} then says why. */
export class AttributeIterator {
  readonly view: AttributeView = new AttributeView()
  /** why the walk ended before the end of the region; `undefined` when it did not */
  problem: DecodeErrorCode | undefined
  #memory: Memory = EMPTY
  #next = 0
  #end = 0
  #count = 0

  /** Aims at a region of attributes. Throws `DecodeError` if the region is not inside the memory. */
  wrap(memory: Memory, offset: number, length: number): this {
    checkRegion(memory, offset, length, 'attributes')
    this.#memory = memory
    this.#next = offset
    this.#end = offset + length
    this.#count = 0
    this.problem = undefined
    return this
  }

  /** The position of the walk: the offset of the next attribute, or of the malformed tail. */
  get position(): number {
    return this.#next
  }

  /** Steps to the next attribute; false when there is none. */
  next(): boolean {
    const available = this.#end - this.#next
    if (available <= 0 || this.problem !== undefined) return false
    this.problem = attributeProblem(this.#memory, this.#next, available)
    if (this.problem === undefined && ++this.#count > MAXIMUM_ATTRIBUTES) this.problem = 'ATTRIBUTE_COUNT'
    if (this.problem !== undefined) return false
    this.view.memory = this.#memory
    this.view.offset = this.#next
    this.#next += align4(this.view.length)
    return true
  }
}

/** The problem of the attribute header at `offset` when `available` bytes are left, if there is one. */
export function attributeProblem(memory: Memory, offset: number, available: number): DecodeErrorCode | undefined {
  if (available < ATTRIBUTE_HEADER_LENGTH) return 'SHORT_HEADER'
  const length = memory.u16[(offset + LENGTH) >> 1] as number
  return length < ATTRIBUTE_HEADER_LENGTH || length > available ? 'ATTRIBUTE_LENGTH' : undefined
}

/**
 * The error for a problem that {@link attributeProblem} or an {@link AttributeIterator} found at `offset`, `have` bytes
 * before the end.
 */
export function attributeError(
  code: DecodeErrorCode,
  set: string,
  memory: Memory,
  offset: number,
  have: number,
): DecodeError {
  if (code === 'ATTRIBUTE_COUNT') {
    const at = { offset, need: MAXIMUM_ATTRIBUTES, have: MAXIMUM_ATTRIBUTES + 1 }
    return new DecodeError(code, `attributes of ${set}`, at)
  }
  const need = code === 'SHORT_HEADER' ? ATTRIBUTE_HEADER_LENGTH : (memory.u16[(offset + LENGTH) >> 1] as number)
  return new DecodeError(code, `attribute of ${set}`, { offset, need, have })
}

/** Writes consecutive attributes. Throws `EncodeError` before it writes beyond its limit. */
export class AttributeWriter {
  memory: Memory = EMPTY
  limit = 0
  /** offset of the next attribute: after the last one and its padding */
  position = 0
  /**
   * offset after the last attribute without its padding: the end of a message without final padding, as the kernel's
   */
  unpaddedEnd = 0

  /** offset after the last attribute and as much of its padding as fits below the limit */
  get end(): number {
    return this.position <= this.limit ? this.position : this.unpaddedEnd
  }

  /** Aims at `offset`, a multiple of four; nothing is written at or beyond `limit`. */
  wrap(memory: Memory, offset: number, limit: number): this {
    checkAligned(offset, 'attributes')
    this.memory = memory
    this.limit = Math.min(limit, memory.byteLength)
    this.position = offset
    this.unpaddedEnd = offset
    return this
  }

  /** Writes a header for `length` bytes of payload, zeroes the padding, and returns the payload's offset: fill it. */
  reserve(type: number, length: number): number {
    const start = this.position
    const total = ATTRIBUTE_HEADER_LENGTH + length
    if ((type & 0xffff) !== type) throw outOfRange('attribute type', 'an integer from 0 to 65535', type)
    // The last attribute may end at the limit without padding, as the kernel's own messages do.
    checkSpace(start, total, this.limit, `attribute ${type & AttributeBit.TypeMask}`)
    checkSpace(0, total, MAXIMUM_ATTRIBUTE_LENGTH, `attribute ${type & AttributeBit.TypeMask}`)
    this.memory.u16[(start + LENGTH) >> 1] = total
    this.memory.u16[(start + TYPE) >> 1] = type
    this.unpaddedEnd = start + total
    this.position = start + align4(total)
    this.memory.u8.fill(0, this.unpaddedEnd, Math.min(this.position, this.limit))
    return start + ATTRIBUTE_HEADER_LENGTH
  }

  /**
   * Leaves `length` bytes for a struct that attributes follow, zeroed up to a multiple of four, and returns their
   * offset: fill them.
   */
  skip(length: number): number {
    const start = this.position
    checkSpace(start, length, this.limit, 'fixed header')
    this.unpaddedEnd = start + length
    this.position = start + align4(length)
    this.memory.u8.fill(0, start, Math.min(this.position, this.limit))
    return start
  }

  /** Writes an attribute with a copy of `payload`. */
  bytes(type: number, payload: Uint8Array): void {
    this.memory.u8.set(payload, this.reserve(type, payload.length))
  }

  /** Opens a nested attribute. Attributes written before {@link endNest} of the returned offset are inside it. */
  beginNest(type: number): number {
    const start = this.position
    this.reserve(type | AttributeBit.Nested, 0)
    return start
  }

  /** Closes the nested attribute that began at `start`. Its length includes the padding of its last member. */
  endNest(start: number): void {
    const { end } = this
    const length = end - start
    checkSpace(0, length, MAXIMUM_ATTRIBUTE_LENGTH, 'nested attribute')
    this.memory.u16[(start + LENGTH) >> 1] = length
    this.unpaddedEnd = end
  }
}
