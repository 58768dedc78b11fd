import { EncodeError } from '../errors.ts'
import { escapeText } from '../text.ts'
import { checkInteger, outOfRange, shown } from '../value.ts'
import { AttributeBit, type AttributeWriter, MAXIMUM_DEPTH } from '../wire/attribute.ts'
import { encodeText } from '../wire/text.ts'
import { expectArray, expectBytes, expectObject, expectText } from './check.ts'
import {
  type AttributeSet,
  type AttributeValues,
  type BodyFormat,
  FIXED_HEADER,
  MAXIMUM_PAYLOAD,
  NO_SELECTORS,
  type Selectors,
  type SettledAttribute,
  selectedSubMessage,
  subMessageFormat,
  type TypeValueFormat,
  type UnknownAttribute,
} from './format.ts'
import type { Indexed } from './indices.ts'
import { variableSize, writeInteger, writeVariable } from './integer.ts'
import { structLength, writeStruct } from './struct.ts'
import { unknownMember } from './unknown-member.ts'

/**
 * Writes the values that are there, in the order of the object's own keys (which is what a reader sees, and what
 * re-encodes what was read byte for byte), then the unknown ones. Throws `EncodeError` that names the attribute.
 */
export function writeAttributes<Set extends AttributeSet>(
  writer: AttributeWriter,
  set: Set,
  values: AttributeValues<Set>,
  depth = 0,
  outer: Selectors = NO_SELECTORS,
): void {
  if (depth > MAXIMUM_DEPTH) throw outOfRange(set.name, `nested up to ${MAXIMUM_DEPTH} levels deep`, depth)
  const selectors = set.selecting === undefined ? outer : givenSelectors(set.selecting, values, outer)
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || name === 'unknown') continue
    writeValue(writer, settledMember(set, name, values, selectors), value, depth, selectors)
  }
  const unknown: unknown = values.unknown ?? []
  if (!Array.isArray(unknown)) throw outOfRange(`unknown attributes of ${set.name}`, 'an array', unknown)
  for (const { type, bits, payload } of unknown as UnknownAttribute[]) {
    const what = `attribute of ${set.name}`
    checkInteger(`type of an ${what}`, type, 0, AttributeBit.TypeMask)
    if ((bits & 0xffff & ~AttributeBit.TypeMask) !== bits)
      throw outOfRange(`bits of an ${what}`, 'bits of AttributeBit', bits)
    writer.bytes(type | bits, expectBytes(payload, what, 0, MAXIMUM_PAYLOAD))
  }
}

/** The selectors among the values of a set and those around it, for the nests of the set. */
function givenSelectors(
  names: readonly string[],
  values: Readonly<Record<string, unknown>>,
  outer: Selectors,
): Selectors {
  const found = new Map(outer)
  for (const name of names) {
    const selector = selectorText(values[name])
    if (selector !== undefined) found.set(name, selector)
  }
  return found
}

function selectorText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : undefined
}

/** A member of the set; a sub-message as the selectors settle it. Throws code `ATTRIBUTE_UNKNOWN`. */
function settledMember(
  set: AttributeSet,
  member: string,
  values: Readonly<Record<string, unknown>>,
  selectors: Selectors,
): SettledAttribute {
  const attribute = Object.hasOwn(set.members, member) ? set.members[member] : undefined
  if (attribute === undefined || attribute.format.kind === 'padding') {
    throw unknownMember(`${set.name} has no attribute`, member, Object.keys(set.members))
  }
  const { format, kernelName } = attribute
  if (format.kind !== 'union') return attribute as SettledAttribute
  const selector = format.outer === true ? selectors.get(format.key) : selectorText(values[format.key])
  const chosen = selectedSubMessage(format, selector)
  if (chosen === undefined) {
    const given = selector === undefined ? shown(values[format.key]) : escapeText(selector.slice(0, 80))
    const text = `${kernelName}: no table for ${format.key} ${given}; give its bytes as an unknown attribute`
    throw new EncodeError('ATTRIBUTE_UNKNOWN', text)
  }
  return { ...attribute, format: subMessageFormat(chosen) }
}

