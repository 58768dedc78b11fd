/**
 * Descriptions of options: one per object, which does the check. A description is typed by the interface that documents
 * the object, so an option without a check does not compile.
 *
 * Reading copies the options: later changes to the caller's objects have no effect, so only checked values are used.
 */
import { OptionError } from '../errors.ts'
import { nearestNames } from './nearest.ts'
import { OptionPlace, typeOfValue, type ValueType } from './place.ts'

/** A description of the values that an option can have. */
export interface Schema<Value> {
  /** the values as text that follows "must be": `an integer from 0 to 65535` */
  readonly expected: string
  /** the types of these values, by which {@link either} distinguishes its alternatives */
  readonly types: readonly ValueType[]
  /** names of the members, of an object */
  readonly keys?: readonly string[]
  /**
   * Returns the value, with objects and arrays copied. Throws `OptionError`: `ARGUMENT` for a wrong type, `VALUE_RANGE`
   * for a value out of bounds.
   */
  read(value: unknown, place: OptionPlace): Value
}

/** A member that must be given. */
export interface Required<Value> extends Schema<Value> {
  readonly required: true
}

/** The descriptions of the members of an interface. Members that may be `undefined` may be left out. */
export type Members<Options> = {
  readonly [Key in keyof Options]-?: undefined extends Options[Key]
    ? Schema<Exclude<Options[Key], undefined>>
    : Required<Options[Key]>
}

export function required<Value>(schema: Schema<Value>): Required<Value> {
  return { ...schema, required: true }
}

/** Checks the options object of `operation`. Throws `OptionError`. */
export function readOptions<Value>(operation: string, schema: Schema<Value>, given: unknown): Value {
  return schema.read(given, new OptionPlace(operation))
}

/** Checks a named argument. Throws `OptionError`. */
export function readArgument<Value>(operation: string, name: string, schema: Schema<Value>, given: unknown): Value {
  const place = new OptionPlace(operation, name)
  if (given === undefined && !schema.types.includes('undefined')) throw place.missing(schema.expected)
  return schema.read(given, place)
}

/** Values of some types; `read` checks the rest. */
export function schemaOf<Value>(
  expected: string,
  types: readonly ValueType[],
  read: (value: never, place: OptionPlace) => Value,
): Schema<Value> {
  return {
    expected,
    types,
    read: (value, place) => {
      if (!types.includes(typeOfValue(value))) throw place.wrongType(expected, value)
      return read(value as never, place)
    },
  }
}

/** Integers from `minimum` to `maximum`, in the unit if given (`milliseconds`). */
export function integer(minimum: number, maximum: number, unit?: string): Schema<number> {
  const bounds = `from ${minimum} to ${maximum}`
  const expected = unit === undefined ? `an integer ${bounds}` : `an integer ${bounds} (${unit})`
  return schemaOf(expected, ['number'], (value: number, place) => {
    if (Number.isInteger(value) && value >= minimum && value <= maximum) return value
    throw place.outOfRange(expected, value)
  })
}

/** Numbers from `minimum` to `maximum`, in the unit if given. */
export function number(minimum: number, maximum: number, unit?: string): Schema<number> {
  const bounds = `a number from ${minimum} to ${maximum}`
  const expected = unit === undefined ? bounds : `${bounds} (${unit})`
  return schemaOf(expected, ['number'], (value: number, place) => {
    if (value >= minimum && value <= maximum) return value
    throw place.outOfRange(expected, value)
  })
}

/** Time to wait in milliseconds: from `minimum` to the longest time of a timer. */
export function milliseconds(minimum = 0): Schema<number> {
  return number(minimum, LONGEST_TIMER, 'milliseconds')
}

/** The maximum of `setTimeout`, which treats longer times as 1 ms. */
const LONGEST_TIMER = 0x7fffffff

export const boolean: Schema<boolean> = schemaOf('true or false', ['boolean'], (value: boolean) => value)

/** Text of `minimum` to `maximum` bytes in UTF-8, without a zero byte, which would end it in the kernel. */
export function text(minimum: number, maximum: number): Schema<string> {
  const expected = `text of ${minimum} to ${maximum} bytes without a zero byte`
  return schemaOf(expected, ['string'], (value: string, place) => {
    const length = new TextEncoder().encode(value).length
    if (length >= minimum && length <= maximum && !value.includes('\0')) return value
    throw place.outOfRange(`${expected} (it has ${length} bytes)`, value)
  })
}

/** One of some names. */
export function oneOf<Name extends string>(...names: readonly Name[]): Schema<Name> {
  const quoted = names.map((name) => `'${name}'`)
  const last = quoted.at(-1) ?? ''
  const expected = quoted.length < 2 ? last : `${quoted.slice(0, -1).join(', ')} or ${last}`
  return schemaOf(expected, ['string'], (value: string, place) => {
    const known = names.find((name) => name === value)
    if (known === undefined) throw place.outOfRange(expected, value)
    return known
  })
}

/** Any function; what it returns is checked where it is called. */
export function functionOf<Value>(expected: string): Schema<Value> {
  return schemaOf(expected, ['function'], (value: Value) => value)
}

/** An object that `isOne` recognises, passed on without a copy. */
export function instance<Value>(expected: string, isOne: (value: object) => boolean): Schema<Value> {
  return schemaOf(expected, ['object'], (value: object, place) => {
    if (!isOne(value)) throw place.wrongType(expected, value)
    return value as Value
  })
}

