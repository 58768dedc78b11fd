/**
 * Addresses: IPv4 (4 bytes), IPv6 (16 bytes) and hardware addresses (any other length, 6 for Ethernet), as bytes and as
 * text. IPv6 text is read according to RFC 4291 section 2.2 and written according to RFC 5952.
 */
import { EncodeError } from '@ringlink/codec/errors'
import { show } from './bytes.ts'

/** An IP address as a caller gives it: `192.0.2.1`, `2001:db8::1`, or the 4 or 16 bytes of one. */
export type Address = string | Uint8Array

export const IPV4_ADDRESS_LENGTH = 4
export const IPV6_ADDRESS_LENGTH = 16
export const HARDWARE_ADDRESS_LENGTH = 6
const GROUPS = IPV6_ADDRESS_LENGTH / 2
/** Longer than any address: `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` */
const LONGEST_TEXT = 45
const LONGEST_IPV4_TEXT = 15

/** The 4 or 16 bytes of an address; bytes are passed on, not copied. Throws `EncodeError`, code `VALUE_RANGE`. */
export function addressBytes(address: Address): Uint8Array {
  if (!(address instanceof Uint8Array)) return parseAddress(address)
  if (address.length !== IPV4_ADDRESS_LENGTH && address.length !== IPV6_ADDRESS_LENGTH) {
    throw new EncodeError('VALUE_RANGE', `an IP address must have 4 or 16 bytes, got ${address.length}`)
  }
  return address
}

/** Parses text into 4 or 16 bytes. No zone (`%eth0`), no prefix length. Throws `EncodeError`, code `VALUE_RANGE`. */
export function parseAddress(text: string): Uint8Array<ArrayBuffer> {
  const bytes = tryParseAddress(text)
  if (bytes !== undefined) return bytes
  throw new EncodeError('VALUE_RANGE', `expected an IPv4 or IPv6 address, got ${show(text)}`)
}

/** As {@link parseAddress}, but returns `undefined` for an invalid address. */
export function tryParseAddress(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (typeof text !== 'string' || text.length > LONGEST_TEXT) return undefined
  if (text.includes(':')) return parseIpv6(text)
  const number = ipv4Number(text)
  if (number < 0) return undefined
  const bytes = new Uint8Array(IPV4_ADDRESS_LENGTH)
  bytes[0] = number >>> 24
  bytes[1] = number >>> 16
  bytes[2] = number >>> 8
  bytes[3] = number
  return bytes
}

function parseIpv4(text: string): number[] | undefined {
  const number = ipv4Number(text)
  return number < 0 ? undefined : [number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff]
}

const DOT = 46
const ZERO = 48

/**
 * The IPv4 address as a number of 32 bits, -1 for any other text. Lists have hundreds of thousands, so it makes no
 * parts.
 */
function ipv4Number(text: string): number {
  if (text.length > LONGEST_IPV4_TEXT) return -1
  let number = 0
  let part = 0
  let digits = 0
  let dots = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === DOT) {
      if (digits === 0 || ++dots > 3) return -1
      number = number * 256 + part
      part = 0
      digits = 0
      continue
    }
    const digit = code - ZERO
    // Refuses a leading zero: inet_aton(3) reads it as octal, others as decimal.
    if (digit < 0 || digit > 9 || (digits > 0 && part === 0)) return -1
    part = part * 10 + digit
    digits++
    if (part > 0xff) return -1
  }
  return dots === 3 && digits > 0 ? number * 256 + part : -1
}

function parseIpv6(text: string): Uint8Array<ArrayBuffer> | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const isWhole = halves.length === 1
  const head = parseGroups(halves[0] as string, isWhole)
  const tail = isWhole ? [] : parseGroups(halves[1] as string, true)
  if (head === undefined || tail === undefined) return undefined
  const written = (head.length + tail.length) / 2
  // `::` stands for at least one group of zeros (RFC 4291 section 2.2).
  if (isWhole ? written !== GROUPS : written >= GROUPS) return undefined
  const bytes = new Uint8Array(IPV6_ADDRESS_LENGTH)
  bytes.set(head)
  bytes.set(tail, IPV6_ADDRESS_LENGTH - tail.length)
  return bytes
}

/** @param mayEmbed whether the last group may be an IPv4 address */
function parseGroups(text: string, mayEmbed: boolean): number[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  const bytes: number[] = []
  for (const [index, group] of groups.entries()) {
    if (/^[\da-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
      continue
    }
    const embedded = mayEmbed && index === groups.length - 1 ? parseIpv4(group) : undefined
    if (embedded === undefined) return undefined
    bytes.push(...embedded)
  }
  return bytes
}

/** The address of 4 or 16 bytes as text. Throws `EncodeError`, code `VALUE_RANGE`. */
export function formatAddress(bytes: Uint8Array): string {
  return addressBytes(bytes).length === IPV4_ADDRESS_LENGTH ? bytes.join('.') : formatIpv6(bytes)
}

function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from(
    { length: GROUPS },
    (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  )
  // An IPv4-mapped address shows its IPv4 address (RFC 5952 section 5).
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)) {
    return `::ffff:${bytes.subarray(12).join('.')}`
  }
  // The longest run of zeros is shortened: the first of equal ones, never a single group (RFC 5952 section 4.2).
  let start = 0
  let length = 1
  for (let index = 0; index < GROUPS; index++) {
    let end = index
    while (end < GROUPS && groups[end] === 0) end++
    if (end - index > length) {
      start = index
      length = end - index
    }
    if (end > index) index = end
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  return length === 1 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}

/** Orders addresses: IPv4 before IPv6, then by value. Negative, 0 or positive, for `Array.prototype.sort`. */
export function compareAddresses(first: Uint8Array, second: Uint8Array): number {
  if (first.length !== second.length) return first.length - second.length
  for (let i = 0; i < first.length; i++) {
    const difference = (first[i] as number) - (second[i] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** The bytes of `02:00:00:00:0c:02`. Throws `EncodeError`, code `VALUE_RANGE`. */
export function parseHardwareAddress(text: string): Uint8Array<ArrayBuffer> {
  if (typeof text === 'string' && /^[\da-fA-F]{1,2}([:-][\da-fA-F]{1,2}){5}$/.test(text)) {
    return Uint8Array.from(text.split(/[:-]/), (byte) => Number.parseInt(byte, 16))
  }
  throw new EncodeError('VALUE_RANGE', `expected a hardware address such as 02:00:00:00:0c:02, got ${show(text)}`)
}

/** The 6 bytes of a hardware address that a caller gave. Throws `EncodeError`, code `VALUE_RANGE`. */
export function hardwareAddressBytes(name: string, address: Address): Uint8Array {
  if (!(address instanceof Uint8Array)) return parseHardwareAddress(address)
  if (address.length === HARDWARE_ADDRESS_LENGTH) return address
  throw new EncodeError('VALUE_RANGE', `${name} must have ${HARDWARE_ADDRESS_LENGTH} bytes, got ${address.length}`)
}

/** The bytes of an IP address of the given version that a caller gave. Throws `EncodeError`, code `VALUE_RANGE`. */
export function addressOfVersion(name: string, address: Address, version: 4 | 6): Uint8Array {
  const bytes = addressBytes(address)
  if ((bytes.length === IPV4_ADDRESS_LENGTH) === (version === 4)) return bytes
  throw new EncodeError('VALUE_RANGE', `${name} must be an IPv${version} address, got ${formatAddress(bytes)}`)
}

/** A hardware address of any length as text: `02:00:00:00:0c:02`. */
export function formatHardwareAddress(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(':')
}
