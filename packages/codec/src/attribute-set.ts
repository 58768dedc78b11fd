/**
 * The description of an attribute set: one table says of each attribute its number, name, type, byte order, nesting and
 * bounds, and everything else (typed reading and writing, checks, names in errors and extended acks, the arbitraries of
 * `@ringlink/codec/arbitrary`, the inspector) is derived from it. A new attribute is one line of a table.
 *
 * Tables are for messages that are rare; the ones that are not have a view of their own, which a test holds to its table.
 */
import {
  ATTRIBUTE_HEADER_LENGTH,
  AttributeBit,
  AttributeIterator,
  type AttributeView,
  type AttributeWriter,
  attributeError,
  MAXIMUM_ATTRIBUTE_LENGTH,
  MAXIMUM_DEPTH,
} from './attribute.ts'
import { hostIsLittleEndian } from './endian.ts'
import { DecodeError, EncodeError } from './errors.ts'
import type { Memory } from './memory.ts'

/** The longest payload of an attribute, in bytes. */
export const MAXIMUM_PAYLOAD = MAXIMUM_ATTRIBUTE_LENGTH - ATTRIBUTE_HEADER_LENGTH

/** How a payload is laid out. `order` is the byte order on the wire. */
export type AttributeFormat =
  | { readonly kind: 'flag' }
  | IntegerFormat
  | { readonly kind: 'text'; readonly maximum: number }
  | { readonly kind: 'bytes'; readonly minimum: number; readonly maximum: number }
  | { readonly kind: 'struct'; readonly fields: readonly StructField[]; readonly size: number }
  | { readonly kind: 'nested'; readonly set: () => AttributeSet }
  | { readonly kind: 'list'; readonly element: () => AttributeSet }

export interface IntegerFormat {
  readonly kind: 'integer'
  readonly size: 1 | 2 | 4 | 8
  readonly order: 'network' | 'host'
  readonly signed: boolean
}

/** A field of a struct payload; one without a name is padding. */
export interface StructField {
  readonly name: string | undefined
  readonly offset: number
  readonly format: IntegerFormat | { readonly kind: 'bytes'; readonly minimum: number; readonly maximum: number }
}

/** One attribute of a set. `Value` is what reading gives and writing takes; it exists only for the type checker. */
export interface Attribute<out Value = unknown> {
  readonly number: number
  /** the name in the uapi header */
  readonly kernelName: string
  readonly format: AttributeFormat
  readonly valueType?: Value
}

/** An attribute set; made by {@link attributeSet}. */
export interface AttributeSet<
  Members extends Readonly<Record<string, Attribute>> = Readonly<Record<string, Attribute>>,
> {
  /** the common prefix of the kernel's names */
  readonly name: string
  readonly members: Members
  /** the name of member `number`, at index `number` */
  readonly names: readonly (string | undefined)[]
}

/** The values of a set's attributes; those that are not there are `undefined`, and 0 is a value. */
export type AttributeValues<Set extends AttributeSet> = {
  -readonly [Name in keyof Set['members']]?: AttributeValue<Set['members'][Name]> | undefined
} & {
  /** attributes that the table does not know, in wire order */
  unknown?: UnknownAttribute[] | undefined
}

/** The value of one attribute. */
export type AttributeValue<A> = A extends Attribute<infer Value> ? Value : never

/** An attribute without a description. */
export interface UnknownAttribute {
  type: number
  /** the flag bits of `nla_type` */
  bits: number
  payload: Uint8Array
}

/** Makes a set of its members. Two members with one number are refused, and a member called `unknown`. */
export function attributeSet<const Members extends Readonly<Record<string, Attribute>>>(
  name: string,
  members: Members,
): AttributeSet<Members> {
  if ('unknown' in members) throw new TypeError(`${name}: "unknown" is where attributes without a description go`)
  const names: (string | undefined)[] = []
  for (const [member, { number }] of Object.entries(members)) {
    if (names[number] !== undefined) throw new TypeError(`${name}: ${member} and ${names[number]} are both ${number}`)
    names[number] = member
  }
  return { name, members, names }
}

/** Present or not, without payload (`NLA_FLAG`). */
export function flag(number: number, kernelName: string): Attribute<true> {
  return { number, kernelName, format: { kind: 'flag' } }
}

const integer = (size: 1 | 2 | 4 | 8, order: 'network' | 'host', signed = false): IntegerFormat => ({
  kind: 'integer',
  size,
  order,
  signed,
})
const formats = {
  u8: integer(1, 'host'),
  u16: integer(2, 'host'),
  u32: integer(4, 'host'),
  u64: integer(8, 'host'),
  s32: integer(4, 'host', true),
  s64: integer(8, 'host', true),
  be16: integer(2, 'network'),
  be32: integer(4, 'network'),
  be64: integer(8, 'network'),
} as const

