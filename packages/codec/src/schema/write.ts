import { EncodeError } from '../errors.ts'
import { escapeText } from '../text.ts'
import { checkInteger, outOfRange, shown } from '../value.ts'
import { AttributeBit, type AttributeWriter, MAXIMUM_DEPTH } from '../wire/attribute.ts'
import { hostIsLittleEndian } from '../wire/endian.ts'
import type { Memory } from '../wire/memory.ts'
import { encodeText } from '../wire/text.ts'
import {
  type Attribute,
  type AttributeFormat,
  type AttributeSet,
  type AttributeValues,
  type IntegerFormat,
  MAXIMUM_PAYLOAD,
  STRUCT_TAIL,
  type StructField,
  type StructFormat,
  selectedSet,
  type UnionFormat,
  type UnknownAttribute,
} from './format.ts'

/**
 * Writes the values that are present, in the order of the object's own keys, so that a value that was read is encoded
 * byte for byte again; then the unknown ones. Throws `EncodeError` that names the attribute.
 */
export function writeAttributes<Set extends AttributeSet>(
  writer: AttributeWriter,
  set: Set,
  values: AttributeValues<Set>,
  depth = 0,
): void {
  if (depth > MAXIMUM_DEPTH) throw outOfRange(set.name, `nested up to ${MAXIMUM_DEPTH} levels deep`, depth)
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || name === 'unknown') continue
    writeValue(writer, settledMember(set, name, values), value, depth)
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

/** An attribute whose format does not depend on other attributes. */
interface SettledAttribute extends Attribute {
  readonly format: Exclude<AttributeFormat, UnionFormat>
}

/** A member of the set, with its sub-message selected by the values. Throws code `ATTRIBUTE_UNKNOWN`. */
function settledMember(set: AttributeSet, member: string, values: Readonly<Record<string, unknown>>): SettledAttribute {
  const attribute = Object.hasOwn(set.members, member) ? set.members[member] : undefined
  if (attribute === undefined) {
    throw new EncodeError('ATTRIBUTE_UNKNOWN', `${set.name} has no attribute "${escapeText(member)}"`)
  }
  const { format, kernelName } = attribute
  if (format.kind !== 'union') return attribute as SettledAttribute
  const selector = values[format.key]
  const name = typeof selector === 'string' ? selector : undefined
  const nested = selectedSet(format, name)
  if (nested === undefined) {
    const given = name === undefined ? shown(selector) : escapeText(name.slice(0, 80))
    const text = `${kernelName}: no table for ${format.key} ${given}; give its bytes as an unknown attribute`
    throw new EncodeError('ATTRIBUTE_UNKNOWN', text)
  }
  return { ...attribute, format: { kind: 'nested', set: () => nested } }
}

function writeValue(writer: AttributeWriter, attribute: SettledAttribute, value: unknown, depth: number): void {
  const { number, format, kernelName } = attribute
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
      const payload = encodeText(expectType(value, 'string', kernelName), kernelName)
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
    case 'struct': {
      const fields = expectType(value, 'object', kernelName) as Record<string, unknown>
      const tail = structTail(fields, format, kernelName)
      const offset = writer.reserve(number, format.size + tail.length)
      writer.memory.u8.fill(0, offset, offset + format.size)
      writer.memory.u8.set(tail, offset + format.size)
      for (const field of format.fields)
        if (field.name !== undefined) writeField(writer.memory, offset, field, fields, kernelName)
      return
    }
    case 'nested': {
      const start = writer.beginNest(number)
      writeAttributes(
        writer,
        format.set(),
        expectType(value, 'object', kernelName) as AttributeValues<AttributeSet>,
        depth + 1,
      )
      writer.endNest(start)
      return
    }
    case 'list': {
      if (!Array.isArray(value)) throw outOfRange(kernelName, 'an array', value)
      const start = writer.beginNest(number)
      for (const element of value as AttributeValues<AttributeSet>[]) {
        const item = writer.beginNest(LIST_ELEMENT)
        writeAttributes(writer, format.element(), element, depth + 1)
        writer.endNest(item)
      }
      writer.endNest(start)
      return
    }
    case 'sequence': {
      if (!Array.isArray(value)) throw outOfRange(kernelName, 'an array', value)
      const start = writer.beginNest(number)
      for (const element of value as AttributeValues<AttributeSet>[]) {
        writeAttributes(writer, format.set(), element, depth + 1)
      }
      writer.endNest(start)
      return
    }
  }
}

/** The type that elements of a list are written with: `NFTA_LIST_ELEM`. */
const LIST_ELEMENT = 1
const NO_BYTES = new Uint8Array(0)

/** The bytes after the known fields. */
function structTail(fields: Record<string, unknown>, { size }: StructFormat, kernelName: string): Uint8Array {
  const tail = fields[STRUCT_TAIL]
  return tail === undefined ? NO_BYTES : expectBytes(tail, `${kernelName}.${STRUCT_TAIL}`, 0, MAXIMUM_PAYLOAD - size)
}

function writeField(
  memory: Memory,
  offset: number,
  field: StructField,
  values: Record<string, unknown>,
  kernelName: string,
) {
  const what = `${kernelName}.${field.name}`
  const value = values[field.name as string]
  if (field.format.kind === 'bytes') {
    memory.u8.set(expectBytes(value, what, field.format.minimum, field.format.maximum), offset + field.offset)
  } else {
    writeInteger(field.format, memory, offset + field.offset, value, what)
  }
}

function writeInteger(format: IntegerFormat, memory: Memory, offset: number, value: unknown, what: string): void {
  const little = format.order === 'host' && hostIsLittleEndian
  if (format.size === 8) {
    const wide = expectType(value, 'bigint', what) as bigint
    const fitting = format.signed ? BigInt.asIntN(64, wide) : BigInt.asUintN(64, wide)
    if (fitting !== wide) throw outOfRange(what, format.signed ? '-2^63 to 2^63 - 1' : '0 to 2^64 - 1', wide)
    memory.data.setBigUint64(offset, wide, little)
    return
  }
  const bits = format.size * 8
  const minimum = format.signed ? -(2 ** (bits - 1)) : 0
  const maximum = format.signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1
  const number = checkInteger(what, value, minimum, maximum)
  if (format.size === 1) memory.u8[offset] = number
  else if (format.size === 2) memory.data.setUint16(offset, number, little)
  else memory.data.setUint32(offset, number, little)
}

function expectType(value: unknown, type: 'string', what: string): string
function expectType(value: unknown, type: 'bigint' | 'object', what: string): unknown
function expectType(value: unknown, type: string, what: string): unknown {
  if (typeof value !== type || value === null) throw outOfRange(what, `a ${type}`, value)
  return value
}

function expectBytes(value: unknown, what: string, minimum: number, maximum: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw outOfRange(what, 'a Uint8Array', value)
  checkInteger(`bytes of ${what}`, value.length, minimum, maximum)
  return value
}
