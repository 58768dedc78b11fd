/**
 * Random values of any attribute set, for property tests with fast-check (a peer dependency): derived from the set's
 * table, so a new attribute is tested from the line that adds it.
 */
import fc from 'fast-check'
import {
  type Attribute,
  type AttributeSet,
  type AttributeValues,
  type BodyFormat,
  FIXED_HEADER,
  type IntegerFormat,
  type SettledFormat,
  type SingleFormat,
  type StructField,
  type StructFormat,
  type SubMessage,
  subMessageFormat,
  type UnionFormat,
} from './format.ts'
import { setIndices } from './indices.ts'

/** Levels of nests that random values have at most: sets that hold themselves end somewhere. */
const DEEPEST = 4

/**
 * Values that the set can write and that read back the same. `maximumBytes` bounds each payload without a bound of its
 * own.
 */
export function attributesArbitrary<Set extends AttributeSet>(
  set: Set,
  maximumBytes = 64,
): fc.Arbitrary<AttributeValues<Set>> {
  return valuesArbitrary(set, maximumBytes, DEEPEST) as fc.Arbitrary<AttributeValues<Set>>
}

/** Values of a struct and the attributes that follow it. */
export function bodyArbitrary(
  { header, set }: BodyFormat,
  maximumBytes = 64,
  depth: number = DEEPEST,
): fc.Arbitrary<Record<string, unknown>> {
  const fields = structArbitrary(header)
  if (set === undefined) return fields.map((value) => ({ [FIXED_HEADER]: value }))
  return fc
    .tuple(fields, valuesArbitrary(set, maximumBytes, depth))
    .map(([value, attributes]) => ({ [FIXED_HEADER]: value, ...attributes }))
}

function valuesArbitrary(
  set: AttributeSet,
  maximumBytes: number,
  depth: number,
): fc.Arbitrary<Record<string, unknown>> {
  const members: Record<string, fc.Arbitrary<unknown>> = {}
  const unions: [name: string, UnionFormat][] = []
  for (const [name, { format }] of Object.entries(set.members)) {
    // A selector in a set around this one is not known here: such a sub-message is only written with the whole.
    if (format.kind === 'union' && format.outer === true) continue
    if (format.kind === 'union') unions.push([name, format])
    else if (format.kind !== 'padding' && !(depth <= 0 && isNest(format))) {
      members[name] = formatArbitrary(format, maximumBytes, depth)
    }
  }
  const plain = fc.record(members, { requiredKeys: [] })
  const known = fc.oneof(
    plain,
    ...unions.map(([name, format]) => unionArbitrary(set, plain, name, format, maximumBytes, depth)),
  )
  const unknown = fc.array(
    fc.record({
      type: fc.integer({ min: set.names.length, max: 0x3fff }),
      bits: fc.constantFrom(0, 0x8000, 0x4000),
      payload: fc.uint8Array({ maxLength: maximumBytes }),
    }),
    { maxLength: 2 },
  )
  return fc
    .tuple(known, unknown)
    .map(([values, extra]) => (extra.length === 0 ? { ...values } : { ...values, unknown: extra }))
}

function isNest({ kind }: SettledFormat): boolean {
  return ['nested', 'body', 'list', 'sequence', 'multi', 'indexed', 'type-value'].includes(kind)
}

function formatArbitrary(format: SettledFormat, maximumBytes: number, depth: number): fc.Arbitrary<unknown> {
  switch (format.kind) {
    case 'flag':
      return fc.constant(true)
    case 'padding':
      return fc.constant(undefined)
    case 'integer':
      return integerArbitrary(format)
    case 'variable': {
      const narrow = integerArbitrary({ kind: 'integer', size: 4, order: 'host', signed: format.signed })
      const wide = integerArbitrary({ kind: 'integer', size: 8, order: 'host', signed: format.signed })
      return fc.oneof(narrow, wide).map(BigInt)
    }
    case 'text':
      return textArbitrary(Math.min(format.maximum, maximumBytes))
    case 'bytes': {
      const maxLength = Math.max(format.minimum, Math.min(format.maximum, maximumBytes))
      return fc.uint8Array({ minLength: format.minimum, maxLength })
    }
    case 'array':
      return fc.array(integerArbitrary(format.element), { maxLength: 4 })
    case 'struct':
      return structArbitrary(format)
    case 'nested':
      return valuesArbitrary(format.set(), maximumBytes, depth - 1)
    case 'body':
      return bodyArbitrary(format, maximumBytes, depth - 1)
    case 'multi':
      // None of them is the same as the attribute left out.
      return fc.array(elementArbitrary(format.element, maximumBytes, depth), { minLength: 1, maxLength: 3 })
    case 'list':
      return fc.array(valuesArbitrary(format.element(), maximumBytes, depth - 1), { maxLength: 3 })
    case 'indexed':
      return indexedArbitrary(format.element, maximumBytes, depth)
    case 'type-value': {
      const types = format.levels.map((level) => [level, fc.integer({ min: 0, max: 0x3fff })] as const)
      const value = elementArbitrary(format.element, maximumBytes, depth)
      return fc.array(fc.record({ ...Object.fromEntries(types), value }), { maxLength: 3 })
    }
    case 'sequence':
      return fc.array(singleArbitrary(format.set(), maximumBytes, depth), { maxLength: 3 })
  }
}

