/**
 * The kinds of values that properties have. Every value is a range of numbers: an address one of 4 or 16 bytes, the
 * name of a device one of 16. So one compiler compares them all, and one check finds those that overlap.
 */
import { integer, object, oneOf, required, type Schema, schemaOf } from '@ringlink/codec/options'
import { formatHardwareAddress, tryParseAddress, tryParsePrefix } from '@ringlink/packet'
import type { NumberRange } from '../properties.ts'
import { type KeyRange, keyBytes, keyOf } from '../set.ts'
import type { Names } from './names.ts'

/** How one value of a property is read, compared and written. */
export interface ValueKind<Value> {
  /** bytes of the number in a register or the key of a set */
  readonly length: number
  /** nft's number of its data type: by it nft prints a set */
  readonly type: number
  readonly element: Schema<Value>
  /** what nft's text for a value is, for errors */
  readonly expected: string
  /** the numbers that packets can have, where those are fewer than the bytes allow */
  readonly domain?: KeyRange
  rangeOf(value: Value): KeyRange
  /** the value that a token of nft stands for; `undefined` for what is not one */
  parse(token: string): Value | undefined
  print(value: Value): string
}

/** nft's numbers of data types (`enum datatypes`). */
export const DataType = {
  Verdict: 1,
  Integer: 4,
  Ipv4Address: 7,
  Ipv6Address: 8,
  EthernetAddress: 9,
  EtherType: 10,
  Protocol: 12,
  Port: 13,
  IcmpType: 14,
  TcpFlag: 15,
  Mark: 19,
  UserId: 24,
  GroupId: 25,
  ConnectionState: 26,
  ConnectionDirection: 27,
  ConnectionStatus: 28,
  Icmpv6Type: 29,
  PacketType: 31,
  IcmpCode: 32,
  Icmpv6Code: 33,
  DeviceGroup: 35,
  Dscp: 36,
  DeviceName: 41,
  Hour: 44,
  Day: 45,
} as const
export type DataType = (typeof DataType)[keyof typeof DataType]

/** Numbers `from` to `to`. */
export function numberRange(minimum: number, maximum: number): Schema<NumberRange> {
  const end = required(integer(minimum, maximum))
  return object<NumberRange>({ from: end, to: end }, ({ from, to }, place) => {
    if (to < from) throw place.member('to').outOfRange(`at least ${from}, which is where the range begins`, to)
  })
}

const NUMBER = /^(0x[0-9a-f]{1,13}|\d{1,16})$/i

/** A number as nft writes it: decimal or hexadecimal. */
export function parseNumber(token: string): number | undefined {
  if (!NUMBER.test(token)) return undefined
  const value = Number(token)
  return Number.isSafeInteger(value) ? value : undefined
}

function single(value: number): KeyRange {
  return { from: BigInt(value), to: BigInt(value) }
}

