/** Reads the elements that a program gives a set, and checks them. */

import { MAXIMUM_NFTABLES_NAME } from '@ringlink/codec/internal'
import {
  either,
  integer,
  list,
  milliseconds,
  type OptionPlace,
  object,
  oneOf,
  required,
  type Schema,
  text,
} from '@ringlink/codec/options'
import { tryParseAddress } from '@ringlink/packet'
import type { ValueKind } from '../fields/kinds.ts'
import { checkOverlap } from '../fields/test.ts'
import type { KeyRange } from '../set.ts'
import { type KeyedElement, keyedElement, type PlainElements } from './elements.ts'
import { checkCombinations } from './overlap.ts'
import { type KeyPart, type KeyShape, shapeOf } from './shape.ts'
import type { MapTarget, SetElement, SetOptions, SetPart, SetValue } from './types.ts'

/** What elements of a set can be. */
export class ElementReader {
  #options: SetOptions
  #shape: KeyShape
  #chains: readonly string[]
  #element: Schema<SetValue | SetElement>
  #value: Schema<SetValue>

  /** `chains` are those that verdicts can jump to. */
  constructor(options: SetOptions, chains: readonly string[]) {
    this.#options = options
    this.#shape = shapeOf(options)
    this.#chains = chains
    this.#value = valueSchema(this.#shape)
    this.#element = elementSchema(this.#value, options)
  }

