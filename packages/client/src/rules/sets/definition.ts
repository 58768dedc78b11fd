/** Checks how sets are made, and which properties can be looked up in them. */
import { MAXIMUM_NFTABLES_NAME } from '@ringlink/codec/internal'
import {
  boolean,
  either,
  integer,
  list,
  milliseconds,
  object,
  oneOf,
  required,
  type Schema,
  schemaOf,
} from '@ringlink/codec/options'
import type { InSet, PropertyName, SetProperty } from '../properties.ts'
import { LONGEST_KEY, shapeOf } from './shape.ts'
import type { RuleSets, SetElementType, SetOptions } from './types.ts'

const elementType = oneOf('ipv4', 'ipv6', 'port', 'mark', 'interface', 'hardwareAddress')
/** As many as nft's number of a type has room for. */
const MOST_PARTS = 5

const options: Schema<SetOptions> = object<SetOptions>(
  {
    type: required(either(elementType, list(elementType, 2, MOST_PARTS))),
    to: oneOf('verdict', 'mark'),
    ranges: boolean,
    timeout: milliseconds(1),
    size: integer(1, 0xffffffff),
    dynamic: boolean,
  },
  (given, place) => {
    const { ranges, dynamic, to } = given
    const at = place.member('dynamic')
    if (ranges === true && dynamic === true) throw at.conflict('cannot go with ranges: rules add single values')
    if (to !== undefined && dynamic === true)
      throw at.conflict('cannot go with to: rules add values, and nothing to them')
    const { length } = shapeOf(given)
    if (length > LONGEST_KEY)
      throw place.member('type').conflict(`makes keys of ${length} bytes, and the kernel has at most ${LONGEST_KEY}`)
  },
)

const NAME = /^[A-Za-z][\w.-]*$/
const EXPECTED = 'an object: the options of each set by its name'

/** `sets` of the options. */
export const ruleSets: Schema<RuleSets> = schemaOf(EXPECTED, ['object'], (given: Record<string, unknown>, place) => {
  const read: [string, SetOptions][] = []
  for (const [name, value] of Object.entries(given)) {
    const at = place.member(name)
    const isTooLong = name.length > MAXIMUM_NFTABLES_NAME
    if (!NAME.test(name) || isTooLong) {
      throw at.error(
        'VALUE_RANGE',
        `must be a name of letters, digits, '_', '-' and '.', at most ${MAXIMUM_NFTABLES_NAME}, that begins with a letter`,
      )
    }
    if (/^limit-\d+$/.test(name)) throw at.conflict('has a name that limits by address get')
    read.push([name, options.read(value, at)])
  }
  return Object.fromEntries(read)
})

const propertyTypes: Readonly<Record<SetProperty, readonly SetElementType[]>> = {
  sourceAddress: ['ipv4', 'ipv6'],
  destinationAddress: ['ipv4', 'ipv6'],
  sourcePort: ['port'],
  destinationPort: ['port'],
  mark: ['mark'],
  ctMark: ['mark'],
  inputInterface: ['interface'],
  outputInterface: ['interface'],
  sourceHardwareAddress: ['hardwareAddress'],
  destinationHardwareAddress: ['hardwareAddress'],
}

/** The types of sets that a property can be looked up in. */
export function typesOf(name: PropertyName): readonly SetElementType[] {
  return name in propertyTypes ? propertyTypes[name as SetProperty] : []
}

/** The properties that can be looked up in sets. */
export const setProperties: readonly SetProperty[] = Object.keys(propertyTypes) as SetProperty[]

/** Whether the value of a property is a set. */
export function isInSet(given: unknown): given is InSet {
  return typeof given === 'object' && given !== null && 'in' in given
}