/** One byte. */
export function u8(number: number, kernelName: string): Attribute<number> {
  return { number, kernelName, format: formats.u8 }
}
/** Two bytes in host order. */
export function u16(number: number, kernelName: string): Attribute<number> {
  return { number, kernelName, format: formats.u16 }
}
/** Four bytes in host order. */
export function u32(number: number, kernelName: string): Attribute<number> {
  return { number, kernelName, format: formats.u32 }
}
/** Four bytes in host order, signed. */
export function s32(number: number, kernelName: string): Attribute<number> {
  return { number, kernelName, format: formats.s32 }
}
/** Eight bytes in host order. */
export function u64(number: number, kernelName: string): Attribute<bigint> {
  return { number, kernelName, format: formats.u64 }
}
/** Eight bytes in host order, signed. */
export function s64(number: number, kernelName: string): Attribute<bigint> {
  return { number, kernelName, format: formats.s64 }
}
/** Two bytes in network order. */
export function be16(number: number, kernelName: string): Attribute<number> {
  return { number, kernelName, format: formats.be16 }
}
/** Four bytes in network order. */
export function be32(number: number, kernelName: string): Attribute<number> {
  return { number, kernelName, format: formats.be32 }
}
/** Eight bytes in network order. */
export function be64(number: number, kernelName: string): Attribute<bigint> {
  return { number, kernelName, format: formats.be64 }
}
/** UTF-8 text of up to `maximum` bytes, ended by a zero byte on the wire; one that is missing is tolerated in reading. */
export function text(number: number, kernelName: string, maximum: number): Attribute<string> {
  return { number, kernelName, format: { kind: 'text', maximum } }
}
/** Bytes, from `minimum` to `maximum` of them. */
export function bytes(
  number: number,
  kernelName: string,
  minimum = 0,
  maximum: number = MAXIMUM_PAYLOAD,
): Attribute<Uint8Array> {
  return { number, kernelName, format: { kind: 'bytes', minimum, maximum } }
}

/** The type of a struct's field: an integer, or a number of bytes. */
export type FieldType = keyof typeof formats | number
type FieldValue<Type extends FieldType> = Type extends number
  ? Uint8Array
  : Type extends 'u64' | 's64' | 'be64'
    ? bigint
    : number
/** The values of a struct's fields; those whose names begin with `pad` are not among them. */
export type StructValue<Fields extends Readonly<Record<string, FieldType>>> = {
  -readonly [Name in keyof Fields as Name extends `pad${string}` ? never : Name]: FieldValue<Fields[Name]>
}

/** A packed C struct: its fields in order. Fields named `pad…` are written as zero and not read. */
export function struct<const Fields extends Readonly<Record<string, FieldType>>>(
  number: number,
  kernelName: string,
  fields: Fields,
): Attribute<StructValue<Fields>> {
  let offset = 0
  const layout = Object.entries(fields).map(([name, type]): StructField => {
    const format = typeof type === 'number' ? ({ kind: 'bytes', minimum: type, maximum: type } as const) : formats[type]
    const field = { name: name.startsWith('pad') ? undefined : name, offset, format }
    offset += typeof type === 'number' ? type : formats[type].size
    return field
  })
  return { number, kernelName, format: { kind: 'struct', fields: layout, size: offset } }
}

/** Attributes of another set (`NLA_NESTED`). */
export function nested<Set extends AttributeSet>(
  number: number,
  kernelName: string,
  set: Set,
): Attribute<AttributeValues<Set>> {
  return { number, kernelName, format: { kind: 'nested', set: () => set } }
}

/** Elements one behind the other, each nested attributes of one set; their types (1, or a running number) are not kept. */
export function list<Set extends AttributeSet>(
  number: number,
  kernelName: string,
  element: Set,
): Attribute<AttributeValues<Set>[]> {
  return { number, kernelName, format: { kind: 'list', element: () => element } }
}

/** The smallest and largest payload of a format, in bytes. */
export function payloadBounds(format: AttributeFormat): { minimum: number; maximum: number } {
  switch (format.kind) {
    case 'flag':
      return { minimum: 0, maximum: 0 }
    case 'integer':
    case 'struct':
      // The kernel may append fields to a struct, and pads some: what is longer than known is read as far as known.
      return { minimum: format.size, maximum: format.kind === 'struct' ? MAXIMUM_PAYLOAD : format.size }
    case 'text':
      return { minimum: 0, maximum: format.maximum + 1 }
    case 'bytes':
      return { minimum: format.minimum, maximum: format.maximum }
    case 'nested':
    case 'list':
      return { minimum: 0, maximum: MAXIMUM_PAYLOAD }
  }
}

