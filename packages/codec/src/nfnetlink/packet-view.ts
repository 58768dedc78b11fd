/**
 * The base of the views of hot netfilter messages. One walk over the attributes checks every length against the table
 * of the set and notes the offset of each attribute; after that a property is one load.
 *
 * The messages of a queue or a log are alike: the same attributes with the same lengths, except for the payload at the
 * end. So the view remembers the shape of the last message, that is, its attribute headers. A message with the same
 * headers at the same offsets is as valid as the last one and needs no walk.
 */

import { DecodeError } from '../errors.ts'
import { type Attribute, type AttributeSet, attributeByNumber, payloadBounds } from '../schema/format.ts'
import { sizeError } from '../schema/read.ts'
import {
  ATTRIBUTE_HEADER_LENGTH,
  AttributeBit,
  AttributeIterator,
  attributeError,
  MAXIMUM_ATTRIBUTE_LENGTH,
  MAXIMUM_ATTRIBUTES,
} from '../wire/attribute.ts'
import { networkOrder16, networkOrder32 } from '../wire/endian.ts'
import { Memory, regionError } from '../wire/memory.ts'
import { readText } from '../wire/text.ts'
import { messageFamily, NFNETLINK_ATTRIBUTES } from './header.ts'

const ROOM_FOR_TOO_MANY = NFNETLINK_ATTRIBUTES + MAXIMUM_ATTRIBUTES * ATTRIBUTE_HEADER_LENGTH
/** Maximum attributes in a shape; a message with more has no shape. */
const SHAPE_LIMIT = 32
/** A value that is not a valid `nla_type`. */
const NO_TYPE = -1
/** Consecutive messages of other shapes after which shapes are not compared any more, and for how many messages. */
const PATIENCE = 8
const PAUSE = 256

/**
 * What a view knows about its message type, derived once from the table. A set has at most 31 attributes, numbered from
 * 1.
 */
export interface AttributeIndex {
  readonly set: AttributeSet
  /** `nlmsg_type` of the message */
  readonly messageType: number
  /** the attribute that a message must have */
  readonly required: number
  /** the attribute that holds the packet */
  readonly payload: number
  /**
   * For each attribute the minimum `nla_len` in the upper half and the maximum in the lower half, so that one load gets
   * both.
   */
  readonly bounds: Int32Array
}

/** Makes the index of a set. One with an attribute beyond 31 is refused: a view has one bit for each. */
export function attributeIndex(
  set: AttributeSet,
  message: { messageType: number; required: number; payload: number },
): AttributeIndex {
  if (set.names.length > 32) throw new TypeError(`${set.name}: a view has no room for ${set.names.at(-1)}`)
  const bounds = new Int32Array(set.names.length).fill((ATTRIBUTE_HEADER_LENGTH << 16) | MAXIMUM_ATTRIBUTE_LENGTH)
  for (let number = 0; number < bounds.length; number++) {
    const attribute = attributeByNumber(set, number)
    if (attribute === undefined) continue
    const { minimum, maximum } = payloadBounds(attribute.format)
    bounds[number] = ((ATTRIBUTE_HEADER_LENGTH + minimum) << 16) | (ATTRIBUTE_HEADER_LENGTH + maximum)
  }
  return { set, ...message, bounds }
}

/** Offset and length of an attribute's payload. */
export interface AttributePlace {
  readonly offset: number
  readonly length: number
}

/**
 * A message in place. After {@link wrap} no property can fail or read outside the message, until the memory is
 * released. A property is a load, and `undefined` if the attribute is missing; a method allocates.
 */
