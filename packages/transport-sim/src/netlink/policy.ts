import { ATTRIBUTE_HEADER_LENGTH, AttributeBit, align4, Errno, Memory } from '@ringlink/codec'
import { readText } from '@ringlink/codec/internal'
import type { AttributePolicy, MessagePolicy } from './attribute-policy.ts'
import type { KernelRequest } from './request.ts'

const minimumOf = { u16: 2, u32: 4, u64: 8 }

/** Where the attributes of a request are. Made once per subsystem, filled again for each message. */
export class AttributeTable {
  /** payload offset by attribute number; 0: not there */
  readonly offsets: Int32Array
  readonly lengths: Int32Array
  memory: Memory | undefined
  #leftOver = false

  /** @param maximum the highest attribute number that the message knows */
  constructor(maximum: number) {
    this.offsets = new Int32Array(maximum + 1)
    this.lengths = new Int32Array(maximum + 1)
  }

  /** A table for every attribute that `policy` has room for. */
  static of(policy: MessagePolicy): AttributeTable {
    return new AttributeTable(Math.max(0, policy.length - 1))
  }

  has(number: number): boolean {
    return (this.offsets[number] as number) !== 0
  }

  at(number: number): number {
    return this.offsets[number] as number
  }

  length(number: number): number {
    return this.lengths[number] as number
  }

  be32(number: number): number {
    return (this.memory as Memory).data.getUint32(this.at(number))
  }

  be16(number: number): number {
    return (this.memory as Memory).data.getUint16(this.at(number))
  }

  u8(number: number): number {
    return (this.memory as Memory).u8[this.at(number)] as number
  }

  be64(number: number): bigint {
    return (this.memory as Memory).data.getBigUint64(this.at(number))
  }

  /** A copy of an attribute's bytes. */
  bytes(number: number): Uint8Array {
    return (this.memory as Memory).copy(this.at(number), this.length(number))
  }

  /** A copy that keeps its bytes when the message is gone. */
  detached(): AttributeTable {
    const copy = new AttributeTable(this.offsets.length - 1)
    const used = Array.from(this.offsets.keys()).filter((number) => this.has(number))
    const start = Math.min(...used.map((number) => this.at(number) - ATTRIBUTE_HEADER_LENGTH)) & ~7
    const end = Math.max(...used.map((number) => this.at(number) + this.length(number)))
    if (used.length > 0) copy.memory = Memory.from((this.memory as Memory).copy(start, end - start))
    for (const number of used) {
      copy.offsets[number] = this.at(number) - start
      copy.lengths[number] = this.length(number)
    }
    return copy
  }

  /** Text up to its zero byte, or all of it without one. */
  text(number: number): string {
    return readText(this.memory as Memory, this.at(number), this.length(number))
  }

  /** The elements of a list, with any numbers. Malformed bytes after them are ignored. */
  elements(number: number): AttributeElement[] {
    const memory = this.memory as Memory
    const end = this.at(number) + this.length(number)
    const elements: AttributeElement[] = []
    for (let at = this.at(number); end - at >= ATTRIBUTE_HEADER_LENGTH; ) {
      const length = memory.u16[at >> 1] as number
      if (length < ATTRIBUTE_HEADER_LENGTH || length > end - at) break
      const payload = at + ATTRIBUTE_HEADER_LENGTH
      const type = (memory.u16[(at >> 1) + 1] as number) & AttributeBit.TypeMask
      elements.push({ type, at, text: readText(memory, payload, length - ATTRIBUTE_HEADER_LENGTH), end: at + length })
      at += align4(length)
    }
    return elements
  }

  /** The attributes in a nested one; `undefined` when their policies refuse one of them. */
  nested(number: number, policy: MessagePolicy): AttributeTable | undefined {
    const table = AttributeTable.of(policy)
    const start = this.at(number)
    const refused = table.parseRange(this.memory as Memory, start, start + this.length(number), policy)
    return refused === undefined ? table : undefined
  }

