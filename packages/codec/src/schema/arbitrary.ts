/**
 * Random values of any attribute set, for property tests with fast-check (a peer dependency). They derive from the
 * set's table, so the line that adds an attribute also gets it tested.
 */
import fc from 'fast-check'
import type {
  Attribute,
  AttributeFormat,
  AttributeSet,
  AttributeValues,
  IntegerFormat,
  StructField,
  UnionFormat,
} from './format.ts'

/**
 * Values that the set can write and that read back the same. `maximumBytes` bounds each payload that has no bound in
 * the table.
 */
export function attributesArbitrary<Set extends AttributeSet>(
  set: Set,
  maximumBytes = 64,
): fc.Arbitrary<AttributeValues<Set>> {
  const members: Record<string, fc.Arbitrary<unknown>> = {}
  const unions: [name: string, UnionFormat][] = []
  for (const [name, { format }] of Object.entries(set.members)) {
    if (format.kind === 'union') unions.push([name, format])
    else members[name] = formatArbitrary(format, maximumBytes)
  }
  const plain = fc.record(members, { requiredKeys: [] })
  const known = fc.oneof(plain, ...unions.map(([name, format]) => unionArbitrary(plain, name, format, maximumBytes)))
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
    .map(
      ([values, extra]) => (extra.length === 0 ? { ...values } : { ...values, unknown: extra }) as AttributeValues<Set>,
    )
}

function formatArbitrary(format: Exclude<AttributeFormat, UnionFormat>, maximumBytes: number): fc.Arbitrary<unknown> {
  switch (format.kind) {
    case 'flag':
      return fc.constant(true)
    case 'integer':
      return integerArbitrary(format)
    case 'text':
      return textArbitrary(Math.min(format.maximum, maximumBytes))
    case 'bytes': {
      const maxLength = Math.max(format.minimum, Math.min(format.maximum, maximumBytes))
      return fc.uint8Array({ minLength: format.minimum, maxLength })
    }
    case 'struct':
      return fc.record(Object.fromEntries(format.fields.flatMap(fieldArbitrary)))
    case 'nested':
      return attributesArbitrary(format.set(), maximumBytes)
    case 'list':
      return fc.array(attributesArbitrary(format.element(), maximumBytes), { maxLength: 3 })
    case 'sequence':
      return fc.array(singleArbitrary(format.set(), maximumBytes), { maxLength: 3 })
  }
}

/** Values whose member `name` is of the set that the key beside it names. */
function unionArbitrary(
  plain: fc.Arbitrary<Record<string, unknown>>,
  name: string,
  { key, sets }: UnionFormat,
  maximumBytes: number,
): fc.Arbitrary<Record<string, unknown>> {
  const choices = Object.entries(sets).map(([choice, set]) =>
    attributesArbitrary(set, maximumBytes).map((values) => ({ [key]: choice, [name]: values })),
  )
  return fc.tuple(plain, fc.oneof(...choices)).map(([values, choice]) => ({ ...values, ...choice }))
}

/** The values of one attribute of the set. */
function singleArbitrary(set: AttributeSet, maximumBytes: number): fc.Arbitrary<unknown> {
  const single = ([name, { format }]: [string, Attribute]) =>
    format.kind === 'union' ? [] : [formatArbitrary(format, maximumBytes).map((value) => ({ [name]: value }))]
  return fc.oneof(...Object.entries(set.members).flatMap(single))
}

function fieldArbitrary({ name, format }: StructField): [string, fc.Arbitrary<unknown>][] {
  if (name === undefined) return []
  if (format.kind === 'integer') return [[name, integerArbitrary(format)]]
  return [[name, fc.uint8Array({ minLength: format.minimum, maxLength: format.maximum })]]
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
