/**
 * The base of the views of messages with nested attributes. One walk over all attributes, nested ones too, checks every
 * length against the tables and notes the offset of each attribute. After that a property is one load.
 *
 * Each attribute has a slot: a place in one array that covers the set and all sets nested in it, each as often as it is
 * nested. The members are `private` where the walk needs them: engines read `#private` fields of a class with
 * subclasses more slowly.
 */
import { DecodeError } from '../../errors.ts'
import { type Attribute, type AttributeSet, attributeByNumber, payloadBounds } from '../../schema/format.ts'
import { sizeError } from '../../schema/read.ts'
import {
  ATTRIBUTE_HEADER_LENGTH,
  AttributeBit,
  AttributeIterator,
  attributeError,
  MAXIMUM_ATTRIBUTE_LENGTH,
  MAXIMUM_ATTRIBUTES,
} from '../../wire/attribute.ts'
import { Memory, regionError } from '../../wire/memory.ts'
import { readText } from '../../wire/text.ts'
import { messageFamily, messageResourceId, NFNETLINK_ATTRIBUTES } from '../header.ts'

/** A set of attributes at one place of a message. */
interface Level {
  readonly set: AttributeSet
  /** slot of attribute 0 */
  readonly base: number
  /** slot after the last one of this level and of those nested in it */
  end: number
  /** For each attribute the minimum `nla_len` in the upper half and the maximum in the lower half. */
  readonly bounds: Int32Array
  /** by number; `undefined` for attributes that hold no others */
  readonly nested: (Level | undefined)[]
}

/** Slots of a set and of the sets nested in it, made once from the tables. */
export class NestedIndex {
  readonly top: Level
  /** `nlmsg_type` of the messages */
  readonly messageTypes: readonly number[]
  /** total number of slots */
  readonly slots: number

  constructor(set: AttributeSet, messageTypes: readonly number[]) {
    this.top = levelOf(set, 0)
    this.messageTypes = messageTypes
    this.slots = this.top.end
  }

  /**
   * The slot of an attribute, by the names of the members that lead to it. Throws `TypeError` for names that do not.
   */
  slot(...path: readonly string[]): number {
    let level: Level | undefined = this.top
    let slot = -1
    for (const name of path) {
      const number: number | undefined = level?.set.members[name]?.number
      if (level === undefined || number === undefined) throw new TypeError(`no attribute ${path.join('.')}`)
      slot = level.base + number
      level = level.nested[number]
    }
    return slot
  }
}

function levelOf(set: AttributeSet, base: number): Level {
  const count = set.names.length
  const bounds = new Int32Array(count).fill((ATTRIBUTE_HEADER_LENGTH << 16) | MAXIMUM_ATTRIBUTE_LENGTH)
  const level: Level = { set, base, end: base + count, bounds, nested: new Array(count).fill(undefined) }
  for (let number = 0; number < count; number++) {
    const format = attributeByNumber(set, number)?.format
    if (format === undefined) continue
    const { minimum, maximum } = payloadBounds(format)
    bounds[number] = ((ATTRIBUTE_HEADER_LENGTH + minimum) << 16) | (ATTRIBUTE_HEADER_LENGTH + maximum)
    if (format.kind !== 'nested') continue
    const inner = levelOf(format.set(), level.end)
    level.nested[number] = inner
    level.end = inner.end
  }
  return level
}

const EMPTY = new Memory(NFNETLINK_ATTRIBUTES)

/**
 * A message with nested attributes in place. After {@link wrap} no property can fail or read outside the message, until
 * the memory is released. A property is a load, and `undefined` if the attribute is missing; a method allocates.
 */
export abstract class NestedMessageView {
  memory: Memory = EMPTY
  /** offset of the message in bytes */
  offset = 0
  /** length of the message in bytes */
  length: number = NFNETLINK_ATTRIBUTES
  // Not #private: read for each row, and slower there in a class with subclasses (docs/decisions/private-members.md).
  private readonly index: NestedIndex
  // Offset of the payload of each attribute in the memory; 0 if it is missing.
  private readonly at: Int32Array

  constructor(index: NestedIndex) {
    this.index = index
    this.at = new Int32Array(index.slots)
  }

  /**
   * Aims at the message at `offset`, `length` bytes long. Throws `DecodeError`; the view is then empty and holds
   * nothing of the previous message.
   */
  wrap(memory: Memory, offset: number, length: number): this {
    const end = offset + length
    const { at, index } = this
    at.fill(0)
    const isInside = (offset & 3) === 0 && offset >= 0 && length >= NFNETLINK_ATTRIBUTES && end <= memory.byteLength
    if (
      !isInside ||
      !index.messageTypes.includes(memory.u16[(offset + 4) >> 1] as number) ||
      !walk(at, memory, offset + NFNETLINK_ATTRIBUTES, end, index.top)
    ) {
      throw this.refuse(memory, offset, length)
    }
    this.memory = memory
    this.offset = offset
    this.length = length
    return this
  }

  /** `nlmsg_type` */
  get messageType(): number {
    return this.memory.u16[(this.offset + 4) >> 1] as number
  }

  /** `nlmsg_flags` */
  get messageFlags(): number {
    return this.memory.u16[(this.offset + 6) >> 1] as number
  }

  /** protocol family: `Family` (`nfgen_family`) */
  get family(): number {
    return messageFamily(this.memory, this.offset)
  }

