/**
 * The description of an attribute set: one table says of each attribute its number, name, type, byte order, nesting and
 * bounds, and everything else (typed reading and writing, checks, names in errors and extended acks, the arbitraries of
 * `@ringlink/codec/arbitrary`, the inspector) is derived from it. A new attribute is one line of a table.
 *
 * Tables are for messages that are rare; the ones that are not have a view of their own, which a test holds to its table.
 */

import { DecodeError, EncodeError } from '../errors.ts'
import {
  ATTRIBUTE_HEADER_LENGTH,
  AttributeBit,
  AttributeIterator,
  type AttributeView,
  type AttributeWriter,
  attributeError,
  MAXIMUM_ATTRIBUTE_LENGTH,
  MAXIMUM_DEPTH,
} from '../wire/attribute.ts'
import { hostIsLittleEndian } from '../wire/endian.ts'
import type { Memory } from '../wire/memory.ts'

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
  | { readonly kind: 'sequence'; readonly set: () => AttributeSet }
  | UnionFormat

/** Attributes of the set that member `key` of the same attributes, a text, names. */
export interface UnionFormat {
  readonly kind: 'union'
  readonly key: string
  readonly sets: Readonly<Record<string, AttributeSet>>
}

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
  /** of a set that has a union: what it is beside each of the key's values */
  readonly choice?: AttributeChoice | undefined
}

/** What a set with a union is, settled by the text of a key. */
export interface AttributeChoice {
  /** number of the key */
  readonly key: number
  /** its name */
  readonly keyName: string
  /** the union as the nest that it is under each name */
  readonly sets: ReadonlyMap<string, AttributeSet>
  /** under any other name: without the union */
  readonly other: AttributeSet
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

/**
 * Makes a set of its members, of which one may be a union. Refused are two members with one number, a member called
 * `unknown`, and a union whose key is no text of the set.
 */
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
  return { name, members, names, choice: choiceOf(name, members) }
}

function choiceOf(name: string, members: Readonly<Record<string, Attribute>>): AttributeChoice | undefined {
  const union = Object.entries(members).find(([, { format }]) => format.kind === 'union')
  if (union === undefined || union[1].format.kind !== 'union') return undefined
  const [member, { number, kernelName, format }] = union
  const { [member]: _, ...rest } = members
  const key = members[format.key]
  if (key?.format.kind !== 'text') throw new TypeError(`${name}: ${member} hangs on ${format.key}, which is no text`)
  const settled = Object.entries(format.sets).map(
    ([choice, set]) => [choice, attributeSet(name, { ...rest, [member]: nested(number, kernelName, set) })] as const,
  )
  return { key: key.number, keyName: format.key, sets: new Map(settled), other: attributeSet(name, rest) }
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
  sbe32: integer(4, 'network', true),
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
/** Four bytes in network order, signed. */
export function sbe32(number: number, kernelName: string): Attribute<number> {
  return { number, kernelName, format: formats.sbe32 }
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

/** Attributes of a set, of which each counts and their order matters: every element is the values of one attribute. */
export function sequence<Set extends AttributeSet>(
  number: number,
  kernelName: string,
  set: Set,
): Attribute<AttributeValues<Set>[]> {
  return { number, kernelName, format: { kind: 'sequence', set: () => set } }
}

/**
 * Attributes of one of several sets: the text of member `key` beside it is the name of the set. Where there is no set of
 * that name the attribute counts as unknown, in reading and in writing.
 */
export function union<const Sets extends Readonly<Record<string, AttributeSet>>>(
  number: number,
  kernelName: string,
  key: string,
  sets: Sets,
): Attribute<{ [Name in keyof Sets]: AttributeValues<Sets[Name]> }[keyof Sets]> {
  return { number, kernelName, format: { kind: 'union', key, sets } }
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
    case 'sequence':
    case 'union':
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
  const settled = settledIn(set, memory, offset, length)
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  const { view } = iterator
  while (iterator.next()) {
    const name = settled.names[view.type]
    if (name === undefined) unknown.push({ type: view.type, bits: view.bits, payload: view.payload() })
    else {
      const attribute = settled.members[name] as SettledAttribute
      values[name] = readValue(attribute, memory, view.payloadOffset, view.payloadLength, depth)
    }
  }
  if (iterator.problem !== undefined) {
    throw attributeError(iterator.problem, set.name, memory, iterator.position, offset + length - iterator.position)
  }
  if (unknown.length > 0) values.unknown = unknown
  return values as AttributeValues<Set>
}

/** An attribute whose format does not depend on what is beside it. */
interface SettledAttribute extends Attribute {
  readonly format: Exclude<AttributeFormat, UnionFormat>
}

/** The set as the key among the attributes in a region settles it. One without a union is what it is. */
function settledIn(set: AttributeSet, memory: Memory, offset: number, length: number): AttributeSet {
  const { choice } = set
  if (choice === undefined) return set
  const iterator = new AttributeIterator().wrap(memory, offset, length)
  const { view } = iterator
  let name: string | undefined
  while (iterator.next()) if (view.type === choice.key) name = readText(memory, view.payloadOffset, view.payloadLength)
  return (name === undefined ? undefined : choice.sets.get(name)) ?? choice.other
}

function readValue(
  attribute: SettledAttribute,
  memory: Memory,
  offset: number,
  length: number,
  depth: number,
): unknown {
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
    case 'sequence':
      return readSequence(format.set(), memory, offset, length, depth + 1)
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
  const settled = settledBeside(set, values)
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || name === 'unknown') continue
    const attribute = Object.hasOwn(settled.members, name) ? settled.members[name] : undefined
    if (attribute === undefined) throw memberUnknown(set, name, values)
    writeValue(writer, attribute as SettledAttribute, value, depth)
  }
  for (const { type, bits, payload } of values.unknown ?? []) {
    const what = `attribute of ${set.name}`
    if ((type & AttributeBit.TypeMask) !== type) throw outOfRange(what, `type ${type}`, 'a type from 0 to 16383')
    if ((bits & 0xffff & ~AttributeBit.TypeMask) !== bits)
      throw outOfRange(what, `bits ${bits}`, 'bits of AttributeBit')
    writer.bytes(type | bits, expectBytes(payload, what, 0, MAXIMUM_PAYLOAD))
  }
}

