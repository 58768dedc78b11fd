/** Attributes as nodes: by their table, or as far as they tell themselves. */
import { match } from 'ts-pattern'
import {
  type Attribute,
  type AttributeSet,
  attributeByNumber,
  type IntegerFormat,
  NO_SELECTORS,
  payloadBounds,
  type Selectors,
  type SettledAttribute,
  type SingleFormat,
  type StructFormat,
  selectedSubMessage,
  subMessageFormat,
} from '../schema/format.ts'
import { constantNames } from '../schema/names.ts'
import { AttributeBit, MAXIMUM_ATTRIBUTES } from '../wire/attribute.ts'
import { align4 } from '../wire/memory.ts'
import { decodeText, untilZero } from '../wire/text.ts'
import { type ByteOrder, integerLayout } from './layout.ts'
import { malformed, part, problemNode, type Region, rest, type Source, takeBytes, takeNode } from './source.ts'
import { structNodes } from './structs.ts'
import type { AttributeNode, InspectNode } from './tree.ts'

/** The attributes in a region; `set` is their table, if there is one. */
export function attributeNodes(
  source: Source,
  set: AttributeSet | undefined,
  region: Region,
  depth: number,
  outer: Selectors = NO_SELECTORS,
): InspectNode[] {
  const { attributeHeader } = source.framing
  if (depth > source.maximumDepth) {
    return malformed(source, region, 'NESTED_DEPTH', `nested more than ${source.maximumDepth} levels deep`)
  }
  const nodes: InspectNode[] = []
  const selectors = readSelectors(source, set, region, outer)
  let position = region.start
  while (position < region.end) {
    const left = { start: position, end: region.end }
    const have = region.end - position
    if (nodes.length >= MAXIMUM_ATTRIBUTES) {
      nodes.push(...malformed(source, left, 'ATTRIBUTE_COUNT', `more than ${MAXIMUM_ATTRIBUTES} attributes`))
      break
    }
    if (have < attributeHeader.length) {
      nodes.push(...malformed(source, left, 'SHORT_HEADER', `an attribute header has 4 bytes, ${have} are left`))
      break
    }
    const { length, type } = attributeHeader.parse(
      part(source, { start: position, end: position + attributeHeader.length }),
    )
    if (length < attributeHeader.length || length > have) {
      const text = `an attribute of ${length} bytes where ${have} are left`
      nodes.push(...malformed(source, left, 'ATTRIBUTE_LENGTH', text))
      break
    }
    if (!takeNode(source)) break
    const payload = { start: position + attributeHeader.length, end: position + length }
    nodes.push(attributeNode(source, set, selectors, type, payload, depth))
    position += align4(length)
  }
  return nodes
}

/**
 * Whether a region holds only well-formed attributes, at least one. Finds where they begin after a header of unknown
 * length.
 */
export function holdsAttributes(source: Source, region: Region): boolean {
  const { attributeHeader } = source.framing
  let position = region.start
  while (position < region.end) {
    const have = region.end - position
    if (have < attributeHeader.length) return false
    const { length } = attributeHeader.parse(part(source, { start: position, end: position + attributeHeader.length }))
    if (length < attributeHeader.length || length > have) return false
    position += align4(length)
  }
  return position > region.start
}

function attributeNode(
  source: Source,
  set: AttributeSet | undefined,
  selectors: Selectors,
  type: number,
  payload: Region,
  depth: number,
): AttributeNode {
  const number = type & AttributeBit.TypeMask
  const described = set && attributeByNumber(set, number)
  const attribute = described && settled(described, selectors)
  const header = source.framing.attributeHeader.length
  return {
    kind: 'attribute',
    name: described?.kernelName ?? `attribute ${number}`,
    member: attribute && set?.names[number],
    number,
    bits: type & ~AttributeBit.TypeMask,
    offset: payload.start - header,
    length: payload.end - payload.start + header,
    format: attribute && shownFormat(attribute).kind,
    ...attributeContent(source, attribute, type, payload, depth, selectors),
  }
}