export abstract class IndexedMessageView {
  memory: Memory = EMPTY
  /** offset of the message in bytes */
  offset = 0
  /** length of the message in bytes */
  length: number = NFNETLINK_ATTRIBUTES
  /** offset of the payload in {@link memory}; meaningless when {@link payloadLength} is 0 */
  payloadOffset = 0
  /** bytes of the packet that were copied, starting at its network header; 0 when none were requested */
  payloadLength = 0
  // Not #private, from here on: `wrap` reads and sets them for each packet (docs/decisions/private-members.md).
  // One bit per attribute that is present, and the payload offset of each, from the start of the message.
  private present = 0
  private readonly at: Int32Array
  // The shape: the first 32-bit word of each attribute, and its offset in 32-bit words from the start of the message.
  private shapeCount = 0
  // `nla_type` of the last attribute if that is the payload, the only one whose length may differ; otherwise an invalid
  // type.
  private payloadType = NO_TYPE
  // Messages that may still differ before shapes are given up; below 0, messages until they are compared again.
  private patience = PATIENCE
  private readonly shapeWords = new Uint32Array(SHAPE_LIMIT)
  private readonly shapePlaces = new Int32Array(SHAPE_LIMIT)
  private readonly known: AttributeIndex

  constructor(index: AttributeIndex) {
    this.known = index
    this.at = new Int32Array(index.bounds.length)
  }

  /**
   * Aims at the message at `offset`, `length` bytes long. Throws `DecodeError`; the view is then empty and holds
   * nothing of the previous message.
   */
  wrap(memory: Memory, offset: number, length: number): this {
    // Decides only whether the message is valid. refusal() finds out why not, where it costs the loop nothing.
    const { u16 } = memory
    const { messageType, payload } = this.known
    const end = offset + length
    const inside = (offset & 3) === 0 && offset >= 0 && length >= NFNETLINK_ATTRIBUTES && end <= memory.byteLength
    if (!inside || u16[(offset + 4) >> 1] !== messageType) throw this.refuse(memory, offset, length)
    if (this.hasShape(memory, offset, end)) this.patience = PATIENCE
    else if (!this.walk(memory, offset, end, this.wantsShape())) throw this.refuse(memory, offset, length)
    this.memory = memory
    this.offset = offset
    this.length = length
    if ((this.present & (1 << payload)) === 0) {
      this.payloadLength = 0
    } else {
      this.payloadOffset = offset + (this.at[payload] as number)
      this.payloadLength =
        (u16[(this.payloadOffset - ATTRIBUTE_HEADER_LENGTH) >> 1] as number) - ATTRIBUTE_HEADER_LENGTH
    }
    return this
  }

  /**
   * Whether the message has the attributes of the last valid one: all headers the same and at the same offsets, except
   * for the length of a payload at the end. Never true for a message that `walk` would refuse or read differently.
   */
  private hasShape(memory: Memory, offset: number, end: number): boolean {
    const { u32, u16 } = memory
    const { shapeWords, shapePlaces } = this
    const last = this.shapeCount - 1
    if (last < 0) return false
    const start = offset >> 2
    const lastOffset = offset + ((shapePlaces[last] as number) << 2)
    const left = end - lastOffset
    if (left < ATTRIBUTE_HEADER_LENGTH) return false
    for (let i = 0; i < last; i++) {
      if (u32[start + (shapePlaces[i] as number)] !== shapeWords[i]) return false
    }
    const word = start + (shapePlaces[last] as number)
    if (u32[word] === shapeWords[last]) return endsAt(u16[word << 1] as number, left)
    const size = u16[word << 1] as number
    if (u16[(word << 1) + 1] !== this.payloadType) return false
    const limit = this.known.bounds[this.known.payload] as number
    return size >= limit >>> 16 && size <= (limit & 0xffff) && endsAt(size, left)
  }

  /** If every message differs, remembering the last one is wasted work, so it pauses for a while. */
  private wantsShape(): boolean {
    if (this.patience > 0) {
      this.patience--
      if (this.patience === 0) this.patience = -PAUSE
    } else {
      this.patience++
      if (this.patience === 0) this.patience = PATIENCE
    }
    return this.patience > 0
  }

