/** Plain data as the values that tables write, checked before a byte is. */
import { EncodeError } from '../errors.ts'
import { describeValue } from '../options/place.ts'
import {
  type AttributeSet,
  type AttributeValues,
  type BodyFormat,
  FIXED_HEADER,
  type FieldFormat,
  type IntegerFormat,
  MAXIMUM_PAYLOAD,
  NO_SELECTORS,
  type Selectors,
  type SettledFormat,
  STRUCT_TAIL,
  type StructFormat,
  selectedSubMessage,
  subMessageFormat,
  type UnionFormat,
  type VariableIntegerFormat,
} from '../schema/format.ts'
import { setIndices } from '../schema/indices.ts'
import { constantNamed, plainName, specificationName } from '../schema/names.ts'
import { didYouMean, unknownMember } from '../schema/unknown-member.ts'
import { addressInteger, textBytes } from './addresses.ts'
import { selectorsAmong } from './to-plain.ts'

type Given = Readonly<Record<string, unknown>>

/**
 * The values that plain data stands for: what `plainAttributes` gives, values as tables have them, or both. Names may
 * be in any spelling (`ifName`, `if-name`). Throws `EncodeError` that begins with the path of what is wrong
 * (`peers[0].publicKey`): `ATTRIBUTE_UNKNOWN` with the nearest names, or `VALUE_RANGE`.
 */
export function attributesFrom<Set extends AttributeSet>(
  set: Set,
  given: unknown,
  path = '',
  outer: Selectors = NO_SELECTORS,
): AttributeValues<Set> {
  const plain = expectObject(given, path)
  const named: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(plain)) {
    if (value === undefined) continue
    if (name === 'unknown') named.unknown = unknownFrom(value, join(path, name))
    else named[memberNamed(set, name, path)] = value
  }
  const values: Record<string, unknown> = {}
  // Selectors first: what they select depends on their values.
  const selecting = new Set(set.selectors?.values())
  for (const name of selecting) {
    const format = set.members[name]?.format
    if (named[name] === undefined || format === undefined || format.kind === 'union') continue
    values[name] = valueFrom(format, named[name], join(path, name), outer)
  }
  const selectors = selectorsAmong(set, values, outer)
  const ordered: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(named)) {
    const format = set.members[name]?.format
    if (name === 'unknown') ordered.unknown = value
    else if (selecting.has(name)) ordered[name] = values[name]
    else if (format !== undefined) {
      const settled = format.kind === 'union' ? settledFormat(format, selectors, join(path, name)) : format
      ordered[name] = valueFrom(settled, value, join(path, name), selectors)
    }
  }
  return ordered as AttributeValues<Set>
}

/**
 * As {@link attributesFrom}, for a struct and the attributes that follow it. Fields of the struct that are left out are
 * zero.
 */
export function bodyFrom({ header, set }: BodyFormat, given: unknown, path = '', outer = NO_SELECTORS): Given {
  const { [FIXED_HEADER]: fields = {}, ...attributes } = expectObject(given, path)
  const struct = structFrom(header, fields, join(path, FIXED_HEADER))
  if (set !== undefined) return { [FIXED_HEADER]: struct, ...attributesFrom(set, attributes, path, outer) }
  for (const name of Object.keys(attributes)) throw unknownMember(`${where(path)}no attribute`, name, [FIXED_HEADER])
  return { [FIXED_HEADER]: struct }
}

function memberNamed(set: AttributeSet, given: string, path: string): string {
  if (Object.hasOwn(set.members, given) && set.members[given]?.format.kind !== 'padding') return given
  const plain = plainName(given)
  const names = Object.keys(set.members).filter((name) => set.members[name]?.format.kind !== 'padding')
  const found = names.find((name) => plainName(name) === plain)
  if (found === undefined) throw unknownMember(`${where(path)}${set.name} has no attribute`, given, names)
  return found
}