function elementArbitrary(format: SingleFormat, maximumBytes: number, depth: number): fc.Arbitrary<unknown> {
  return formatArbitrary(format, maximumBytes, depth - 1)
}

/** Elements, some with indices of their own. */
function indexedArbitrary(format: SingleFormat, maximumBytes: number, depth: number): fc.Arbitrary<unknown> {
  const element = fc.tuple(elementArbitrary(format, maximumBytes, depth), fc.integer({ min: 0, max: 0x3fff }))
  return fc.tuple(fc.array(element, { maxLength: 3 }), fc.boolean()).map(([elements, isIndexed]) => {
    const values = elements.map(([value]) => value)
    return isIndexed
      ? setIndices(
          values,
          elements.map(([, index]) => index),
        )
      : values
  })
}

/** Values whose member `name` is of the sub-message that the key beside it names. */
function unionArbitrary(
  set: AttributeSet,
  plain: fc.Arbitrary<Record<string, unknown>>,
  name: string,
  { key, sets }: UnionFormat,
  maximumBytes: number,
  depth: number,
): fc.Arbitrary<Record<string, unknown>> {
  const isText = set.members[key]?.format.kind === 'text'
  const choices = Object.entries(sets).map(([choice, chosen]) =>
    subMessageArbitrary(chosen, maximumBytes, depth - 1).map((values) => ({
      [key]: isText ? choice : Number(choice),
      [name]: values,
    })),
  )
  return fc.tuple(plain, fc.oneof(...choices)).map(([values, choice]) => ({ ...values, ...choice }))
}

function subMessageArbitrary(chosen: SubMessage, maximumBytes: number, depth: number): fc.Arbitrary<unknown> {
  return formatArbitrary(subMessageFormat(chosen), maximumBytes, depth)
}

/** The values of one attribute of the set. */
function singleArbitrary(set: AttributeSet, maximumBytes: number, depth: number): fc.Arbitrary<unknown> {
  const single = ([name, { format }]: [string, Attribute]) =>
    format.kind === 'union' || format.kind === 'padding' || (depth <= 0 && isNest(format))
      ? []
      : [formatArbitrary(format, maximumBytes, depth).map((value) => ({ [name]: value }))]
  return fc.oneof(...Object.entries(set.members).flatMap(single))
}

/** Values of a struct. */
export function structArbitrary({ fields }: StructFormat): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(Object.fromEntries(fields.flatMap(fieldArbitrary)))
}

function fieldArbitrary({ name, format }: StructField): [string, fc.Arbitrary<unknown>][] {
  if (name === undefined) return []
  switch (format.kind) {
    case 'integer':
      return [[name, integerArbitrary(format)]]
    case 'bytes':
      return [[name, fc.uint8Array({ minLength: format.minimum, maxLength: format.maximum })]]
    case 'characters':
      return [[name, textArbitrary(format.size)]]
    case 'struct':
      return [[name, structArbitrary(format)]]
    case 'rest': {
      const { element } = format
      const one: fc.Arbitrary<unknown> =
        element.kind === 'struct' ? structArbitrary(element) : integerArbitrary(element)
      return [[name, fc.array(one, { maxLength: 3 })]]
    }
  }
}

function integerArbitrary({ size, signed }: IntegerFormat): fc.Arbitrary<number | bigint> {
  if (size === 8)
    return signed ? fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) : fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
  const bits = size * 8
  return signed
    ? fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
    : fc.integer({ min: 0, max: 2 ** bits - 1 })
}

/** Text of up to `maximum` bytes of UTF-8: printable ASCII, or any characters except zero, each of up to four bytes. */
function textArbitrary(maximum: number): fc.Arbitrary<string> {
  const any = fc.string({ maxLength: maximum >> 2, unit: 'binary' })
  return fc.oneof(
    fc.string({ maxLength: maximum, unit: 'grapheme-ascii' }),
    any.map((text) => text.replaceAll('\0', '')),
  )
}