  /** Walks the attributes and notes their offsets; false when any of them is malformed. */
  private walk(memory: Memory, offset: number, end: number, remember: boolean): boolean {
    const { u16, u32 } = memory
    const { at, shapeWords, shapePlaces } = this
    // Engines load a module's constants, imported ones in particular, again at every use; a local one stays in a
    // register.
    const limits = this.known.bounds
    const members = limits.length
    const headerLength = ATTRIBUTE_HEADER_LENGTH
    const typeMask: number = AttributeBit.TypeMask
    const shapeLimit = remember ? SHAPE_LIMIT : 0
    let position = offset + NFNETLINK_ATTRIBUTES
    let present = 0
    let count = 0
    let last = position
    while (position < end) {
      const size = u16[position >> 1] as number
      const number = (u16[(position >> 1) + 1] as number) & typeMask
      if (size < headerLength || size > end - position) return false
      if (number < members) {
        const limit = limits[number] as number
        if (size < limit >>> 16 || size > (limit & 0xffff)) return false
        present |= 1 << number
        at[number] = position - offset + headerLength
      }
      if (count < shapeLimit) {
        shapeWords[count] = u32[position >> 2] as number
        shapePlaces[count] = (position - offset) >> 2
      }
      count++
      last = position
      position += (size + 3) & ~3
    }
    if ((present & (1 << this.known.required)) === 0) return false
    // Shorter messages have no room for too many attributes, so the loop need not count.
    if (end - offset > ROOM_FOR_TOO_MANY && count > MAXIMUM_ATTRIBUTES) return false
    this.present = present
    this.shapeCount = count <= shapeLimit ? count : 0
    const lastType = u16[(last >> 1) + 1] as number
    this.payloadType = (lastType & typeMask) === this.known.payload ? lastType : NO_TYPE
    return true
  }

  /** protocol family: `Family` (`nfgen_family`) */
  get family(): number {
    return messageFamily(this.memory, this.offset)
  }

  /** The payload as a window on the frame, valid as long as the frame. */
  payload(): Uint8Array {
    return this.memory.u8.subarray(this.payloadOffset, this.payloadOffset + this.payloadLength)
  }

  /** Whether attribute `number` is present. */
  protected has(number: number): boolean {
    return (this.present & (1 << number)) !== 0
  }

  /** Offset of the payload of attribute `number` in the memory; meaningless when it is missing. */
  protected payloadAt(number: number): number {
    return this.offset + (this.at[number] as number)
  }

  /** A 32-bit number in network order, if the attribute is present. */
  protected word(number: number): number | undefined {
    if ((this.present & (1 << number)) === 0) return undefined
    return networkOrder32(this.memory.u32[(this.offset + (this.at[number] as number)) >> 2] as number)
  }

  /** A 16-bit number in network order, if the attribute is present. */
  protected halfWord(number: number): number | undefined {
    if ((this.present & (1 << number)) === 0) return undefined
    return networkOrder16(this.memory.u16[(this.offset + (this.at[number] as number)) >> 1] as number)
  }

  /** A copy of the bytes of an attribute, if it is present. */
  protected copyOf(number: number): Uint8Array | undefined {
    return this.has(number) ? this.memory.copy(this.payloadAt(number), this.lengthOf(number)) : undefined
  }

  /** The text of an attribute, if it is present. */
  protected textOf(number: number): string | undefined {
    return this.has(number) ? readText(this.memory, this.payloadAt(number), this.lengthOf(number)) : undefined
  }

  /**
   * A 16-bit number in network order from attribute `inner` nested in attribute `number`; also `undefined` if the nest
   * is malformed.
   */
  protected nestedHalfWord(number: number, inner: number): number | undefined {
    if (!this.has(number)) return undefined
    const { u16 } = this.memory
    const start = this.payloadAt(number)
    const end = start + this.lengthOf(number)
    let found: number | undefined
    for (let at = start; at < end; ) {
      const size = at + ATTRIBUTE_HEADER_LENGTH > end ? 0 : (u16[at >> 1] as number)
      if (size < ATTRIBUTE_HEADER_LENGTH || at + size > end) return undefined
      const type = (u16[(at >> 1) + 1] as number) & AttributeBit.TypeMask
      if (type === inner && size === ATTRIBUTE_HEADER_LENGTH + 2) {
        found = networkOrder16(u16[(at + ATTRIBUTE_HEADER_LENGTH) >> 1] as number)
      }
      at += (size + 3) & ~3
    }
    return found
  }