  /**
   * Finds the attributes of `request` from `start` on, as leniently as the kernel does for families of netfilter's age:
   * too long is fine, unknown is fine, of several the last counts, a malformed tail is only remarked upon. 0, or
   * -ERANGE.
   */
  parse(request: KernelRequest, start: number, policy: MessagePolicy): number {
    const { memory, details, offset } = request
    const end = offset + request.length
    const refused = this.parseRange(memory, offset + start, end, policy)
    if (refused !== undefined) {
      details.message = refused.message
      details.badAttribute = refused.position - offset
      details.policy = refused.policy.kind === 'bytes' ? undefined : refused.policy
      return -refused.errno
    }
    if (this.#leftOver) details.message = 'bytes leftover after parsing attributes'
    return 0
  }

  /** As {@link parse}, from `start` to `end`. Returns the refusal, if there is one. */
  parseRange(memory: Memory, start: number, end: number, policy: MessagePolicy): RefusedAttribute | undefined {
    this.memory = memory
    this.offsets.fill(0)
    let position = start
    while (end - position >= ATTRIBUTE_HEADER_LENGTH) {
      const length = memory.u16[position >> 1] as number
      if (length < ATTRIBUTE_HEADER_LENGTH || length > end - position) break
      const number = (memory.u16[(position >> 1) + 1] as number) & AttributeBit.TypeMask
      if (number > 0 && number < this.offsets.length) {
        const payload = length - ATTRIBUTE_HEADER_LENGTH
        const expected = policy[number]
        if (expected !== undefined) {
          const refused = refuse(expected, memory, position + ATTRIBUTE_HEADER_LENGTH, payload)
          if (refused !== undefined) return { ...refused, position, policy: expected }
        }
        this.offsets[number] = position + ATTRIBUTE_HEADER_LENGTH
        this.lengths[number] = payload
      }
      position += align4(length)
    }
    this.#leftOver = position < end
    return undefined
  }
}

/** An element of a list. */
export interface AttributeElement {
  readonly type: number
  /** of its header */
  readonly at: number
  /** its payload, if that is text */
  readonly text: string
  readonly end: number
}

/** An attribute that its policy refuses. */
export interface RefusedAttribute {
  readonly errno: number
  readonly message: string
  /** of its header */
  readonly position: number
  readonly policy: AttributePolicy
}

const MALFORMED = { errno: Errno.ERANGE, message: 'Attribute failed policy validation' } as const
const INVALID = { errno: Errno.EINVAL, message: MALFORMED.message } as const
const TOO_LARGE = { errno: Errno.ERANGE, message: 'integer out of range' } as const
const RESERVED = { errno: Errno.EINVAL, message: 'reserved bit set' } as const

function refuse(policy: AttributePolicy, memory: Memory, offset: number, length: number) {
  switch (policy.kind) {
    case 'bytes':
      return length >= policy.minimum ? undefined : MALFORMED
    case 'nested':
      return length === 0 || length >= ATTRIBUTE_HEADER_LENGTH ? undefined : MALFORMED
    case 'binary':
      return length <= policy.maximum ? undefined : MALFORMED
    case 'name': {
      const { maximum = length } = policy
      if (!memory.u8.subarray(offset, offset + Math.min(length, maximum + 1)).includes(0)) return INVALID
      return textFits(maximum, memory, offset, length) ? undefined : MALFORMED
    }
    case 'rejected':
      return INVALID
    case 'text':
      return textFits(policy.maximum, memory, offset, length) ? undefined : MALFORMED
    case 'u8':
      if (length < 1) return MALFORMED
      return (memory.u8[offset] as number) <= (policy.maximum ?? 0xff) ? undefined : TOO_LARGE
    case 'small':
      if (length < 4) return MALFORMED
      return memory.data.getUint32(offset) <= 255 ? undefined : TOO_LARGE
    case 'flags':
      if (length < 4) return MALFORMED
      return (memory.data.getUint32(offset) & ~policy.mask) === 0 ? undefined : RESERVED
    default:
      return length >= minimumOf[policy.kind] ? undefined : MALFORMED
  }
}

function textFits(maximum: number, memory: Memory, offset: number, length: number): boolean {
  if (length < 1) return false
  return length - (memory.u8[offset + length - 1] === 0 ? 1 : 0) <= maximum
}