function settledFormat(format: UnionFormat, selectors: Selectors, path: string): SettledFormat {
  const selector = selectors.get(format.key)
  const chosen = selectedSubMessage(format, selector)
  if (chosen !== undefined) return subMessageFormat(chosen)
  const names = Object.keys(format.sets)
  const problem =
    selector === undefined
      ? `needs ${format.key}, which says what it is`
      : `has no description for ${format.key} ${describeValue(selector)}${didYouMean(selector, names)}`
  throw new EncodeError('ATTRIBUTE_UNKNOWN', `${path} ${problem}`)
}

function valueFrom(format: SettledFormat, value: unknown, path: string, selectors: Selectors): unknown {
  const each = (element: SettledFormat) =>
    expectArray(value, path).map((item, at) => valueFrom(element, item, `${path}[${at}]`, selectors))
  switch (format.kind) {
    case 'flag':
      if (value !== true) throw refused(path, 'true, or left out', value)
      return true
    case 'padding':
      return undefined
    case 'integer':
    case 'variable':
      return integerFrom(format, value, path)
    case 'text':
      if (typeof value !== 'string') throw refused(path, 'a string', value)
      return value
    case 'bytes':
      return bytesFrom(value, path, format)
    case 'array':
    case 'multi':
      return each(format.element)
    case 'struct':
      return structFrom(format, value, path)
    case 'nested':
      return attributesFrom(format.set(), value, path, selectors)
    case 'body':
      return bodyFrom(format, value, path, selectors)
    case 'list':
      return each({ kind: 'nested', set: format.element })
    case 'sequence':
      return each({ kind: 'nested', set: format.set })
    case 'indexed':
      return indexedFrom(format.element, value, path, selectors)
    case 'type-value':
      return expectArray(value, path).map((item, at) => {
        const { value: inner, ...types } = expectObject(item, `${path}[${at}]`)
        return { ...types, value: valueFrom(format.element, inner, `${path}[${at}].value`, selectors) }
      })
  }
}

/** Elements, each as it is or with its index as `{ index, value }`. */
function indexedFrom(element: SettledFormat, value: unknown, path: string, selectors: Selectors): unknown {
  const items = expectArray(value, path)
  const isIndexed = items.length > 0 && items.every(hasIndex)
  const values = items.map((item, at) => {
    const inner: unknown = isIndexed ? (item as { value: unknown }).value : item
    return valueFrom(element, inner, `${path}[${at}]`, selectors)
  })
  const { indices } = items as { indices?: readonly number[] | undefined }
  if (isIndexed)
    return setIndices(
      values,
      items.map((item) => (item as { index: number }).index),
    )
  return indices === undefined ? values : setIndices(values, indices)
}

function hasIndex(item: unknown): boolean {
  if (typeof item !== 'object' || item === null || item instanceof Uint8Array) return false
  const keys = Object.keys(item)
  return keys.length === 2 && keys.includes('index') && keys.includes('value')
}

function structFrom({ fields }: StructFormat, given: unknown, path: string): Given {
  const plain = expectObject(given, path)
  const names = fields.flatMap(({ name }) => name ?? [])
  const values: Record<string, unknown> = {}
  for (const { name, format } of fields) if (name !== undefined) values[name] = zero(format)
  for (const [key, value] of Object.entries(plain)) {
    const field = fields.find(({ name }) => name !== undefined && plainName(name) === plainName(key))
    if (value === undefined) continue
    if (key === STRUCT_TAIL) values[STRUCT_TAIL] = bytesFrom(value, join(path, key), anyBytes)
    else if (field?.name === undefined) throw unknownMember(`${path} has no field`, key, names)
    else values[field.name] = fieldFrom(field.format, value, join(path, field.name))
  }
  return values
}

const anyBytes = { minimum: 0, maximum: MAXIMUM_PAYLOAD }

function fieldFrom(format: FieldFormat, value: unknown, path: string): unknown {
  switch (format.kind) {
    case 'integer':
      return integerFrom(format, value, path)
    case 'bytes':
      return bytesFrom(value, path, format)
    case 'characters':
      if (typeof value !== 'string') throw refused(path, 'a string', value)
      return value
    case 'struct':
      return structFrom(format, value, path)
    case 'rest':
      return expectArray(value, path).map((item, at) => fieldFrom(format.element, item, `${path}[${at}]`))
  }
}