  /** `res_id` */
  get resourceId(): number {
    return messageResourceId(this.memory, this.offset)
  }

  /** Whether the attribute of a slot is present. */
  has(slot: number): boolean {
    return this.at[slot] !== 0
  }

  /** Where the payload of a slot's attribute begins in {@link memory}; meaningless when it is not there. */
  payloadAt(slot: number): number {
    return this.at[slot] as number
  }

  /** Bytes of the payload of a slot's attribute; 0 when it is not there. */
  lengthAt(slot: number): number {
    const place = this.at[slot] as number
    if (place === 0) return 0
    return (this.memory.u16[(place - ATTRIBUTE_HEADER_LENGTH) >> 1] as number) - ATTRIBUTE_HEADER_LENGTH
  }

  /** One byte, if the attribute is there. */
  byteAt(slot: number): number | undefined {
    const place = this.at[slot] as number
    return place === 0 ? undefined : this.memory.u8[place]
  }

  // A DataView reads big endian, which is network order, by itself.

  /** Two bytes in network order, if the attribute is there. */
  halfWordAt(slot: number): number | undefined {
    const place = this.at[slot] as number
    return place === 0 ? undefined : this.memory.data.getUint16(place)
  }

  /** Four bytes in network order, if the attribute is there. */
  wordAt(slot: number): number | undefined {
    const place = this.at[slot] as number
    return place === 0 ? undefined : this.memory.data.getUint32(place)
  }

  /** Eight bytes in network order, if the attribute is there: exact up to 2^53. */
  longAt(slot: number): number | undefined {
    const place = this.at[slot] as number
    if (place === 0) return undefined
    const { data } = this.memory
    return data.getUint32(place) * 0x1_0000_0000 + data.getUint32(place + 4)
  }

  /** A copy of the bytes of an attribute, if it is there. */
  bytesAt(slot: number): Uint8Array | undefined {
    return this.has(slot) ? this.memory.copy(this.payloadAt(slot), this.lengthAt(slot)) : undefined
  }

  /** The text of an attribute, if it is there. */
  textAt(slot: number): string | undefined {
    return this.has(slot) ? readText(this.memory, this.payloadAt(slot), this.lengthAt(slot)) : undefined
  }

  private refuse(memory: Memory, offset: number, length: number): DecodeError {
    this.memory = EMPTY
    this.offset = 0
    this.length = NFNETLINK_ATTRIBUTES
    this.at.fill(0)
    return refusal(this.index, memory, offset, length)
  }
}

/** Notes where the attributes of a region are; false when anything is wrong with them. */
function walk(at: Int32Array, memory: Memory, from: number, end: number, level: Level): boolean {
  const { u16 } = memory
  const { bounds, nested, base } = level
  const known = bounds.length
  let count = 0
  for (let position = from; position < end; ) {
    const size = u16[position >> 1] as number
    const number = (u16[(position >> 1) + 1] as number) & AttributeBit.TypeMask
    if (size < ATTRIBUTE_HEADER_LENGTH || size > end - position || ++count > MAXIMUM_ATTRIBUTES) return false
    if (number < known) {
      const limit = bounds[number] as number
      if (size < limit >>> 16 || size > (limit & 0xffff)) return false
      const inner = nested[number]
      const slot = base + number
      const payload = position + ATTRIBUTE_HEADER_LENGTH
      if (inner !== undefined) {
        // Repeated, it counts as a whole.
        if (at[slot] !== 0) at.fill(0, inner.base, inner.end)
        if (!walk(at, memory, payload, position + size, inner)) return false
      }
      at[slot] = payload
    }
    position += (size + 3) & ~3
  }
  return true
}

/** Why a message is refused: what `wrap` has seen already, step by step. */
function refusal({ top, messageTypes }: NestedIndex, memory: Memory, offset: number, length: number): DecodeError {
  const what = `message of ${top.set.name}`
  const outside = regionError(memory, offset, length, what)
  if (outside !== undefined) return outside
  const there = { offset, need: NFNETLINK_ATTRIBUTES, have: length }
  if (length < NFNETLINK_ATTRIBUTES) return new DecodeError('SHORT_HEADER', what, there)
  const type = memory.u16[(offset + 4) >> 1] as number
  if (!messageTypes.includes(type)) return new DecodeError('MESSAGE_TYPE', `${what} of type ${type}`, there)
  const found = problemIn(memory, offset + NFNETLINK_ATTRIBUTES, offset + length, top)
  return found ?? new DecodeError('ATTRIBUTE_LENGTH', what, there)
}

function problemIn(memory: Memory, from: number, end: number, level: Level): DecodeError | undefined {
  const { set } = level
  const iterator = new AttributeIterator().wrap(memory, from, end - from)
  const { view } = iterator
  while (iterator.next()) {
    const attribute: Attribute | undefined = attributeByNumber(set, view.type)
    if (attribute === undefined) continue
    const { minimum, maximum } = payloadBounds(attribute.format)
    const { payloadOffset, payloadLength } = view
    if (payloadLength < minimum || payloadLength > maximum) return sizeError(attribute, payloadOffset, payloadLength)
    const inner = level.nested[view.type]
    const problem = inner && problemIn(memory, payloadOffset, payloadOffset + payloadLength, inner)
    if (problem !== undefined) return problem
  }
  const { problem, position } = iterator
  return problem && attributeError(problem, set.name, memory, position, end - position)
}
