/** The lines of a table: one function for each attribute format. */
import {
  type Attribute,
  type AttributeSet,
  type AttributeValues,
  type BodyFormat,
  type Constants,
  FIXED_HEADER,
  type Hint,
  MAXIMUM_PAYLOAD,
  type SingleFormat,
  type StructFormat,
  type SubMessage,
} from './format.ts'
import type { Indexed } from './indices.ts'
import { type IntegerMeaning, type IntegerType, type IntegerValue, integerFormat } from './integer-types.ts'
import { type FieldType, field, type Structure, type StructValue, structure } from './structure.ts'

/** Present or not, without payload (`NLA_FLAG`). */
export function flag(number: number, kernelName: string): Attribute<true> {
  return { number, kernelName, format: { kind: 'flag' } }
}

/** Constants whose kernel names begin with `prefix`, of which a value is one. */
export function enumeration(prefix: string, values: Readonly<Record<string, number | bigint>>): Constants {
  return { prefix, values, isFlags: false }
}
/** Bits whose kernel names begin with `prefix`, of which a value may have several. */
export function flags(prefix: string, values: Readonly<Record<string, number | bigint>>): Constants {
  return { prefix, values, isFlags: true }
}

/** One byte. */
export function u8(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<number> {
  return { number, kernelName, format: integerFormat('u8', means) }
}
/** One byte, signed. */
export function s8(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<number> {
  return { number, kernelName, format: integerFormat('s8', means) }
}
/** Two bytes in host order. */
export function u16(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<number> {
  return { number, kernelName, format: integerFormat('u16', means) }
}
/** Two bytes in host order, signed. */
export function s16(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<number> {
  return { number, kernelName, format: integerFormat('s16', means) }
}
/** Four bytes in host order. */
export function u32(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<number> {
  return { number, kernelName, format: integerFormat('u32', means) }
}
/** Four bytes in host order, signed. */
export function s32(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<number> {
  return { number, kernelName, format: integerFormat('s32', means) }
}
/** Eight bytes in host order. */
export function u64(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<bigint> {
  return { number, kernelName, format: integerFormat('u64', means) }
}
/** Eight bytes in host order, signed. */
export function s64(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<bigint> {
  return { number, kernelName, format: integerFormat('s64', means) }
}
/** Two bytes in network order. */
export function be16(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<number> {
  return { number, kernelName, format: integerFormat('be16', means) }
}
/** Two bytes in network order, signed. */
export function sbe16(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<number> {
  return { number, kernelName, format: integerFormat('sbe16', means) }
}
/** Four bytes in network order. */
export function be32(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<number> {
  return { number, kernelName, format: integerFormat('be32', means) }
}
/** Four bytes in network order, signed. */
export function sbe32(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<number> {
  return { number, kernelName, format: integerFormat('sbe32', means) }
}
/** Eight bytes in network order. */
export function be64(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<bigint> {
  return { number, kernelName, format: integerFormat('be64', means) }
}
/** Eight bytes in network order, signed. */
export function sbe64(number: number, kernelName: string, means: IntegerMeaning = {}): Attribute<bigint> {
  return { number, kernelName, format: integerFormat('sbe64', means) }
}
/** Unsigned, of four bytes where they hold the value, else of eight (`NLA_UINT`). */
export function uint(number: number, kernelName: string, { constants }: IntegerMeaning = {}): Attribute<bigint> {
  return { number, kernelName, format: { kind: 'variable', signed: false, constants } }
}
/** Signed, of four bytes where they hold the value, else of eight (`NLA_SINT`). */
export function sint(number: number, kernelName: string, { constants }: IntegerMeaning = {}): Attribute<bigint> {
  return { number, kernelName, format: { kind: 'variable', signed: true, constants } }
}
/** An integer or bytes that the kernel accepts only with `AttributeBit.NetworkOrder` (`NLA_F_NET_BYTEORDER`). */
export function networkMarked<Value>(attribute: Attribute<Value>): Attribute<Value> {
  const { kind } = attribute.format
  if (kind !== 'integer' && kind !== 'bytes') {
    throw new TypeError(`${attribute.kernelName}: only an integer or bytes can be marked, got ${kind}`)
  }
  return { ...attribute, isMarked: true }
}

/** Integers of one type, as many as the payload holds. */
export function array<const Type extends IntegerType>(
  number: number,
  kernelName: string,
  type: Type,
  means: IntegerMeaning = {},
): Attribute<IntegerValue<Type>[]> {
  return { number, kernelName, format: { kind: 'array', element: integerFormat(type, means) } }
}
/** What the kernel inserts to align the next attribute: it is not a value. */
export function padding(number: number, kernelName: string): Attribute<never> {
  return { number, kernelName, format: { kind: 'padding' } }
}
/**
 * Text of up to `maximum` bytes, ended by a zero byte on the wire; one that is missing is tolerated in reading. UTF-8
 * is a plain string; a byte that is not UTF-8 is the lone surrogate that `decodeText` describes, and is written as that
 * byte again.
 */
export function text(number: number, kernelName: string, maximum: number = MAXIMUM_PAYLOAD - 1): Attribute<string> {
  return { number, kernelName, format: { kind: 'text', maximum } }
}
/** Bytes, from `minimum` to `maximum` of them. */
export function bytes(
  number: number,
  kernelName: string,
  minimum = 0,
  maximum: number = MAXIMUM_PAYLOAD,
  hint?: Hint,
): Attribute<Uint8Array> {
  return { number, kernelName, format: { kind: 'bytes', minimum, maximum, ...(hint && { hint }) } }
}

/** An attribute that is a struct; of its fields, or a layout that others have too. */
export function struct<Value>(number: number, kernelName: string, layout: Structure<Value>): Attribute<Value>
export function struct<const Fields extends Readonly<Record<string, FieldType>>>(
  number: number,
  kernelName: string,
  fields: Fields,
): Attribute<StructValue<Fields>>
export function struct(
  number: number,
  kernelName: string,
  layout: StructFormat | Readonly<Record<string, FieldType>>,
): Attribute {
  const format = isStructure(layout) ? layout : structure(layout, kernelName)
  return { number, kernelName, format }
}

function isStructure(layout: StructFormat | Readonly<Record<string, FieldType>>): layout is StructFormat {
  return layout.kind === 'struct'
}

/** `struct nla_bitfield32`: bits and which of them count. */
export function bitfield32(
  number: number,
  kernelName: string,
  { constants }: IntegerMeaning = {},
): Attribute<{ value: number; selector: number }> {
  return struct(number, kernelName, { value: field('u32', { constants }), selector: field('u32', { constants }) })
}

/** Attributes of another set (`NLA_NESTED`). */
export function nested<Set extends AttributeSet>(
  number: number,
  kernelName: string,
  set: Set,
): Attribute<AttributeValues<Set>> {
  return { number, kernelName, format: { kind: 'nested', set: () => set } }
}

/** Consecutive elements, each nested attributes of one set; their types (1, or a running number) are not kept. */
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
 * A sub-message: what follows is one of several, of which the member `key` beside it (`outer`: of a set around it) is
 * the name: its text, or its number in decimal digits. Where there is none of that name the attribute counts as
 * unknown, in reading and in writing.
 */
export function union<const Sets extends Readonly<Record<string, SubMessage>>>(
  number: number,
  kernelName: string,
  key: string,
  sets: Sets,
  { outer = false }: { readonly outer?: boolean } = {},
): Attribute<{ [Name in keyof Sets]: SubMessageValue<Sets[Name]> }[keyof Sets]> {
  return { number, kernelName, format: { kind: 'union', key, sets, ...(outer && { outer }) } }
}

/** The value of a sub-message. */
export type SubMessageValue<M extends SubMessage> = M extends AttributeSet
  ? AttributeValues<M>
  : M extends Body<infer Value>
    ? Value
    : never

/** A struct and the attributes that follow it; its value has the struct as `header`. */
export interface Body<out Value = unknown> extends BodyFormat {
  readonly valueType?: Value
}

/** A struct, and the attributes that follow it. Throws `TypeError` for a set with a member called `header`. */
export function body<Header, Set extends AttributeSet = never>(
  header: Structure<Header>,
  set?: Set,
): Body<{ header: Header } & ([Set] extends [never] ? unknown : AttributeValues<Set>)> {
  if (set !== undefined && FIXED_HEADER in set.members) {
    throw new TypeError(`${set.name}: "${FIXED_HEADER}" is where the struct before the attributes goes`)
  }
  return { kind: 'body', header, set }
}

function single({ kernelName, format }: Attribute): SingleFormat {
  if (format.kind === 'union' || format.kind === 'multi' || format.kind === 'padding') {
    throw new TypeError(`${kernelName}: an array cannot have elements of format ${format.kind}`)
  }
  return format
}

/** The attribute is repeated, one value each time (multi-attr). */
export function multi<Value>(attribute: Attribute<Value>): Attribute<Value[]> {
  const { number, kernelName } = attribute
  return { number, kernelName, format: { kind: 'multi', element: single(attribute) } }
}

/** A nest with an attribute for each element, whose type is its index (indexed-array). */
export function indexedArray<Value>(element: Attribute<Value>): Attribute<Indexed<Value>> {
  const { number, kernelName } = element
  return { number, kernelName, format: { kind: 'indexed', element: single(element) } }
}

/** Nests whose types are values, one for each of `levels` (nest-type-value): a row has these and its `value`. */
export function typeValue<Value, const Levels extends readonly [string, ...string[]]>(
  element: Attribute<Value>,
  levels: Levels,
): Attribute<({ [Level in Levels[number]]: number } & { value: Value })[]> {
  const { number, kernelName } = element
  if (levels.includes('value')) throw new TypeError(`${kernelName}: "value" is where the innermost value goes`)
  return { number, kernelName, format: { kind: 'type-value', levels, element: single(element) } }
}

/**
 * As {@link nested}, with a name for the type of the values: what generated tables use, so that declarations stay short
 * and a set can hold itself.
 */
export function nest<Value>(number: number, kernelName: string, set: () => AttributeSet): Attribute<Value> {
  return { number, kernelName, format: { kind: 'nested', set } }
}

/** As {@link union}, with a name for the type of the values. */
export function subMessage<Value>(
  number: number,
  kernelName: string,
  key: string,
  formats: Readonly<Record<string, SubMessage>>,
  options: { readonly outer?: boolean } = {},
): Attribute<Value> {
  const { format } = union(number, kernelName, key, formats, options)
  return { number, kernelName, format }
}