/**
 * Reads the attributes in a region into owned values. Of an attribute that is there twice the last counts, as in the
 * kernel. Throws `DecodeError` that names the attribute.
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
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  const { view } = iterator
  while (iterator.next()) {
    const name = set.names[view.type]
    if (name === undefined) unknown.push({ type: view.type, bits: view.bits, payload: view.payload() })
    else values[name] = readValue(set.members[name] as Attribute, memory, view.payloadOffset, view.payloadLength, depth)
  }
  if (iterator.problem !== undefined) {
    throw attributeError(iterator.problem, set.name, memory, iterator.position, offset + length - iterator.position)
  }
  if (unknown.length > 0) values.unknown = unknown
  return values as AttributeValues<Set>
}

function readValue(attribute: Attribute, memory: Memory, offset: number, length: number, depth: number): unknown {
  const { format } = attribute
  const { minimum, maximum } = payloadBounds(format)
  if (length < minimum || length > maximum) throw sizeError(attribute, offset, length)
  switch (format.kind) {
    case 'flag':
      return true
    case 'integer':
      return readInteger(format, memory, offset)
    case 'text':
      return readText(memory, offset, length)
    case 'bytes':
      return memory.copy(offset, length)
    case 'struct':
      return readStruct(format.fields, memory, offset)
    case 'nested':
      return readAttributes(format.set(), memory, offset, length, depth + 1)
    case 'list':
      return readList(format.element(), memory, offset, length, depth + 1)
  }
}

/** The error for a payload of `have` bytes at `offset`, which is not what the attribute's format allows. */
export function sizeError({ format, kernelName }: Attribute, offset: number, have: number): DecodeError {
  const { minimum, maximum } = payloadBounds(format)
  return new DecodeError('ATTRIBUTE_SIZE', kernelName, { offset, need: have < minimum ? minimum : maximum, have })
}

function readInteger(format: IntegerFormat, memory: Memory, offset: number): number | bigint {
  const little = format.order === 'host' && hostIsLittleEndian
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

// A byte order mark is text like any other.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** Reads text up to its zero byte, or all of it where there is none. */
export function readText(memory: Memory, offset: number, length: number): string {
  const payload = memory.copy(offset, length)
  const end = payload.indexOf(0)
  return decoder.decode(end < 0 ? payload : payload.subarray(0, end))
}

function readStruct(fields: readonly StructField[], memory: Memory, offset: number): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const { name, offset: start, format } of fields) {
    if (name === undefined) continue
    value[name] =
      format.kind === 'bytes'
        ? memory.copy(offset + start, format.maximum)
        : readInteger(format, memory, offset + start)
  }
  return value
}

function readList(set: AttributeSet, memory: Memory, offset: number, length: number, depth: number): unknown[] {
  const elements: unknown[] = []
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  while (iterator.next()) {
    elements.push(readAttributes(set, memory, iterator.view.payloadOffset, iterator.view.payloadLength, depth))
  }
  if (iterator.problem !== undefined) {
    throw attributeError(iterator.problem, set.name, memory, iterator.position, offset + length - iterator.position)
  }
  return elements
}

/**
 * Writes the values that are there, in the order of the object's own keys (which is what a reader sees, and what re-encodes
 * what was read byte for byte), then the unknown ones. Throws `EncodeError` that names the attribute.
 */
export function writeAttributes<Set extends AttributeSet>(
  writer: AttributeWriter,
  set: Set,
  values: AttributeValues<Set>,
  depth = 0,
): void {
  if (depth > MAXIMUM_DEPTH) throw outOfRange(set.name, `${depth}`, `nesting of up to ${MAXIMUM_DEPTH}`)
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || name === 'unknown') continue
    const attribute = Object.hasOwn(set.members, name) ? set.members[name] : undefined
    if (attribute === undefined) throw new EncodeError('ATTRIBUTE_UNKNOWN', `${set.name} has no attribute "${name}"`)
    writeValue(writer, attribute, value, depth)
  }
  for (const { type, bits, payload } of values.unknown ?? []) {
    const what = `attribute of ${set.name}`
    if ((type & AttributeBit.TypeMask) !== type) throw outOfRange(what, `type ${type}`, 'a type from 0 to 16383')
    if ((bits & 0xffff & ~AttributeBit.TypeMask) !== bits)
      throw outOfRange(what, `bits ${bits}`, 'bits of AttributeBit')
    writer.bytes(type | bits, expectBytes(payload, what, 0, MAXIMUM_PAYLOAD))
  }
}

