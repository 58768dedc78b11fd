/** Attributes as nodes: described by their table or, without one, by their headers. */
import { match } from 'ts-pattern'
import { type Attribute, type AttributeSet, attributeByNumber, payloadBounds, selectedSet } from '../schema/format.ts'
import { AttributeBit, MAXIMUM_ATTRIBUTES } from '../wire/attribute.ts'
import { align4 } from '../wire/memory.ts'
import { decodeText, untilZero } from '../wire/text.ts'
import { type ByteOrder, integerLayout, structLayout } from './layout.ts'
import { malformed, part, problemNode, type Region, rest, type Source, takeBytes, takeNode } from './source.ts'
import type { AttributeNode, InspectNode } from './tree.ts'

/** The selectors in a region, as text, by member name. */
type Selectors = ReadonlyMap<string, string>

/** Nodes for the attributes in a region; `set` is their table, if there is one. */
export function attributeNodes(
  source: Source,
  set: AttributeSet | undefined,
  region: Region,
  depth: number,
): InspectNode[] {
  const { attributeHeader } = source.framing
  if (depth > source.maximumDepth) {
    return malformed(source, region, 'NESTED_DEPTH', `nested more than ${source.maximumDepth} levels deep`)
  }
  const nodes: InspectNode[] = []
  const selectors = readSelectors(source, set, region)
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
    format: attribute?.format.kind,
    ...attributeContent(source, attribute, type, payload, depth),
  }
}

function readSelectors(source: Source, set: AttributeSet | undefined, region: Region): Selectors {
  const found = new Map<string, string>()
  if (set?.selectors === undefined) return found
  const { attributeHeader } = source.framing
  for (let position = region.start; region.end - position >= attributeHeader.length; ) {
    const start = position + attributeHeader.length
    const { length, type } = attributeHeader.parse(part(source, { start: position, end: start }))
    const end = position + length
    if (length < attributeHeader.length || end > region.end) break
    const name = set.selectors.get(type & AttributeBit.TypeMask)
    if (name !== undefined) found.set(name, decodeText(untilZero(part(source, { start, end }))))
    position += align4(length)
  }
  return found
}

/** The description of an attribute, with its sub-message selected; `undefined` if the sub-message has no table. */
function settled(attribute: Attribute, selectors: Selectors): Attribute | undefined {
  const { format } = attribute
  if (format.kind !== 'union') return attribute
  const set = selectedSet(format, selectors.get(format.key))
  return set && { ...attribute, format: { kind: 'nested', set: () => set } }
}

interface Content {
  value?: true | number | bigint | string | Uint8Array
  children: InspectNode[]
}

function attributeContent(
  source: Source,
  attribute: Attribute | undefined,
  type: number,
  payload: Region,
  depth: number,
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
  return match(attribute.format)
    .with({ kind: 'flag' }, (): Content => ({ value: true, children: [] }))
    .with({ kind: 'integer' }, (format): Content => {
      return { value: integerLayout(format, order).parse(part(source, payload)).value, children: [] }
    })
    .with({ kind: 'text' }, (): Content => {
      return { value: decodeText(untilZero(takeBytes(source, payload))), children: [] }
    })
    .with({ kind: 'bytes' }, (): Content => ({ value: takeBytes(source, payload), children: [] }))
    .with({ kind: 'struct' }, ({ fields, size }): Content => {
      const values = structLayout(fields, size, order).parse(part(source, payload))
      const children = fields.flatMap(({ name, offset, format }): InspectNode[] => {
        const value = name === undefined ? undefined : values[name]
        if (name === undefined || value === undefined) return []
        const length = format.kind === 'bytes' ? format.maximum : format.size
        return [{ kind: 'field', name, offset: payload.start + offset, length, value }]
      })
      const further = { start: payload.start + size, end: payload.end }
      return { children: [...children, ...rest(source, 'further bytes', further)] }
    })
    .with({ kind: 'nested' }, { kind: 'sequence' }, ({ set }): Content => {
      return { children: attributeNodes(source, set(), payload, depth + 1) }
    })
    .with({ kind: 'list' }, ({ element }): Content => {
      return { children: listNodes(source, element(), payload, depth + 1) }
    })
    .with({ kind: 'union' }, (): Content => ({ children: rest(source, 'payload', payload) }))
    .exhaustive()
}

/** The elements of a list: attributes whose numbers mean nothing, each with the attributes of `set` in it. */
function listNodes(source: Source, set: AttributeSet, payload: Region, depth: number): InspectNode[] {
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
    const inner = { start: position + attributeHeader.length, end: position + length }
    nodes.push({
      kind: 'attribute',
      name: `element ${nodes.length}`,
      member: undefined,
      number: type & AttributeBit.TypeMask,
      bits: type & ~AttributeBit.TypeMask,
      offset: position,
      length,
      format: 'nested',
      children: attributeNodes(source, set, inner, depth),
    })
    position += align4(length)
  }
  return nodes
}
