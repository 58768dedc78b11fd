/**
 * Values of tables as plain data, which JSON can hold: names of constants, addresses as text, bytes as hexadecimal
 * digits.
 */
import {
  type AttributeSet,
  type BodyFormat,
  FIXED_HEADER,
  type FieldFormat,
  type IntegerFormat,
  NO_SELECTORS,
  type Selectors,
  type SettledFormat,
  STRUCT_TAIL,
  type StructFormat,
  selectedSubMessage,
  subMessageFormat,
  type VariableIntegerFormat,
} from '../schema/format.ts'
import type { Indexed } from '../schema/indices.ts'
import { constantKeys, specificationName } from '../schema/names.ts'
import { bytesText, integerAddress } from './addresses.ts'

/** What JSON can hold. */
export type Plain = string | number | boolean | null | Plain[] | { [name: string]: Plain }
type Values = Readonly<Record<string, unknown>>

/**
 * The values of a set as plain data. Constants are by their specification's names (`no-arp`), bits an array of them. An
 * integer that a number cannot hold is its decimal digits. `unknown` attributes keep type and bits.
 */
export function plainAttributes(
  set: AttributeSet,
  values: Values,
  outer: Selectors = NO_SELECTORS,
): Record<string, Plain> {
  return plainSet(set, values, { selectors: outer, family: undefined })
}

/** What values depend on that is around them: selectors of sub-messages, and the family of addresses. */
interface Surroundings {
  readonly selectors: Selectors
  readonly family: number | undefined
}

function plainSet(set: AttributeSet, values: Values, outer: Surroundings): Record<string, Plain> {
  const selectors = selectorsAmong(set, values, outer.selectors)
  const around = { selectors, family: ownFamily(values) ?? outer.family }
  const plain: Record<string, Plain> = {}
  for (const [name, value] of Object.entries(values)) {
    const attribute = Object.hasOwn(set.members, name) ? set.members[name] : undefined
    if (value === undefined) continue
    if (name === 'unknown') plain.unknown = unknownAttributes(value)
    if (attribute === undefined) continue
    const { format } = attribute
    if (format.kind !== 'union') plain[name] = plainValue(format, value, around)
    else {
      const chosen = selectedSubMessage(format, selectors.get(format.key))
      if (chosen !== undefined) plain[name] = plainValue(subMessageFormat(chosen), value, around)
    }
  }
  return plain
}

/** As {@link plainAttributes}, for a struct and the attributes that follow it. */
export function plainBody(format: BodyFormat, values: Values, outer: Selectors = NO_SELECTORS): Record<string, Plain> {
  return bodyValue(format, values, { selectors: outer, family: undefined })
}

function bodyValue({ header, set }: BodyFormat, values: Values, outer: Surroundings): Record<string, Plain> {
  const { [FIXED_HEADER]: fields, ...attributes } = values
  const plain: Record<string, Plain> =
    fields === undefined ? {} : { [FIXED_HEADER]: plainStruct(header, fields as Values, outer.family) }
  if (set === undefined) return plain
  const family = fields === undefined ? outer.family : familyAmong(fields as Values, outer.family)
  return { ...plain, ...plainSet(set, attributes, { ...outer, family }) }
}

function ownFamily({ family }: Values): number | undefined {
  return typeof family === 'number' ? family : undefined
}

/**
 * The family of the addresses among the fields of a struct: its own, else that of a struct in them, else that around
 * them.
 */
function familyAmong(values: Values, outer: number | undefined): number | undefined {
  const own = ownFamily(values)
  if (own !== undefined) return own
  const within = Object.values(values).map((value) =>
    typeof value === 'object' && value !== null && 'family' in value ? value.family : undefined,
  )
  return within.find((family) => typeof family === 'number') ?? outer
}

/** The selectors among the values of a set, and those of the sets around it. */
export function selectorsAmong(set: AttributeSet, values: Values, outer: Selectors): Selectors {
  if (set.selectors === undefined) return outer
  const found = new Map(outer)
  for (const name of set.selectors.values()) if (values[name] !== undefined) found.set(name, String(values[name]))
  return found
}

function unknownAttributes(value: unknown): Plain {
  const attributes = value as readonly { type: number; bits: number; payload: Uint8Array }[]
  return attributes.map(({ type, bits, payload }) => ({ type, bits, payload: bytesText(payload, undefined) }))
}

function plainValue(format: SettledFormat, value: unknown, around: Surroundings): Plain {
  const each = (element: SettledFormat) => (value as unknown[]).map((item) => plainValue(element, item, around))
  switch (format.kind) {
    case 'flag':
      return true
    case 'padding':
      return null
    case 'integer':
    case 'variable':
      return plainInteger(format, value as number | bigint)
    case 'text':
      return value as string
    case 'bytes':
      return bytesText(value as Uint8Array, format.hint, around.family)
    case 'array':
    case 'multi':
      return each(format.element)
    case 'struct':
      return plainStruct(format, value as Values, around.family)
    case 'nested':
      return plainSet(format.set(), value as Values, around)
    case 'body':
      return bodyValue(format, value as Values, around)
    case 'list':
      return each({ kind: 'nested', set: format.element })
    case 'sequence':
      return each({ kind: 'nested', set: format.set })
    case 'indexed': {
      const { indices } = value as Indexed<unknown>
      return each(format.element).map((item, at) => ({ index: indices?.[at] ?? at + 1, value: item }))
    }
    case 'type-value':
      return (value as (Values & { value: unknown })[]).map((row) => ({
        ...(row as Record<string, number>),
        value: plainValue(format.element, row.value, around),
      }))
  }
}

function plainStruct({ fields }: StructFormat, value: Values, outer: number | undefined): Record<string, Plain> {
  const family = familyAmong(value, outer)
  const plain: Record<string, Plain> = {}
  for (const { name, format } of fields) if (name !== undefined) plain[name] = plainField(format, value[name], family)
  const tail = value[STRUCT_TAIL]
  if (tail instanceof Uint8Array) plain[STRUCT_TAIL] = bytesText(tail, undefined)
  return plain
}

function plainField(format: FieldFormat, value: unknown, family: number | undefined): Plain {
  switch (format.kind) {
    case 'integer':
      return plainInteger(format, value as number | bigint)
    case 'bytes':
      return bytesText(value as Uint8Array, format.hint, family)
    case 'characters':
      return value as string
    case 'struct':
      return plainStruct(format, value as Values, family)
    case 'rest':
      return (value as unknown[]).map((item) => plainField(format.element, item, family))
  }
}

function plainInteger(format: IntegerFormat | VariableIntegerFormat, value: number | bigint): Plain {
  const { constants } = format
  if (constants !== undefined) {
    const names = constantKeys(constants, value).map((key) =>
      typeof key === 'string' ? specificationName(key) : plainNumber(key),
    )
    return constants.isFlags ? names : (names[0] as Plain)
  }
  const isAddress = format.kind === 'integer' && format.hint === 'ipv4' && format.size === 4
  return isAddress ? integerAddress(Number(value), format.order) : plainNumber(value)
}

function plainNumber(value: number | bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}