function writeValue(writer: AttributeWriter, attribute: Attribute, value: unknown, depth: number): void {
  const { number, format, kernelName } = attribute
  switch (format.kind) {
    case 'flag':
      if (value !== true) throw outOfRange(kernelName, String(value), 'true, or to leave it out,')
      writer.reserve(number, 0)
      return
    case 'integer': {
      const offset = writer.reserve(number, format.size)
      writeInteger(format, writer.memory, offset, value, kernelName)
      return
    }
    case 'text': {
      const payload = encoder.encode(expectType(value, 'string', kernelName))
      if (payload.length > format.maximum)
        throw outOfRange(kernelName, `${payload.length} bytes`, `up to ${format.maximum} bytes`)
      if (payload.includes(0)) throw outOfRange(kernelName, 'one', 'text without a zero character')
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
      const offset = writer.reserve(number, format.size)
      writer.memory.u8.fill(0, offset, offset + format.size)
      const fields = expectType(value, 'object', kernelName) as Record<string, unknown>
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
      if (!Array.isArray(value)) throw outOfRange(kernelName, String(value), 'an array')
      const start = writer.beginNest(number)
      for (const element of value as AttributeValues<AttributeSet>[]) {
        const item = writer.beginNest(LIST_ELEMENT)
        writeAttributes(writer, format.element(), element, depth + 1)
        writer.endNest(item)
      }
      writer.endNest(start)
      return
    }
  }
}

/** The type that elements of a list are written with: `NFTA_LIST_ELEM`. */
const LIST_ELEMENT = 1

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
    if (fitting !== wide) throw outOfRange(what, String(wide), format.signed ? '-2^63 to 2^63 - 1' : '0 to 2^64 - 1')
    memory.data.setBigUint64(offset, wide, little)
    return
  }
  const number = expectType(value, 'number', what) as number
  const bits = format.size * 8
  const minimum = format.signed ? -(2 ** (bits - 1)) : 0
  const maximum = format.signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1
  if (!Number.isInteger(number) || number < minimum || number > maximum) {
    throw outOfRange(what, String(number), `a whole number from ${minimum} to ${maximum}`)
  }
  if (format.size === 1) memory.u8[offset] = number
  else if (format.size === 2) memory.data.setUint16(offset, number, little)
  else memory.data.setUint32(offset, number, little)
}

function expectType(value: unknown, type: 'string', what: string): string
function expectType(value: unknown, type: 'number' | 'bigint' | 'object', what: string): unknown
function expectType(value: unknown, type: string, what: string): unknown {
  if (typeof value !== type || value === null) throw outOfRange(what, String(value), `a ${type}`)
  return value
}

function expectBytes(value: unknown, what: string, minimum: number, maximum: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw outOfRange(what, String(value), 'a Uint8Array')
  if (value.length < minimum || value.length > maximum) {
    throw outOfRange(what, `${value.length} bytes`, `${minimum} to ${maximum} bytes`)
  }
  return value
}

function outOfRange(what: string, got: string, want: string): EncodeError {
  return new EncodeError('VALUE_RANGE', `${what}: ${want} wanted, not ${got}`)
}

/**
 * The kernel's names of the attributes around byte `at` of the memory, outermost first: what an extended ack's offset
 * points at. Empty when no attribute lies there; an attribute that the table does not know is given by number.
 */
export function attributePath(set: AttributeSet, memory: Memory, offset: number, length: number, at: number): string[] {
  const path: string[] = []
  let inner: AttributeSet | undefined = set
  let start = offset
  let end = offset + length
  while (inner !== undefined && path.length <= MAXIMUM_DEPTH) {
    const view = attributeAround(memory, start, end - start, at)
    if (view === undefined) break
    const attribute = attributeByNumber(inner, view.type)
    path.push(attribute?.kernelName ?? `${inner.name} attribute ${view.type}`)
    start = view.payloadOffset
    end = start + view.payloadLength
    let { format } = attribute ?? {}
    if (format?.kind === 'list') {
      const element = attributeAround(memory, start, end - start, at)
      if (element === undefined) break
      start = element.payloadOffset
      end = start + element.payloadLength
      format = { kind: 'nested', set: format.element }
    }
    inner = format?.kind === 'nested' ? format.set() : undefined
  }
  return path
}

function attributeAround(memory: Memory, offset: number, length: number, at: number): AttributeView | undefined {
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  const { view } = iterator
  while (iterator.next()) if (at >= view.offset && at < view.payloadOffset + view.payloadLength) return view
  return undefined
}

/** The description of attribute `number`, if the set has it. */
export function attributeByNumber(set: AttributeSet, number: number): Attribute | undefined {
  const name = set.names[number]
  return name === undefined ? undefined : set.members[name]
}