function writeValue(
  writer: AttributeWriter,
  attribute: SettledAttribute,
  value: unknown,
  depth: number,
  selectors: Selectors,
): void {
  const { format, kernelName } = attribute
  const number = attribute.isMarked === true ? attribute.number | AttributeBit.NetworkOrder : attribute.number
  switch (format.kind) {
    case 'flag':
      if (value !== true) throw outOfRange(kernelName, 'true, or left out', value)
      writer.reserve(number, 0)
      return
    case 'integer': {
      const offset = writer.reserve(number, format.size)
      writeInteger(format, writer.memory, offset, value, kernelName)
      return
    }
    case 'text': {
      const payload = encodeText(expectText(value, kernelName), kernelName)
      checkInteger(`bytes of ${kernelName}`, payload.length, 0, format.maximum)
      if (payload.includes(0)) throw outOfRange(kernelName, 'text without a zero character', value)
      writer.memory.u8[writer.reserve(number, payload.length + 1) + payload.length] = 0
      writer.memory.u8.set(payload, writer.unpaddedEnd - payload.length - 1)
      return
    }
    case 'bytes': {
      const payload = expectBytes(value, kernelName, format.minimum, format.maximum)
      writer.bytes(number, payload)
      return
    }
    case 'variable': {
      const size = variableSize(format, value, kernelName)
      writeVariable(format, writer.memory, writer.reserve(number, size), size, value as bigint)
      return
    }
    case 'array': {
      const { element } = format
      const values = expectArray(value, kernelName)
      const offset = writer.reserve(number, values.length * element.size)
      for (const [index, item] of values.entries()) {
        writeInteger(element, writer.memory, offset + index * element.size, item, kernelName)
      }
      return
    }
    case 'struct': {
      const fields = expectObject(value, kernelName)
      const offset = writer.reserve(number, structLength(format, fields, kernelName))
      writeStruct(format, writer.memory, offset, fields, kernelName)
      return
    }
    case 'nested': {
      const start = writer.beginNest(number)
      writeAttributes(writer, format.set(), expectObject(value, kernelName), depth + 1, selectors)
      writer.endNest(start)
      return
    }
    case 'body': {
      const body = expectObject(value, kernelName)
      if (format.set === undefined) {
        writeStructBody(writer, number, format, body, kernelName)
        return
      }
      const start = writer.beginNest(number)
      writeBody(writer, format, body, kernelName, depth + 1, selectors)
      writer.endNest(start)
      return
    }
    case 'multi': {
      const element = { ...attribute, format: format.element }
      for (const item of expectArray(value, kernelName)) writeValue(writer, element, item, depth, selectors)
      return
    }
    case 'list':
    case 'sequence': {
      const values = expectArray(value, kernelName)
      const start = writer.beginNest(number)
      for (const element of values) {
        if (format.kind === 'sequence') {
          writeAttributes(writer, format.set(), expectObject(element, kernelName), depth + 1, selectors)
        } else {
          const item = writer.beginNest(LIST_ELEMENT)
          writeAttributes(writer, format.element(), expectObject(element, kernelName), depth + 1, selectors)
          writer.endNest(item)
        }
      }
      writer.endNest(start)
      return
    }
    case 'indexed': {
      const values: Indexed<unknown> = expectArray(value, kernelName) as unknown[]
      const start = writer.beginNest(number)
      for (const [at, item] of values.entries()) {
        const index = checkInteger(`index of ${kernelName}`, values.indices?.[at] ?? at + 1, 0, AttributeBit.TypeMask)
        writeValue(writer, { ...attribute, number: index, format: format.element }, item, depth + 1, selectors)
      }
      writer.endNest(start)
      return
    }
    case 'type-value': {
      const start = writer.beginNest(number)
      for (const row of expectArray(value, kernelName)) writeTypeValue(writer, attribute, format, row, depth, selectors)
      writer.endNest(start)
      return
    }
    case 'padding':
      return
  }
}

/** The type that elements of a list are written with: `NFTA_LIST_ELEM`. */
const LIST_ELEMENT = 1

/** Nests of the types that a row names, and its value in the innermost. */
function writeTypeValue(
  writer: AttributeWriter,
  attribute: SettledAttribute,
  { levels, element }: TypeValueFormat,
  given: unknown,
  depth: number,
  selectors: Selectors,
): void {
  const row = expectObject(given, attribute.kernelName)
  const types = levels.map((level) =>
    checkInteger(`${level} of ${attribute.kernelName}`, row[level], 0, AttributeBit.TypeMask),
  )
  const starts = types.slice(0, -1).map((type) => writer.beginNest(type))
  const innermost = { ...attribute, number: types.at(-1) ?? 0, format: element }
  writeValue(writer, innermost, row.value, depth + levels.length, selectors)
  for (const start of starts.reverse()) writer.endNest(start)
}

/** A sub-message that is only a struct. */
function writeStructBody(
  writer: AttributeWriter,
  number: number,
  { header }: BodyFormat,
  { [FIXED_HEADER]: given, ...others }: Readonly<Record<string, unknown>>,
  kernelName: string,
): void {
  for (const name of Object.keys(others)) throw unknownMember(`${kernelName} has no attribute`, name, [FIXED_HEADER])
  const fields = expectObject(given, `header of ${kernelName}`)
  const offset = writer.reserve(number, structLength(header, fields, kernelName))
  writeStruct(header, writer.memory, offset, fields, kernelName)
}

/** Writes a struct and the attributes that follow it. Throws `EncodeError` that names what is wrong. */
export function writeBody(
  writer: AttributeWriter,
  { header, set }: BodyFormat,
  { [FIXED_HEADER]: given, ...attributes }: Readonly<Record<string, unknown>>,
  what: string,
  depth = 0,
  selectors: Selectors = NO_SELECTORS,
): void {
  const fields = expectObject(given, `header of ${what}`)
  const length = structLength(header, fields, what)
  if (length !== header.size) throw outOfRange(`header of ${what}`, `of ${header.size} bytes`, length)
  writeStruct(header, writer.memory, writer.skip(length), fields, what)
  if (set !== undefined) writeAttributes(writer, set, attributes, depth, selectors)
}