  /** Two big-endian 64-bit numbers, seconds and microseconds, as microseconds. */
  protected timeOf(number: number): bigint | undefined {
    if (!this.has(number)) return undefined
    const { data } = this.memory
    return data.getBigUint64(this.payloadAt(number)) * 1_000_000n + data.getBigUint64(this.payloadAt(number) + 8)
  }

  /** A link-layer address: its length, two bytes of padding, eight bytes of room. */
  protected addressOf(number: number): Uint8Array | undefined {
    const length = this.halfWord(number)
    return length === undefined ? undefined : this.memory.copy(this.payloadAt(number) + 4, Math.min(length, 8))
  }

  /** Offset and length of the payload of attribute `number` in {@link memory}, if the attribute is present. */
  place(number: number): AttributePlace | undefined {
    return this.has(number) ? { offset: this.payloadAt(number), length: this.lengthOf(number) } : undefined
  }

  private lengthOf(number: number): number {
    const header = this.payloadAt(number) - ATTRIBUTE_HEADER_LENGTH
    return (this.memory.u16[header >> 1] as number) - ATTRIBUTE_HEADER_LENGTH
  }

  private refuse(memory: Memory, offset: number, length: number): DecodeError {
    this.memory = EMPTY
    this.offset = 0
    this.length = NFNETLINK_ATTRIBUTES
    this.present = 0
    this.shapeCount = 0
    this.at.fill(0)
    this.payloadOffset = 0
    this.payloadLength = 0
    return refusal(this.known, memory, offset, length)
  }
}

const EMPTY = new Memory(NFNETLINK_ATTRIBUTES)

/** Whether an attribute of `size` bytes is the last one when `left` bytes are left: padding may follow it. */
function endsAt(size: number, left: number): boolean {
  return size <= left && (size + 3) >> 2 >= (left + 3) >> 2
}

/** Why the view cannot read a message: repeats the checks of wrap step by step. */
function refusal(index: AttributeIndex, memory: Memory, offset: number, length: number): DecodeError {
  const { set, messageType, required } = index
  const what = `message of ${set.name}`
  const outside = regionError(memory, offset, length, what)
  if (outside !== undefined) return outside
  const there = { offset, need: NFNETLINK_ATTRIBUTES, have: length }
  if (length < NFNETLINK_ATTRIBUTES) return new DecodeError('SHORT_HEADER', what, there)
  const type = memory.u16[(offset + 4) >> 1] as number
  if (type !== messageType) return new DecodeError('MESSAGE_TYPE', `${what} of type ${type}`, there)
  const end = offset + length
  const iterator = new AttributeIterator().wrap(memory, offset + NFNETLINK_ATTRIBUTES, length - NFNETLINK_ATTRIBUTES)
  const { view } = iterator
  while (iterator.next()) {
    const attribute = attributeByNumber(set, view.type)
    if (attribute === undefined) continue
    const { minimum, maximum } = payloadBounds(attribute.format)
    const { payloadOffset, payloadLength } = view
    if (payloadLength < minimum || payloadLength > maximum) return sizeError(attribute, payloadOffset, payloadLength)
  }
  const { problem, position } = iterator
  if (problem !== undefined) return attributeError(problem, set.name, memory, position, end - position)
  const { kernelName, format } = attributeByNumber(set, required) as Attribute
  const need = ATTRIBUTE_HEADER_LENGTH + payloadBounds(format).minimum
  return new DecodeError('ATTRIBUTE_MISSING', kernelName, { offset, need, have: length })
}