/** Any value. */
export const anything: Schema<unknown> = {
  expected: 'anything',
  types: ['undefined'],
  read: (value) => value,
}

/** An AbortSignal, of this realm or another. */
export const abortSignal: Schema<AbortSignal> = instance('an AbortSignal', (value) => {
  return 'aborted' in value && 'addEventListener' in value && 'throwIfAborted' in value
})

/** Bytes; they are not copied. */
export const bytes: Schema<Uint8Array> = instance('a Uint8Array', (value) => value instanceof Uint8Array)

/** An array of values, copied. */
export function list<Value>(element: Schema<Value>, minimum = 0, maximum = 0x7fffffff): Schema<readonly Value[]> {
  const expected = `a list, each element ${element.expected}`
  return schemaOf(expected, ['array'], (given: readonly unknown[], place) => {
    if (given.length < minimum) throw place.error('VALUE_RANGE', 'must not be an empty list')
    if (given.length > maximum) {
      throw place.error('VALUE_RANGE', `must be a list of at most ${maximum} elements, got ${given.length}`)
    }
    // Not with map(), which skips holes.
    return Array.from(given, (value, index) => {
      if (value === undefined) throw place.element(index).missing(element.expected)
      return element.read(value, place.element(index))
    })
  })
}

/**
 * A value of one of two schemas. If both are for its type, the first that accepts it reads it; if none does, the error
 * is that of the alternative which is nearer: its problem lies deeper in the value, or it knows more of the value's
 * keys.
 */
export function either<First, Second>(first: Schema<First>, second: Schema<Second>): Schema<First | Second> {
  const expected = `${first.expected}, or ${second.expected}`
  const keys = [...(first.keys ?? []), ...(second.keys ?? [])]
  return {
    expected,
    types: [...first.types, ...second.types],
    ...(keys.length === 0 ? {} : { keys }),
    read: (value, place) => {
      const type = typeOfValue(value)
      const isFirst = first.types.includes(type)
      const isSecond = second.types.includes(type)
      if (!isFirst && !isSecond) throw place.wrongType(expected, value)
      if (!isSecond) return first.read(value, place)
      if (!isFirst) return second.read(value, place)
      const problem = attempt(first, value, place)
      if (!(problem instanceof OptionError)) return problem.value
      const other = attempt(second, value, place)
      if (!(other instanceof OptionError)) return other.value
      const nearer = depth(other) - depth(problem) || keysKnown(second, value) - keysKnown(first, value)
      throw nearer > 0 ? other : problem
    },
  }
}

/** The value that was read, or why it is refused. */
function attempt<Value>(schema: Schema<Value>, value: unknown, place: OptionPlace): { value: Value } | OptionError {
  try {
    return { value: schema.read(value, place) }
  } catch (error) {
    if (error instanceof OptionError) return error
    throw error
  }
}

/** Number of members and elements that lead to the problem. */
function depth({ path }: OptionError): number {
  return path.split(/[.[]/).length
}

/** Number of keys of `value` that the schema knows, or that are near one that it knows. */
function keysKnown({ keys = [] }: Schema<unknown>, value: unknown): number {
  return Object.keys(value as object).filter((key) => nearestNames(key, keys).length > 0).length
}

/**
 * An object with these members and no others, copied. `check` gets the copy and refuses members that conflict.
 */
export function object<Options>(
  members: Members<Options>,
  check?: (options: Options, place: OptionPlace) => void,
): Schema<Options> & { readonly members: Members<Options> } {
  const schemas = Object.entries(members) as [string, Schema<unknown> & Partial<Required<unknown>>][]
  const keys = schemas.map(([key]) => key)
  return {
    expected: 'an object',
    types: ['object'],
    keys,
    members,
    read: (given, place) => {
      if (typeOfValue(given) !== 'object') {
        if (given === undefined) throw place.missing('an object')
        throw place.wrongType('an object', given)
      }
      const source = given as Readonly<Record<string, unknown>>
      const isMissing = ([key, schema]: (typeof schemas)[number]) =>
        schema.required === true && source[key] === undefined
      // Includes inherited keys, because they would be read.
      for (const key in source) {
        if (!keys.includes(key)) throw place.unknownKey(key, hint(key, schemas, schemas.find(isMissing)?.[0]))
      }
      const options: Record<string, unknown> = {}
      for (const [key, schema] of schemas) {
        const value = source[key]
        if (value !== undefined) options[key] = schema.read(value, place.member(key))
        else if (schema.required === true) throw place.member(key).missing(schema.expected)
      }
      check?.(options as Options, place)
      return options as Options
    },
  }
}

const MOST_KEYS = 12

/** A hint for an unknown key: similar keys of `schemas`. */
function hint(key: string, schemas: readonly [string, Schema<unknown>][], missing: string | undefined): string {
  const inside = schemas.find(([, schema]) => schema.keys?.includes(key) === true)
  if (inside !== undefined) return `, did you mean ${inside[0]}.${key}?`
  const keys = schemas.map(([name]) => name)
  const near = nearestNames(key, keys)
  if (near.length > 0) return `, did you mean ${near.join(' or ')}?`
  if (missing !== undefined) return `, and ${missing} is missing`
  if (keys.length === 0) return ', there are none'
  const more = keys.length > MOST_KEYS ? ', ...' : ''
  return `, expected ${keys.slice(0, MOST_KEYS).join(', ')}${more}`
}
