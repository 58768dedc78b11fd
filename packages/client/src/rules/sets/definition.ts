/** Sets that rules look packets up in, and that live while the rules do. */
import { MAXIMUM_NFTABLES_NAME } from '@ringlink/codec/internal'
import { boolean, integer, milliseconds, object, oneOf, required, type Schema, schemaOf } from '@ringlink/codec/options'
import { markKind, portKind } from '../fields/fields.ts'
import { addressKind, deviceNameKind, hardwareAddressKind, type ValueKind } from '../fields/kinds.ts'
import type { InSet, PropertyName } from '../properties.ts'

/** What the elements of a set are. */
export type SetElementType = 'ipv4' | 'ipv6' | 'port' | 'mark' | 'interface' | 'hardwareAddress'

/** How a set is made. */
export interface SetOptions {
  readonly type: SetElementType
  /** elements may be networks and ranges, which must not overlap; default false: single values only */
  readonly ranges?: boolean | undefined
  /** milliseconds after which an element without a time of its own goes; default never */
  readonly timeout?: number | undefined
  /** elements at most; default as many as the kernel has memory for, and 65,535 where rules add them */
  readonly size?: number | undefined
  /** rules add elements (`addTo`); default false. Not with `ranges` */
  readonly dynamic?: boolean | undefined
}

/** Sets by their names. */
export type RuleSets = Readonly<Record<string, SetOptions>>

/** A value of a set: an address, network or name as text, a port or mark as a number, a range of numbers. */
export type SetValue = string | number | { readonly from: number; readonly to: number }

/** An element, and the time that it has. */
export interface SetElement {
  readonly value: SetValue
  /** milliseconds that the element lives; default as the set says */
  readonly timeout?: number | undefined
}

/** An element of a set as the kernel lists it. */
export interface ListedElement {
  readonly value: SetValue
  /** milliseconds that it lives; `undefined`: forever */
  readonly timeout: number | undefined
  /** milliseconds that are left */
  readonly expires: number | undefined
}

const options: Schema<SetOptions> = object<SetOptions>(
  {
    type: required(oneOf('ipv4', 'ipv6', 'port', 'mark', 'interface', 'hardwareAddress')),
    ranges: boolean,
    timeout: milliseconds(1),
    size: integer(1, 0xffffffff),
    dynamic: boolean,
  },
  ({ ranges, dynamic }, place) => {
    if (ranges === true && dynamic === true)
      throw place.member('dynamic').conflict('cannot go with ranges: rules add single values')
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

const kinds: Readonly<Record<SetElementType, ValueKind<unknown>>> = {
  ipv4: addressKind(4),
  ipv6: addressKind(6),
  port: portKind,
  mark: markKind,
  interface: deviceNameKind,
  hardwareAddress: hardwareAddressKind,
}

/** The kind of values that elements of a type are. */
export function elementKind(type: SetElementType): ValueKind<unknown> {
  return kinds[type]
}

/** How the kernel has elements of a type in registers; in a set of ranges all are in network order. */
export function elementOrder({ type, ranges }: SetOptions): 'network' | 'host' {
  return type === 'mark' && ranges !== true ? 'host' : 'network'
}

const propertyTypes: Readonly<Partial<Record<PropertyName, readonly SetElementType[]>>> = {
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
  return propertyTypes[name] ?? []
}

/** Whether the value of a property is a set. */
export function isInSet(given: unknown): given is InSet {
  return typeof given === 'object' && given !== null && 'in' in given
}