function readSelectors(source: Source, set: AttributeSet | undefined, region: Region, outer: Selectors): Selectors {
  if (set?.selectors === undefined) return outer
  const found = new Map(outer)
  const { attributeHeader, order } = source.framing
  for (let position = region.start; region.end - position >= attributeHeader.length; ) {
    const start = position + attributeHeader.length
    const { length, type } = attributeHeader.parse(part(source, { start: position, end: start }))
    const end = position + length
    if (length < attributeHeader.length || end > region.end) break
    const name = set.selectors.get(type & AttributeBit.TypeMask)
    if (name !== undefined) {
      const format = set.members[name]?.format
      if (format?.kind !== 'integer') found.set(name, decodeText(untilZero(part(source, { start, end }))))
      else if (end - start === format.size) {
        const isNetwork = (type & AttributeBit.NetworkOrder) !== 0
        const { value } = integerLayout(format, isNetwork ? 'big' : order).parse(part(source, { start, end }))
        found.set(name, String(value))
      }
    }
    position += align4(length)
  }
  return found
}

/** The attribute as the selectors settle it; nothing where a sub-message has no table. */
function settled(attribute: Attribute, selectors: Selectors): SettledAttribute | undefined {
  const { format } = attribute
  if (format.kind !== 'union') return attribute as SettledAttribute
  const chosen = selectedSubMessage(format, selectors.get(format.key))
  return chosen && { ...attribute, format: subMessageFormat(chosen) }
}

/** The format of one attribute of those that are repeated. */
function shownFormat({ format }: SettledAttribute): SingleFormat {
  return format.kind === 'multi' ? format.element : format
}

interface Content {
  value?: true | number | bigint | string | Uint8Array
  meaning?: string | undefined
  children: InspectNode[]
}

function attributeContent(
  source: Source,
  attribute: SettledAttribute | undefined,
  type: number,
  payload: Region,
  depth: number,
  selectors: Selectors,
): Content {
  const have = payload.end - payload.start
  if (attribute === undefined) {
    const isNested = (type & AttributeBit.Nested) !== 0
    return {
      children: isNested ? attributeNodes(source, undefined, payload, depth + 1) : rest(source, 'payload', payload),
    }
  }
  const { minimum, maximum } = payloadBounds(attribute.format)
  if (have < minimum || have > maximum) {
    const expected = minimum === maximum ? `${minimum}` : `${minimum} to ${maximum}`
    return { children: malformed(source, payload, 'ATTRIBUTE_SIZE', `${have} bytes where ${expected} belong`) }
  }
  const order: ByteOrder = (type & AttributeBit.NetworkOrder) !== 0 ? 'big' : source.framing.order
  const nestedNodes = (set: AttributeSet, region: Region) => attributeNodes(source, set, region, depth + 1, selectors)
  return match(shownFormat(attribute))
    .with({ kind: 'flag' }, (): Content => ({ value: true, children: [] }))
    .with({ kind: 'padding' }, (): Content => ({ children: rest(source, 'payload', payload) }))
    .with({ kind: 'integer' }, (format): Content => {
      const { value } = integerLayout(format, order).parse(part(source, payload))
      return { value, meaning: constantNames(format.constants, value), children: [] }
    })
    .with({ kind: 'variable' }, ({ signed, constants }): Content => {
      if (have !== 4 && have !== 8) {
        return { children: malformed(source, payload, 'ATTRIBUTE_SIZE', `${have} bytes where 4 or 8 belong`) }
      }
      const format: IntegerFormat = { kind: 'integer', size: have, order: 'host', signed }
      const { value } = integerLayout(format, order).parse(part(source, payload))
      return { value, meaning: constantNames(constants, value), children: [] }
    })
    .with({ kind: 'text' }, (): Content => {
      return { value: decodeText(untilZero(takeBytes(source, payload))), children: [] }
    })
    .with({ kind: 'bytes' }, (): Content => ({ value: takeBytes(source, payload), children: [] }))
    .with({ kind: 'array' }, ({ element }): Content => {
      const fields: StructFormat = { kind: 'struct', size: 0, fields: [restOf(element)] }
      return { children: structNodes(source, fields, payload, order) }
    })
    .with({ kind: 'struct' }, (format): Content => ({ children: structNodes(source, format, payload, order) }))
    .with({ kind: 'body' }, ({ header, set }): Content => {
      if (set === undefined) return { children: structNodes(source, header, payload, order) }
      const middle = Math.min(payload.start + header.size, payload.end)
      const start = Math.min(payload.start + align4(header.size), payload.end)
      const fields = structNodes(source, header, { start: payload.start, end: middle }, order)
      return { children: [...fields, ...nestedNodes(set, { start, end: payload.end })] }
    })
    .with({ kind: 'nested' }, { kind: 'sequence' }, ({ set }): Content => ({ children: nestedNodes(set(), payload) }))
    .with({ kind: 'list' }, ({ element }): Content => {
      return { children: elementNodes(source, { kind: 'nested', set: element }, 1, payload, depth + 1, selectors) }
    })
    .with({ kind: 'indexed' }, ({ element }): Content => {
      return { children: elementNodes(source, element, 1, payload, depth + 1, selectors) }
    })
    .with({ kind: 'type-value' }, ({ element, levels }): Content => {
      return { children: elementNodes(source, element, levels.length, payload, depth + 1, selectors) }
    })
    .exhaustive()
}

