import { DecodeError } from '../errors.ts'
import {
  AttributeBit,
  AttributeIterator,
  type AttributeView,
  attributeError,
  MAXIMUM_DEPTH,
} from '../wire/attribute.ts'
import { align4, type Memory } from '../wire/memory.ts'
import { readText } from '../wire/text.ts'
import {
  type Attribute,
  type AttributeSet,
  type AttributeValues,
  type BodyFormat,
  FIXED_HEADER,
  NO_SELECTORS,
  payloadBounds,
  type Selectors,
  type SettledAttribute,
  selectedSubMessage,
  subMessageFormat,
  type TypeValueFormat,
  type UnknownAttribute,
} from './format.ts'
import { setIndices } from './indices.ts'
import { readInteger, readVariable } from './integer.ts'
import { readStruct } from './struct.ts'

/**
 * Reads the attributes in a region into owned values. If an attribute is repeated, the last one wins, as in the kernel.
 * The flag NLA_F_NET_BYTEORDER is honoured: the number is then in network order, regardless of the table. Throws
 * `DecodeError` that names the attribute.
 */
export function readAttributes<Set extends AttributeSet>(
  set: Set,
  memory: Memory,
  offset: number,
  length: number,
  depth = 0,
  outer: Selectors = NO_SELECTORS,
): AttributeValues<Set> {
  if (depth > MAXIMUM_DEPTH)
    throw new DecodeError('NESTED_DEPTH', set.name, { offset, need: MAXIMUM_DEPTH, have: depth })
  const values: Record<string, unknown> = {}
  const unknown: UnknownAttribute[] = []
  const selectors = readSelectors(set, memory, offset, length, outer)
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  const { view } = iterator
  while (iterator.next()) {
    const name = set.names[view.type]
    const attribute = name === undefined ? undefined : settled(set.members[name] as Attribute, selectors)
    if (name === undefined || attribute === undefined) {
      unknown.push({ type: view.type, bits: view.bits, payload: view.payload() })
    } else {
      const value = readValue(attribute, view, depth, selectors)
      if (attribute.format.kind === 'multi') append(values, name, value)
      else if (attribute.format.kind !== 'padding') values[name] = value
    }
  }
  if (iterator.problem !== undefined) {
    throw attributeError(iterator.problem, set.name, memory, iterator.position, offset + length - iterator.position)
  }
  if (unknown.length > 0) values.unknown = unknown
  return values as AttributeValues<Set>
}

function append(values: Record<string, unknown>, name: string, value: unknown): void {
  const before = values[name]
  if (Array.isArray(before)) before.push(value)
  else values[name] = [value]
}

/** The selectors among the attributes in a region and those around it; of a set without selectors, the latter. */
export function readSelectors(
  set: AttributeSet,
  memory: Memory,
  offset: number,
  length: number,
  outer: Selectors = NO_SELECTORS,
): Selectors {
  const { selectors } = set
  if (selectors === undefined) return outer
  const found = outer === NO_SELECTORS ? new Map<string, string>() : new Map(outer)
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  const { view } = iterator
  while (iterator.next()) {
    const name = selectors.get(view.type)
    const value = name === undefined ? undefined : readSelector(set.members[name] as Attribute, view)
    if (name !== undefined && value !== undefined) found.set(name, value)
  }
  return found
}

function readSelector({ format }: Attribute, { memory, bits, payloadOffset, payloadLength }: AttributeView) {
  if (format.kind !== 'integer') return readText(memory, payloadOffset, payloadLength)
  if (payloadLength !== format.size) return undefined
  return String(readInteger(format, memory, payloadOffset, (bits & AttributeBit.NetworkOrder) !== 0))
}

/** The attribute as the selectors settle it; a sub-message without a table is unknown. */
function settled(attribute: Attribute, selectors: Selectors): SettledAttribute | undefined {
  const { format } = attribute
  if (format.kind !== 'union') return attribute as SettledAttribute
  const chosen = selectedSubMessage(format, selectors.get(format.key))
  return chosen === undefined ? undefined : { ...attribute, format: subMessageFormat(chosen) }
}