/** The set as the key among the values settles it. */
function settledBeside(set: AttributeSet, values: Readonly<Record<string, unknown>>): AttributeSet {
  const { choice } = set
  if (choice === undefined) return set
  const name = values[choice.keyName]
  return (typeof name === 'string' ? choice.sets.get(name) : undefined) ?? choice.other
}

function memberUnknown(set: AttributeSet, name: string, values: Readonly<Record<string, unknown>>): EncodeError {
  const { choice } = set
  if (choice === undefined || !Object.hasOwn(set.members, name))
    return new EncodeError('ATTRIBUTE_UNKNOWN', `${set.name} has no attribute "${name}"`)
  const key = `${choice.keyName} ${String(values[choice.keyName])}`
  const advice = 'give its bytes as an unknown attribute'
  return new EncodeError('ATTRIBUTE_UNKNOWN', `${set.members[name]?.kernelName}: no table for ${key}; ${advice}`)
}

function writeValue(writer: AttributeWriter, attribute: SettledAttribute, value: unknown, depth: number): void {
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
    case 'sequence': {
      if (!Array.isArray(value)) throw outOfRange(kernelName, String(value), 'an array')
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
    path.push(attributeByNumber(inner, view.type)?.kernelName ?? `${inner.name} attribute ${view.type}`)
    const attribute = attributeByNumber(settledIn(inner, memory, start, end - start), view.type)
    start = view.payloadOffset
    end = start + view.payloadLength
    let format: AttributeFormat | undefined = attribute?.format
    if (format?.kind === 'list') {
      const element = attributeAround(memory, start, end - start, at)
      if (element === undefined) break
      start = element.payloadOffset
      end = start + element.payloadLength
      format = { kind: 'nested', set: format.element }
    }
    inner = format?.kind === 'nested' || format?.kind === 'sequence' ? format.set() : undefined
  }
  return path
}

/**
 * The set that the nest at byte `at` of the memory holds, of the nests within a region of `set`: whose attributes an extended ack
 * names by `NLMSGERR_ATTR_MISS_NEST`. `undefined` when no nest begins there, or its table is not known.
 */
export function nestedSetAt(
  set: AttributeSet,
  memory: Memory,
  offset: number,
  length: number,
  at: number,
): AttributeSet | undefined {
  let inner: AttributeSet = set
  let start = offset
  let end = offset + length
  for (let depth = 0; depth <= MAXIMUM_DEPTH; depth++) {
    const view = attributeAround(memory, start, end - start, at)
    if (view === undefined) return undefined
    const format: AttributeFormat | undefined = attributeByNumber(
      settledIn(inner, memory, start, end - start),
      view.type,
    )?.format
    const isHere = view.offset === at
    start = view.payloadOffset
    end = start + view.payloadLength
    if (format?.kind === 'list') {
      // The nest is an element of the list, whose own number says nothing.
      const element = attributeAround(memory, start, end - start, at)
      if (element === undefined) return undefined
      if (element.offset === at)
        return settledIn(format.element(), memory, element.payloadOffset, element.payloadLength)
      inner = format.element()
      start = element.payloadOffset
      end = start + element.payloadLength
      continue
    }
    if (format?.kind !== 'nested' && format?.kind !== 'sequence') return undefined
    inner = format.set()
    if (isHere) return settledIn(inner, memory, start, end - start)
  }
  return undefined
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
