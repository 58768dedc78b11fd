import { DecodeError } from '../errors.ts'
import {
  AttributeBit,
  AttributeIterator,
  type AttributeView,
  attributeError,
  MAXIMUM_DEPTH,
} from '../wire/attribute.ts'
import { hostIsLittleEndian } from '../wire/endian.ts'
import type { Memory } from '../wire/memory.ts'
import { readText } from '../wire/text.ts'
import {
  type Attribute,
  type AttributeFormat,
  type AttributeSet,
  type AttributeValues,
  type IntegerFormat,
  payloadBounds,
  STRUCT_TAIL,
  type StructFormat,
  selectedSet,
  type UnionFormat,
  type UnknownAttribute,
} from './format.ts'

/**
 * Reads the attributes in a region into owned values. If an attribute is repeated, the last one wins, as in the kernel.
 * The flag NLA_F_NET_BYTEORDER overrides the byte order of the table. Throws `DecodeError` that names the attribute.
 */
export function readAttributes<Set extends AttributeSet>(
  set: Set,
  memory: Memory,
  offset: number,
  length: number,
  depth = 0,
): AttributeValues<Set> {
  if (depth > MAXIMUM_DEPTH)
    throw new DecodeError('NESTED_DEPTH', set.name, { offset, need: MAXIMUM_DEPTH, have: depth })
  const values: Record<string, unknown> = {}
  const unknown: UnknownAttribute[] = []
  const selectors = readSelectors(set, memory, offset, length)
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  const { view } = iterator
  while (iterator.next()) {
    const name = set.names[view.type]
    const attribute = name === undefined ? undefined : settled(set.members[name] as Attribute, selectors)
    if (name === undefined || attribute === undefined) {
      unknown.push({ type: view.type, bits: view.bits, payload: view.payload() })
    } else {
      values[name] = readValue(attribute, view, depth)
    }
  }
  if (iterator.problem !== undefined) {
    throw attributeError(iterator.problem, set.name, memory, iterator.position, offset + length - iterator.position)
  }
  if (unknown.length > 0) values.unknown = unknown
  return values as AttributeValues<Set>
}

/** An attribute whose format does not depend on other attributes. */
interface SettledAttribute extends Attribute {
  readonly format: Exclude<AttributeFormat, UnionFormat>
}

/** The selectors in a region, as text, by member name. */
export type Selectors = ReadonlyMap<string, string>

const NO_SELECTORS: Selectors = new Map()

/** The selectors among the attributes in a region; none if the set has no sub-messages. */
export function readSelectors(set: AttributeSet, memory: Memory, offset: number, length: number): Selectors {
  const { selectors } = set
  if (selectors === undefined) return NO_SELECTORS
  const found = new Map<string, string>()
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  const { view } = iterator
  while (iterator.next()) {
    const name = selectors.get(view.type)
    if (name !== undefined) found.set(name, readText(memory, view.payloadOffset, view.payloadLength))
  }
  return found
}

/** The attribute with its sub-message selected: nested attributes, or unknown if there is no table. */
function settled(attribute: Attribute, selectors: Selectors): SettledAttribute | undefined {
  const { format } = attribute
  if (format.kind !== 'union') return attribute as SettledAttribute
  const set = selectedSet(format, selectors.get(format.key))
  return set === undefined ? undefined : { ...attribute, format: { kind: 'nested', set: () => set } }
}

function readValue(attribute: SettledAttribute, view: AttributeView, depth: number): unknown {
  const { format } = attribute
  const { memory, payloadOffset: offset, payloadLength: length } = view
  const { minimum, maximum } = payloadBounds(format)
  if (length < minimum || length > maximum) throw sizeError(attribute, offset, length)
  const inNetworkOrder = (view.bits & AttributeBit.NetworkOrder) !== 0
  switch (format.kind) {
    case 'flag':
      return true
    case 'integer':
      return readInteger(format, memory, offset, inNetworkOrder)
    case 'text':
      return readText(memory, offset, length)
    case 'bytes':
      return memory.copy(offset, length)
    case 'struct':
      return readStruct(format, memory, offset, length, inNetworkOrder)
    case 'nested':
      return readAttributes(format.set(), memory, offset, length, depth + 1)
    case 'list':
      return readList(format.element(), memory, offset, length, depth + 1)
    case 'sequence':
      return readSequence(format.set(), memory, offset, length, depth + 1)
  }
}

/** The error for a payload of `have` bytes at `offset`, a length that the attribute's format does not allow. */
export function sizeError({ format, kernelName }: Attribute, offset: number, have: number): DecodeError {
  const { minimum, maximum } = payloadBounds(format)
  return new DecodeError('ATTRIBUTE_SIZE', kernelName, { offset, need: have < minimum ? minimum : maximum, have })
}

function readInteger(format: IntegerFormat, memory: Memory, offset: number, inNetworkOrder: boolean): number | bigint {
  const little = format.order === 'host' && !inNetworkOrder && hostIsLittleEndian
  switch (format.size) {
    case 1:
      return memory.u8[offset] as number
    case 2:
      return memory.data.getUint16(offset, little)
    case 4:
      return format.signed ? memory.data.getInt32(offset, little) : memory.data.getUint32(offset, little)
    case 8:
      return format.signed ? memory.data.getBigInt64(offset, little) : memory.data.getBigUint64(offset, little)
  }
}

function readStruct(
  { fields, size }: StructFormat,
  memory: Memory,
  offset: number,
  length: number,
  inNetworkOrder: boolean,
): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const { name, offset: start, format } of fields) {
    if (name === undefined) continue
    value[name] =
      format.kind === 'bytes'
        ? memory.copy(offset + start, format.maximum)
        : readInteger(format, memory, offset + start, inNetworkOrder)
  }
  if (length > size) {
    // Not enumerable, so that the value equals that of an older kernel, and is still written with all its bytes.
    Object.defineProperty(value, STRUCT_TAIL, { value: memory.copy(offset + size, length - size) })
  }
  return value
}

function readList(set: AttributeSet, memory: Memory, offset: number, length: number, depth: number): unknown[] {
  return readEach(set, memory, offset, length, ({ payloadOffset, payloadLength }) =>
    readAttributes(set, memory, payloadOffset, payloadLength, depth),
  )
}

function readSequence(set: AttributeSet, memory: Memory, offset: number, length: number, depth: number): unknown[] {
  return readEach(set, memory, offset, length, (view) => readAttributes(set, memory, view.offset, view.length, depth))
}

function readEach(
  set: AttributeSet,
  memory: Memory,
  offset: number,
  length: number,
  read: (view: AttributeView) => unknown,
): unknown[] {
  const elements: unknown[] = []
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  while (iterator.next()) elements.push(read(iterator.view))
  if (iterator.problem !== undefined) {
    throw attributeError(iterator.problem, set.name, memory, iterator.position, offset + length - iterator.position)
  }
  return elements
}