  /** The elements of `add` and `replace`: one or several. Throws `OptionError`. */
  elements(given: unknown, timeout: number | undefined, place: OptionPlace): KeyedElement[] {
    const isList = this.#isList(given)
    const read = isList ? list(this.#element).read(given, place) : [this.#element.read(given, place)]
    const placeOf = (index: number) => (isList ? place.element(index) : place)
    const values = read.map((element) => (isWithOptions(element) ? element.value : element))
    const ranges = this.#ranges(values, placeOf)
    if (this.#options.ranges === true) this.#checkOverlap(values, ranges, place)
    return read.map((element, index) => {
      const { timeout: own, to } = isWithOptions(element) ? element : {}
      if (this.#options.to !== undefined) this.#checkTarget(to, placeOf(index))
      return keyedElement(ranges[index] as readonly KeyRange[], this.#shape, this.#options, {
        timeout: own ?? timeout,
        to,
      })
    })
  }

  /** The elements of a list of single addresses, of which there may be very many; `undefined` for anything else. */
  plainAddresses(given: unknown, timeout: number | undefined): PlainElements | undefined {
    const { type, ranges, to } = this.#options
    if (!Array.isArray(given) || ranges === true || to !== undefined || (type !== 'ipv4' && type !== 'ipv6'))
      return undefined
    const keyLength = type === 'ipv4' ? 4 : 16
    const values = given as readonly unknown[]
    const keys = new Uint8Array(values.length * keyLength)
    for (let index = 0; index < values.length; index++) {
      const value = values[index]
      const key = typeof value === 'string' ? tryParseAddress(value) : undefined
      if (key?.length !== keyLength) return undefined
      keys.set(key, index * keyLength)
    }
    return { keys, keyLength, timeout }
  }

  /** The values of `delete` and `has`: one or several. Throws `OptionError`. */
  values(given: unknown, place: OptionPlace): KeyedElement[] {
    const isList = this.#isList(given)
    const values = isList ? list(this.#value).read(given, place) : [this.#value.read(given, place)]
    const ranges = this.#ranges(values, (index) => (isList ? place.element(index) : place))
    return ranges.map((it) => keyedElement(it, this.#shape, this.#options, {}))
  }

  /** Whether it is a list of elements: an element of several values is a list too. */
  #isList(given: unknown): given is readonly unknown[] {
    if (!Array.isArray(given)) return false
    if (this.#shape.parts.length === 1) return true
    const [first] = given as readonly unknown[]
    return first === undefined || Array.isArray(first) || isWithOptions(first)
  }

  #ranges(values: readonly SetValue[], placeOf: (index: number) => OptionPlace): KeyRange[][] {
    const { parts } = this.#shape
    return values.map((value, index) => {
      const own = parts.length === 1 ? [value as SetPart] : (value as readonly SetPart[])
      return own.map((part, number) => {
        const range = (parts[number] as KeyPart).kind.rangeOf(part)
        if (range.from === range.to || this.#options.ranges === true) return range
        const at = parts.length === 1 ? placeOf(index) : placeOf(index).element(number)
        throw at.conflict('must be a single value: the set was made without ranges')
      })
    })
  }

  #checkOverlap(values: readonly SetValue[], ranges: readonly (readonly KeyRange[])[], place: OptionPlace): void {
    const [part, ...more] = this.#shape.parts
    if (more.length === 0 && part !== undefined) checkOverlap(part.kind, values, place)
    else checkCombinations(ranges, place)
  }

  #checkTarget(to: MapTarget | undefined, place: OptionPlace): void {
    if (typeof to !== 'object') return
    const name = 'jump' in to ? 'jump' : 'goto'
    const chain = 'jump' in to ? to.jump : to.goto
    if (this.#chains.includes(chain)) return
    const known = this.#chains.length === 0 ? 'there are none' : `there are ${this.#chains.join(', ')}`
    throw place.member('to').member(name).conflict(`needs a chain of these rules, got '${chain}': ${known}`)
  }
}

function isWithOptions(element: unknown): element is SetElement {
  return typeof element === 'object' && element !== null && 'value' in element
}

/** Values of the set's type, addresses of its IP version. */
function valueSchema({ parts }: KeyShape): Schema<SetValue> {
  const schemas = parts.map(({ kind }) => checked(kind))
  const [only, ...more] = schemas as [Schema<SetPart>, ...Schema<SetPart>[]]
  if (more.length === 0) return only
  const expected = `a list of ${schemas.length} values: ${schemas.map((it) => it.expected).join('; ')}`
  return {
    expected,
    types: ['array'],
    read: (given, place) => {
      if (!Array.isArray(given)) throw place.wrongType(expected, given)
      if (given.length !== schemas.length)
        throw place.error('VALUE_RANGE', `must be ${expected}, got ${given.length} values`)
      return schemas.map((schema, index) => schema.read(given[index], place.element(index)))
    },
  }
}

/** A value, or an object with one and what else an element has. */
function elementSchema(value: Schema<SetValue>, { to }: SetOptions): Schema<SetValue | SetElement> {
  const isMap = to !== undefined
  const target = to === undefined ? noTarget : to === 'mark' ? integer(0, 0xffffffff) : verdictSchema
  const withOptions = object<SetElement>(
    { value: required(value), to: target, timeout: milliseconds(1) },
    (element, place) => {
      if (isMap && element.to === undefined) throw place.member('to').missing(target.expected)
    },
  )
  const expected = isMap ? '{ value, to, timeout }' : `${value.expected}, or { value, timeout }`
  return {
    expected,
    types: isMap ? ['object'] : [...value.types.filter((it) => it !== 'object'), 'object'],
    read: (given, place) => {
      if (isWithOptions(given)) return withOptions.read(given, place)
      if (isMap) throw place.wrongType(expected, given)
      return value.read(given, place)
    },
  }
}

const noTarget: Schema<MapTarget> = {
  expected: 'nothing',
  types: [],
  read: (_, place) => {
    throw place.conflict('belongs to a map, and the set was made without to')
  },
}

const chainName = text(1, MAXIMUM_NFTABLES_NAME)
const verdictName = oneOf('accept', 'drop', 'continue', 'return')
const jump = object<{ readonly jump: string }>({ jump: required(chainName) })
const goto = object<{ readonly goto: string }>({ goto: required(chainName) })
const verdictSchema: Schema<MapTarget> = either(verdictName, either(jump, goto))

/** Values of a kind; addresses of its IP version. */
function checked(kind: ValueKind<unknown>): Schema<SetPart> {
  return {
    expected: kind.expected,
    types: kind.element.types,
    read: (given, place) => {
      const value = kind.element.read(given, place) as SetPart
      if (typeof value === 'string' && kind.parse(value) === undefined) throw place.outOfRange(kind.expected, value)
      return value
    },
  }
}