/** Numbers, some of which may have names, and ranges of them; `aliases` are names that only texts have. */
export function numberKind<Name extends string = never>(
  length: number,
  type: number,
  {
    minimum = 0,
    maximum,
    names = {},
    aliases = {},
  }: { minimum?: number; maximum: number; names?: Names; aliases?: Names },
): ValueKind<Name | number | NumberRange> {
  const number = integer(minimum, maximum)
  const range = numberRange(minimum, maximum)
  const known = Object.keys(names)
  const [example] = [...known, ...Object.keys(aliases)]
  const listed = known.length === 0 ? '' : ` or a name such as '${known[0]}'`
  const inText = example === undefined ? '' : ` or a name such as '${example}'`
  const expected = `${number.expected}${listed}, or a range of them`
  const readOne = (token: string): Name | number | undefined => {
    if (Object.hasOwn(names, token)) return token as Name
    if (Object.hasOwn(aliases, token)) return aliases[token]
    const value = parseNumber(token)
    return value !== undefined && value >= minimum && value <= maximum ? value : undefined
  }
  const numberOf = (value: Name | number) => (typeof value === 'number' ? value : (names[value] as number))
  return {
    length,
    type,
    domain: { from: BigInt(minimum), to: BigInt(maximum) },
    expected: `${number.expected}${inText}, or a range of them`,
    element: {
      expected,
      types: known.length === 0 ? ['number', 'object'] : ['number', 'object', 'string'],
      read: (value, place) => {
        if (typeof value === 'string' && known.length > 0) {
          if (Object.hasOwn(names, value)) return value as Name
          throw place.outOfRange(`one of ${known.map((name) => `'${name}'`).join(', ')} or a number`, value)
        }
        if (typeof value === 'object' && value !== null && !Array.isArray(value)) return range.read(value, place)
        if (typeof value !== 'number') throw place.wrongType(expected, value)
        return number.read(value, place)
      },
    },
    rangeOf: (value) =>
      typeof value === 'object' ? { from: BigInt(value.from), to: BigInt(value.to) } : single(numberOf(value)),
    parse: (token) => {
      const dash = token.indexOf('-', 1)
      const whole = readOne(token)
      if (whole !== undefined || dash < 0) return whole
      const [from, to] = [readOne(token.slice(0, dash)), readOne(token.slice(dash + 1))]
      if (from === undefined || to === undefined || numberOf(from) > numberOf(to)) return undefined
      return { from: numberOf(from), to: numberOf(to) }
    },
    print: (value) => (typeof value === 'object' ? `${value.from}-${value.to}` : String(value)),
  }
}

/** Names, and nothing else. */
export function nameKind<Name extends string>(length: number, type: number, names: Readonly<Record<Name, number>>) {
  const known = Object.keys(names) as Name[]
  const element = oneOf(...known)
  return {
    length,
    type,
    element,
    expected: element.expected,
    rangeOf: (value: Name) => single(names[value]),
    parse: (token: string) => known.find((name) => name === token.toLowerCase()),
    print: (value: Name) => value as string,
  } satisfies ValueKind<Name>
}

/** A number or a name, and no ranges. */
export function codeKind<Name extends string>(
  length: number,
  type: number,
  names: Readonly<Record<Name, number>>,
  number: Schema<number>,
  aliases: Readonly<Record<string, Name | number>> = {},
): ValueKind<Name | number> {
  const known = Object.keys(names) as Name[]
  const name = oneOf(...known)
  const expected = `${name.expected} or ${number.expected}`
  const maximum = 256 ** length - 1
  return {
    length,
    type,
    expected,
    element: {
      expected,
      types: ['string', 'number'],
      read: (value, place) => {
        if (typeof value === 'string') return name.read(value, place)
        if (typeof value !== 'number') throw place.wrongType(expected, value)
        return number.read(value, place)
      },
    },
    rangeOf: (value) => single(typeof value === 'number' ? value : names[value]),
    parse: (token) => {
      const value = parseNumber(token)
      return (
        known.find((it) => it === token) ??
        aliases[token] ??
        (value !== undefined && value <= maximum ? value : undefined)
      )
    },
    print: (value) => String(value),
  }
}

const ADDRESS = 'an IPv4 or IPv6 address, a network such as 10.0.0.0/8, or a range such as 10.0.0.1-10.0.0.9'

/** The addresses of a network or range, their IP version, and the length of the prefix where they have one. */
export interface AddressRange extends KeyRange {
  readonly version: 4 | 6
  /** bits; `undefined` for a range */
  readonly prefix: number | undefined
}

/** Reads an address, a network or a range of addresses; `undefined` for other texts. */
export function addressRange(text: string): AddressRange | undefined {
  const dash = text.indexOf('-')
  if (dash >= 0) {
    const [first, last] = [tryParseAddress(text.slice(0, dash)), tryParseAddress(text.slice(dash + 1))]
    if (first === undefined || last === undefined || first.length !== last.length) return undefined
    const [from, to] = [keyOf(first), keyOf(last)]
    if (from > to) return undefined
    return { from, to, version: first.length === 4 ? 4 : 6, prefix: from === to ? first.length * 8 : undefined }
  }
  const prefix = tryParsePrefix(text)
  if (prefix === undefined) return undefined
  const to = keyOf(prefix.bytes.map((byte, i) => byte | (~(prefix.mask[i] as number) & 0xff)))
  return { from: keyOf(prefix.bytes), to, version: prefix.version, prefix: prefix.length }
}

