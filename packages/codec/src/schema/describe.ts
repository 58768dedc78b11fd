/** The lines of a table: one function for each attribute format. */
import {
  type Attribute,
  type AttributeSet,
  type AttributeValues,
  type IntegerFormat,
  MAXIMUM_PAYLOAD,
  STRUCT_TAIL,
  type StructField,
} from './format.ts'

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
/**
 * Text of up to `maximum` bytes, ended by a zero byte on the wire, which may be missing when read. UTF-8 becomes a
 * plain string; a byte that is not UTF-8 becomes a lone surrogate, as `decodeText` describes, and is written as the
 * same byte.
 */
export function text(number: number, kernelName: string, maximum: number): Attribute<string> {
  return { number, kernelName, format: { kind: 'text', maximum } }
}
/** From `minimum` to `maximum` bytes. */
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
/** The values of a struct's fields, except those whose names begin with `pad`. */
export type StructValue<Fields extends Readonly<Record<string, FieldType>>> = {
  -readonly [Name in keyof Fields as Name extends `pad${string}` ? never : Name]: FieldValue<Fields[Name]>
} & {
  /** bytes after the known fields, if a newer kernel sent some; not enumerable in values that were read */
  unknown?: Uint8Array | undefined
}

/**
 * A packed C struct: its fields in order. Fields named `pad…` are written as zero and not read. Throws `TypeError` for a field called
 * `unknown`.
 */
export function struct<const Fields extends Readonly<Record<string, FieldType>>>(
  number: number,
  kernelName: string,
  fields: Fields,
): Attribute<StructValue<Fields>> {
  if (STRUCT_TAIL in fields)
    throw new TypeError(
      `${kernelName}: a field cannot be named "${STRUCT_TAIL}", which holds the bytes without a field`,
    )
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
 * A sub-message: attributes of one of several sets, whose name is the text of member `key` of the same attributes, the
 * selector. If no set has that name the attribute counts as unknown, in reading and in writing.
 */
export function union<const Sets extends Readonly<Record<string, AttributeSet>>>(
  number: number,
  kernelName: string,
  key: string,
  sets: Sets,
): Attribute<{ [Name in keyof Sets]: AttributeValues<Sets[Name]> }[keyof Sets]> {
  return { number, kernelName, format: { kind: 'union', key, sets } }
}