function zero(format: FieldFormat): unknown {
  switch (format.kind) {
    case 'integer':
      return format.size === 8 ? 0n : 0
    case 'bytes':
      return new Uint8Array(format.maximum)
    case 'characters':
      return ''
    case 'struct':
      return structFrom(format, {}, '')
    case 'rest':
      return []
  }
}

function integerFrom(format: IntegerFormat | VariableIntegerFormat, value: unknown, path: string): number | bigint {
  const number =
    Array.isArray(value) && format.constants?.isFlags ? bitsFrom(format, value, path) : oneFrom(format, value, path)
  const size = format.kind === 'integer' ? format.size : 8
  const bits = BigInt(size * 8)
  const [least, most] = format.signed ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n]
  if (number < least || number > most) throw refused(path, `an integer from ${least} to ${most}`, value)
  return size === 8 ? number : Number(number)
}

function bitsFrom(format: IntegerFormat | VariableIntegerFormat, values: readonly unknown[], path: string): bigint {
  return values.reduce<bigint>((bits, value, at) => bits | oneFrom(format, value, `${path}[${at}]`), 0n)
}

function oneFrom(format: IntegerFormat | VariableIntegerFormat, value: unknown, path: string): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value)
  const { constants } = format
  if (typeof value === 'string') {
    const named = constants && constantNamed(constants, value)
    if (named !== undefined) return BigInt(named)
    if (/^(0x[0-9a-f]+|-?\d+)$/i.test(value)) return BigInt(value)
    const address =
      format.kind === 'integer' && format.hint === 'ipv4' ? addressInteger(value, format.order) : undefined
    if (address !== undefined) return BigInt(address)
  }
  if (constants === undefined) throw refused(path, 'an integer', value)
  const names = Object.keys(constants.values).map(specificationName)
  const known = names.length > 12 ? `${names.slice(0, 12).join(', ')}, ...` : names.join(', ')
  const hint = typeof value === 'string' ? didYouMean(value, names) : ''
  throw refused(path, `an integer or one of ${known}`, value, hint)
}

function bytesFrom(
  value: unknown,
  path: string,
  { minimum, maximum, hint }: { minimum: number; maximum: number; hint?: Parameters<typeof textBytes>[1] },
): Uint8Array {
  const bytes = typeof value === 'string' ? textBytes(value, hint) : value
  if (!(bytes instanceof Uint8Array)) {
    throw refused(
      path,
      hint === undefined ? 'a Uint8Array or hexadecimal digits' : `a Uint8Array or ${hint} as text`,
      value,
    )
  }
  if (bytes.length < minimum || bytes.length > maximum) {
    const expected = minimum === maximum ? `${minimum}` : `${minimum} to ${maximum}`
    throw new EncodeError('VALUE_RANGE', `${path} must have ${expected} bytes, got ${bytes.length}`)
  }
  return bytes
}

function unknownFrom(value: unknown, path: string): unknown {
  return expectArray(value, path).map((item, at) => {
    const { type, bits = 0, payload } = expectObject(item, `${path}[${at}]`)
    return { type, bits, payload: bytesFrom(payload, `${path}[${at}].payload`, anyBytes) }
  })
}

function expectObject(value: unknown, path: string): Given {
  // What is built in, such as a Map or a Date, would be an object without attributes.
  const tag = Object.prototype.toString.call(value).slice(8, -1)
  if (tag === 'Object') return value as Given
  const place = path === '' ? 'attributes' : path
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused(place, 'an object', value)
  throw new EncodeError('VALUE_RANGE', `${place} must be an object, got a ${tag}`)
}

function expectArray(value: unknown, path: string): readonly unknown[] {
  if (!Array.isArray(value)) throw refused(path, 'an array', value)
  return value
}

function refused(path: string, expected: string, value: unknown, hint = ''): EncodeError {
  return new EncodeError('VALUE_RANGE', `${path} must be ${expected}, got ${describeValue(value)}${hint}`)
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function where(path: string): string {
  return path === '' ? '' : `${path}: `
}