/** Addresses; where `version` is given, of that IP version. */
export function addressKind(version: 4 | 6): ValueKind<string> {
  return {
    length: version === 4 ? 4 : 16,
    type: version === 4 ? DataType.Ipv4Address : DataType.Ipv6Address,
    element: addressSchema,
    expected: version === 4 ? 'an IPv4 address, network or range' : 'an IPv6 address, network or range',
    rangeOf: (text) => addressRange(text) as AddressRange,
    parse: (token) => (addressRange(token)?.version === version ? token : undefined),
    print: (value) => value,
  }
}

const addressSchema: Schema<string> = schemaOf(ADDRESS, ['string'], (value: string, place) => {
  if (addressRange(value) !== undefined) return value
  throw place.outOfRange(ADDRESS, value)
})

const HARDWARE_ADDRESS = 'a MAC address such as 02:00:00:00:00:01'
const HARDWARE_ADDRESS_LENGTH = 6

function hardwareAddressKey(text: string): bigint | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined
  return BigInt(`0x${text.replaceAll(':', '')}`)
}

export const hardwareAddressKind: ValueKind<string> = {
  length: HARDWARE_ADDRESS_LENGTH,
  type: DataType.EthernetAddress,
  expected: HARDWARE_ADDRESS,
  element: schemaOf(HARDWARE_ADDRESS, ['string'], (value: string, place) => {
    if (hardwareAddressKey(value) !== undefined) return value
    throw place.outOfRange(HARDWARE_ADDRESS, value)
  }),
  rangeOf: (value) => {
    const key = hardwareAddressKey(value) as bigint
    return { from: key, to: key }
  },
  parse: (token) => (hardwareAddressKey(token) === undefined ? undefined : token.toLowerCase()),
  print: (value) => formatHardwareAddress(keyBytes(hardwareAddressKey(value) as bigint, HARDWARE_ADDRESS_LENGTH)),
}

const LONGEST_DEVICE_NAME = 15
const DEVICE_NAME_LENGTH = 16

/** Whether devices can have this name: 1 to 15 bytes, without white space, `/` and `:` (`dev_valid_name`). */
export function isDeviceName(name: string): boolean {
  if (name === '.' || name === '..') return false
  return new TextEncoder().encode(name).length <= LONGEST_DEVICE_NAME && /^[^\s/:\0]+$/.test(name)
}

const DEVICE = 'the name of a network device, 1 to 15 bytes'
export const device: Schema<string> = schemaOf(DEVICE, ['string'], (name: string, place) => {
  if (isDeviceName(name)) return name
  throw place.outOfRange(DEVICE, name)
})

const DEVICES = `${DEVICE}, or the beginning of several followed by '*'`

export const deviceNameKind: ValueKind<string> = {
  length: DEVICE_NAME_LENGTH,
  type: DataType.DeviceName,
  expected: DEVICES,
  element: schemaOf(DEVICES, ['string'], (name: string, place) => {
    if (name !== '*' && isDeviceName(name)) return name
    throw place.outOfRange(DEVICES, name)
  }),
  rangeOf: (name) => {
    const isPrefix = name.endsWith('*')
    const text = new TextEncoder().encode(isPrefix ? name.slice(0, -1) : name)
    const from = new Uint8Array(DEVICE_NAME_LENGTH)
    from.set(text)
    const to = from.slice()
    if (isPrefix) to.fill(0xff, text.length)
    return { from: keyOf(from), to: keyOf(to) }
  },
  parse: (token) => (token !== '*' && isDeviceName(token) ? token : undefined),
  print: (value) => `"${value}"`,
}