function readValue(attribute: SettledAttribute, view: AttributeView, depth: number, selectors: Selectors): unknown {
  const { format } = attribute
  const { memory, payloadOffset: offset, payloadLength: length } = view
  const { minimum, maximum } = payloadBounds(format)
  if (length < minimum || length > maximum) throw sizeError(attribute, offset, length)
  const inNetworkOrder = (view.bits & AttributeBit.NetworkOrder) !== 0
  switch (format.kind) {
    case 'flag':
      return true
    case 'padding':
      return undefined
    case 'integer':
      return readInteger(format, memory, offset, inNetworkOrder)
    case 'variable':
      if (length !== 4 && length !== 8) throw sizeError(attribute, offset, length)
      return readVariable(format, memory, offset, length, inNetworkOrder)
    case 'text':
      return readText(memory, offset, length)
    case 'bytes':
      return memory.copy(offset, length)
    case 'array': {
      const { element } = format
      if (length % element.size !== 0) throw sizeError(attribute, offset, length)
      return Array.from({ length: length / element.size }, (_, index) =>
        readInteger(element, memory, offset + index * element.size, inNetworkOrder),
      )
    }
    case 'struct':
      return readStruct(format, memory, offset, length, inNetworkOrder)
    case 'nested':
      return readAttributes(format.set(), memory, offset, length, depth + 1, selectors)
    case 'body':
      return readBody(format, memory, offset, length, depth + 1, selectors)
    case 'multi':
      return readValue({ ...attribute, format: format.element }, view, depth, selectors)
    case 'list': {
      const set = format.element()
      return readEach(set.name, memory, offset, length, (element) =>
        readAttributes(set, memory, element.payloadOffset, element.payloadLength, depth + 1, selectors),
      )
    }
    case 'sequence': {
      const set = format.set()
      return readEach(set.name, memory, offset, length, (element) =>
        readAttributes(set, memory, element.offset, element.length, depth + 1, selectors),
      )
    }
    case 'indexed': {
      const element = { ...attribute, format: format.element }
      const indices: number[] = []
      const values = readEach(attribute.kernelName, memory, offset, length, (inner) => {
        indices.push(inner.type)
        return readNested(element, inner, depth, selectors)
      })
      return setIndices(values, indices)
    }
    case 'type-value':
      return readTypeValues(attribute, format, view, 0, {}, depth, selectors)
  }
}

function readNested(attribute: SettledAttribute, view: AttributeView, depth: number, selectors: Selectors): unknown {
  if (depth >= MAXIMUM_DEPTH) {
    throw new DecodeError('NESTED_DEPTH', attribute.kernelName, {
      offset: view.offset,
      need: MAXIMUM_DEPTH,
      have: depth + 1,
    })
  }
  return readValue(attribute, view, depth + 1, selectors)
}

/** A row for each innermost nest, with the types of the nests around it. */
function readTypeValues(
  attribute: Attribute,
  format: TypeValueFormat,
  { memory, payloadOffset, payloadLength }: AttributeView,
  level: number,
  types: Readonly<Record<string, number>>,
  depth: number,
  selectors: Selectors,
): unknown[] {
  const key = format.levels[level] as string
  const element: SettledAttribute = { ...attribute, format: format.element }
  return readEach(attribute.kernelName, memory, payloadOffset, payloadLength, (view) => {
    const row = { ...types, [key]: view.type }
    if (level + 1 < format.levels.length) {
      return readTypeValues(attribute, format, view, level + 1, row, depth, selectors)
    }
    return [{ ...row, value: readNested(element, view, depth + format.levels.length - 1, selectors) }]
  }).flat()
}

/** Reads a struct and the attributes that follow it. */
export function readBody(
  { header, set }: BodyFormat,
  memory: Memory,
  offset: number,
  length: number,
  depth = 0,
  selectors: Selectors = NO_SELECTORS,
): Record<string, unknown> {
  if (set === undefined) return { [FIXED_HEADER]: readStruct(header, memory, offset, length, false) }
  const fixed = Math.min(align4(header.size), length)
  const fields = readStruct(header, memory, offset, Math.min(header.size, length), false)
  return {
    [FIXED_HEADER]: fields,
    ...readAttributes(set, memory, offset + fixed, length - fixed, depth, selectors),
  }
}

/** The error for a payload of `have` bytes at `offset`, a length that the attribute's format does not allow. */
export function sizeError({ format, kernelName }: Attribute, offset: number, have: number): DecodeError {
  const { minimum, maximum } = payloadBounds(format)
  return new DecodeError('ATTRIBUTE_SIZE', kernelName, { offset, need: have < minimum ? minimum : maximum, have })
}

function readEach<Element>(
  name: string,
  memory: Memory,
  offset: number,
  length: number,
  read: (view: AttributeView) => Element,
): Element[] {
  const elements: Element[] = []
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  while (iterator.next()) elements.push(read(iterator.view))
  if (iterator.problem !== undefined) {
    throw attributeError(iterator.problem, name, memory, iterator.position, offset + length - iterator.position)
  }
  return elements
}
