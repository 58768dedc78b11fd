/**
 * What the views of hot netfilter messages share: one walk over the attributes, in which every length is checked against the
 * table of the set, notes where each attribute lies; after that a property is a load.
 *
 * The messages of a queue or a log are alike: the same attributes of the same lengths, but for the payload at the end. So the
 * view remembers the headers of the attributes of the last message, its shape. A message with the same headers in the same
 * places is as good as that one was, and nothing of it needs to be worked out anew.
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
/** Attributes in a shape; a message with more has none. */
const SHAPE_LIMIT = 32
/** What no `nla_type` is. */
const NO_TYPE = -1
/** Messages of other shapes in a row after which shapes are given up, and for how many messages. */
const PATIENCE = 8
const PAUSE = 256

/** What a view knows of its message, made once from the table. A set has at most 31 attributes, numbered from 1. */
export interface AttributeIndex {
  readonly set: AttributeSet
  /** `nlmsg_type` of the message */
  readonly messageType: number
  /** the attribute without which the message is nothing */
  readonly required: number
  /** the attribute that is the packet */
  readonly payload: number
  /** Of each attribute the least `nla_len` in the upper half and the greatest in the lower, so that one load gets both. */
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

/** Where the payload of an attribute lies. */
export interface AttributePlace {
  readonly offset: number
  readonly length: number
}

/**
 * A message where it lies. After {@link wrap} no property can fail or read outside the message; that ends with the release of
 * the memory. A property is a load and `undefined` if the attribute is not there; a method allocates.
 */
export abstract class IndexedMessageView {
  memory: Memory = EMPTY
  /** where the message begins */
  offset = 0
  /** bytes of the message */
  length: number = NFNETLINK_ATTRIBUTES
  /** where the payload begins in {@link memory}; meaningless when {@link payloadLength} is 0 */
  payloadOffset = 0
  /** bytes of the packet that were copied, from its network header on; 0 when none were asked for */
  payloadLength = 0
  // One bit per attribute that is there, and where the payload of each of them is, from the start of the message.
  private present = 0
  private readonly at: Int32Array
  // The shape: the first word of each attribute, and where it is, in words from the start of the message.
  private shapeCount = 0
  // `nla_type` of the last attribute if that is the payload, the only one whose length may differ; no type otherwise.
  private payloadType = NO_TYPE
  // Messages that may still differ before shapes are given up; below 0, those until they are looked for again.
  private patience = PATIENCE
  private readonly shapeWords = new Uint32Array(SHAPE_LIMIT)
  private readonly shapePlaces = new Int32Array(SHAPE_LIMIT)
  private readonly known: AttributeIndex

  constructor(index: AttributeIndex) {
    this.known = index
    this.at = new Int32Array(index.bounds.length)
  }

  /**
   * Aims at the message at `offset`, `length` bytes long. Throws `DecodeError`; the view is empty then, and holds nothing of the
   * message before.
   */
  wrap(memory: Memory, offset: number, length: number): this {
    // Only whether the message is good is decided here; why it is not, in refusal, where it costs the loop nothing.
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
   * Whether the message has the attributes of the last good one: all headers the same and in the same places, but for the
   * length of a payload at the end. Never true of a message that `walk` would refuse, or find anything else in.
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

  /** Where every message is another, remembering the last one is work for nothing: it is given up for a while. */
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

  /** Walks the attributes and notes where they are; false when there is anything wrong with them. */
  private walk(memory: Memory, offset: number, end: number, remember: boolean): boolean {
    const { u16, u32 } = memory
    const { at, shapeWords, shapePlaces } = this
    // Engines load a module's constants, imported ones above all, anew at every use; a local one stays in a register.
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
    // Shorter messages have no room for too many attributes, so that nothing needs to be counted in the loop.
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

  /** The payload as a window on the frame: it dies with it. */
  payload(): Uint8Array {
    return this.memory.u8.subarray(this.payloadOffset, this.payloadOffset + this.payloadLength)
  }

  /** Whether attribute `number` is there. */
  protected has(number: number): boolean {
    return (this.present & (1 << number)) !== 0
  }

  /** Where the payload of attribute `number` begins in the memory; meaningless when it is not there. */
  protected payloadAt(number: number): number {
    return this.offset + (this.at[number] as number)
  }

  /** A word in network order, if the attribute is there. */
  protected word(number: number): number | undefined {
    if ((this.present & (1 << number)) === 0) return undefined
    return networkOrder32(this.memory.u32[(this.offset + (this.at[number] as number)) >> 2] as number)
  }

  /** A half word in network order, if the attribute is there. */
  protected halfWord(number: number): number | undefined {
    if ((this.present & (1 << number)) === 0) return undefined
    return networkOrder16(this.memory.u16[(this.offset + (this.at[number] as number)) >> 1] as number)
  }

  /** A copy of the bytes of an attribute, if it is there. */
  protected copyOf(number: number): Uint8Array | undefined {
    return this.has(number) ? this.memory.copy(this.payloadAt(number), this.lengthOf(number)) : undefined
  }

  /** The text of an attribute, if it is there. */
  protected textOf(number: number): string | undefined {
    return this.has(number) ? readText(this.memory, this.payloadAt(number), this.lengthOf(number)) : undefined
  }

  /** A half word in network order, of attribute `inner` nested in attribute `number`; `undefined` also if the nest is malformed. */
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

  /** Where the payload of attribute `number` lies in {@link memory}, if the attribute is there. */
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

/** Whether an attribute of `size` bytes is the last one when `left` are left: there may be padding behind it. */
function endsAt(size: number, left: number): boolean {
  return size <= left && (size + 3) >> 2 >= (left + 3) >> 2
}

/** Why a message is none that the view reads: what its wrap has seen already, step by step once more. */
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
