/** The layouts of structs: packed, their fields in order. */
import { type FieldFormat, type Hint, STRUCT_TAIL, type StructField, type StructFormat } from './format.ts'
import { type IntegerMeaning, type IntegerType, type IntegerValue, integerFormat } from './integer-types.ts'

/** A layout whose value is known to the type checker. */
export interface Structure<out Value = unknown> extends StructFormat {
  readonly valueType?: Value
}

/** The value of a layout. */
export type StructureValue<Layout> = Layout extends Structure<infer Value> ? Value : never

/** A field that is more than an integer or bytes. */
export interface Field<out Value = unknown> {
  readonly field: FieldFormat
  readonly valueType?: Value
}

/** The type of a struct's field: an integer, a number of bytes, or another layout. */
export type FieldType = IntegerType | number | Field
type FieldValue<Type extends FieldType> = Type extends number
  ? Uint8Array
  : Type extends IntegerType
    ? IntegerValue<Type>
    : Type extends Field<infer Value>
      ? Value
      : never
/** The values of a struct's fields, except those whose names begin with `pad`. */
export type StructValue<Fields extends Readonly<Record<string, FieldType>>> = {
  -readonly [Name in keyof Fields as Name extends `pad${string}` ? never : Name]: FieldValue<Fields[Name]>
} & {
  /** bytes after the fields that the table knows, where a newer kernel has some; not enumerable in what was read */
  unknown?: Uint8Array | undefined
}

/** An integer with names for its values. */
export function field<const Type extends IntegerType>(type: Type, means: IntegerMeaning): Field<IntegerValue<Type>> {
  return { field: integerFormat(type, means) }
}
/** Bytes that are an address, or the like. */
export function bytesField(size: number, hint: Hint): Field<Uint8Array> {
  return { field: { kind: 'bytes', minimum: size, maximum: size, hint } }
}
/** Text of up to `size` bytes, ended by a zero byte where it is shorter. */
export function characters(size: number): Field<string> {
  return { field: { kind: 'characters', size } }
}
/** A struct within a struct. */
export function inner<Value>(structure: Structure<Value>): Field<Value> {
  return { field: structure }
}
/** Structs, as many as the payload holds: the last field. */
export function rest<Value>(structure: Structure<Value>): Field<Value[]> {
  return { field: { kind: 'rest', element: structure } }
}

/**
 * A packed C struct: its fields in order. Fields named `pad…` are written as zero and not read. `minimum`: bytes that
 * an older kernel sends; what it does not have reads as zero. Throws `TypeError` for a field called `unknown`, and one
 * that follows an array of unknown length.
 */
export function structure<const Fields extends Readonly<Record<string, FieldType>>>(
  fields: Fields,
  name = 'struct',
  minimum?: number,
): Structure<StructValue<Fields>> {
  if (STRUCT_TAIL in fields) throw new TypeError(`${name}: "${STRUCT_TAIL}" is where bytes without a field go`)
  let size = 0
  let isOpen = false
  const layout = Object.entries(fields).map(([member, type]): StructField => {
    if (isOpen) throw new TypeError(`${name}: ${member} follows an array of unknown length`)
    const format = fieldFormat(type)
    const described = { name: member.startsWith('pad') ? undefined : member, offset: size, format }
    isOpen = format.kind === 'rest'
    size += fieldSize(format)
    return described
  })
  return { kind: 'struct', fields: layout, size, ...(minimum !== undefined && { minimum }) }
}

function fieldFormat(type: FieldType): FieldFormat {
  if (typeof type === 'number') return { kind: 'bytes', minimum: type, maximum: type }
  return typeof type === 'string' ? integerFormat(type, {}) : type.field
}

/** Bytes of a field; of an array of unknown length, none. */
export function fieldSize(format: FieldFormat): number {
  switch (format.kind) {
    case 'integer':
    case 'characters':
    case 'struct':
      return format.size
    case 'bytes':
      return format.maximum
    case 'rest':
      return 0
  }
}