function restOf(element: IntegerFormat) {
  return { name: 'element', offset: 0, format: { kind: 'rest', element } } as const
}

/**
 * The elements of an array: attributes whose numbers are indices or values, each with what `element` says in it,
 * `levels` nests deep.
 */
function elementNodes(
  source: Source,
  element: SingleFormat,
  levels: number,
  payload: Region,
  depth: number,
  selectors: Selectors,
): InspectNode[] {
  const { attributeHeader } = source.framing
  if (depth > source.maximumDepth) {
    return malformed(source, payload, 'NESTED_DEPTH', `nested more than ${source.maximumDepth} levels deep`)
  }
  const nodes: InspectNode[] = []
  let position = payload.start
  while (position < payload.end && takeNode(source)) {
    const have = payload.end - position
    const header =
      have < attributeHeader.length
        ? undefined
        : attributeHeader.parse(part(source, { start: position, end: position + attributeHeader.length }))
    const isWhole = header !== undefined && header.length >= attributeHeader.length && header.length <= have
    if (!isWhole || nodes.length >= MAXIMUM_ATTRIBUTES) {
      // Its problems are those of any attribute.
      const left = { start: position, end: payload.end }
      if (isWhole)
        nodes.push(
          problemNode(position, 'ATTRIBUTE_COUNT', `more than ${MAXIMUM_ATTRIBUTES} attributes`),
          ...rest(source, 'not read', left),
        )
      else nodes.push(...attributeNodes(source, undefined, left, depth))
      break
    }
    const { length, type } = header
    const region = { start: position + attributeHeader.length, end: position + length }
    const number = type & AttributeBit.TypeMask
    const content =
      levels > 1
        ? { children: elementNodes(source, element, levels - 1, region, depth + 1, selectors) }
        : elementContent(source, element, type, region, depth, selectors)
    nodes.push({
      kind: 'attribute',
      name: `element ${nodes.length}`,
      member: undefined,
      number,
      bits: type & ~AttributeBit.TypeMask,
      offset: position,
      length,
      format: levels > 1 ? 'nested' : element.kind,
      ...content,
    })
    position += align4(length)
  }
  return nodes
}

/** What is in an element, which counts as one level of nesting. */
function elementContent(
  source: Source,
  element: SingleFormat,
  type: number,
  region: Region,
  depth: number,
  selectors: Selectors,
): Content {
  if (element.kind === 'nested') {
    return { children: attributeNodes(source, element.set(), region, depth, selectors) }
  }
  return attributeContent(source, { number: 0, kernelName: 'element', format: element }, type, region, depth, selectors)
}
