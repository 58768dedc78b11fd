/** IP addresses: text to bytes and back (IPv4; IPv6 as in RFC 4291 section 2.2 and RFC 5952). */
import { EncodeError } from '@ringlink/codec/errors'

/** `192.0.2.1`, `2001:db8::1`, or the 4 or 16 bytes of one. */
export type Address = string | Uint8Array

export const IPV4_ADDRESS_LENGTH = 4
export const IPV6_ADDRESS_LENGTH = 16
const GROUPS = IPV6_ADDRESS_LENGTH / 2
/** `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255` */
const LONGEST_TEXT = 45

/** The 4 or 16 bytes of an address. Bytes pass as they are, not copied. Throws `EncodeError`, code `VALUE_RANGE`. */
export function addressBytes(address: Address): Uint8Array {
  if (typeof address === 'string') return parseAddress(address)
  if (address.length !== IPV4_ADDRESS_LENGTH && address.length !== IPV6_ADDRESS_LENGTH) {
    throw new EncodeError('VALUE_RANGE', `address: 4 or 16 bytes wanted, not ${address.length}`)
  }
  return address
}

/**
 * The bytes that the text stands for: 4 or 16. No zone (`%eth0`) and no prefix length. Throws `EncodeError`, code
 * `VALUE_RANGE`.
 */
export function parseAddress(text: string): Uint8Array {
  const bytes =
    text.length > LONGEST_TEXT ? undefined : text.includes(':') ? parseIpv6(text) : Uint8Array.from(parseIpv4(text))
  if (bytes === undefined || bytes.length === 0) {
    throw new EncodeError('VALUE_RANGE', `address: ${JSON.stringify(text.slice(0, LONGEST_TEXT))} is none`)
  }
  return bytes
}

function parseIpv4(text: string): number[] {
  const parts = text.split('.')
  // A leading zero is refused: inet_aton(3) reads it as octal, others as decimal.
  const valid = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 0xff)
  return valid ? parts.map(Number) : []
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0] as string, halves.length === 1)
  const tail = halves.length === 1 ? [] : parseGroups(halves[1] as string, true)
  if (head === undefined || tail === undefined) return undefined
  const written = (head.length + tail.length) / 2
  // `::` stands for one group of zeros at least (RFC 4291 section 2.2).
  if (halves.length === 1 ? written !== GROUPS : written >= GROUPS) return undefined
  const bytes = new Uint8Array(IPV6_ADDRESS_LENGTH)
  bytes.set(head)
  bytes.set(tail, IPV6_ADDRESS_LENGTH - tail.length)
  return bytes
}

function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return []
  const groups = text.split(':')
  const bytes: number[] = []
  for (const [index, group] of groups.entries()) {
    if (/^[\da-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
      continue
    }
    const embedded = last && index === groups.length - 1 ? parseIpv4(group) : []
    if (embedded.length === 0) return undefined
    bytes.push(...embedded)
  }
  return bytes
}

/** The address of 4 or 16 bytes as text; IPv6 as RFC 5952 wants it. Throws `EncodeError`, code `VALUE_RANGE`. */
export function formatAddress(bytes: Uint8Array): string {
  return addressBytes(bytes).length === IPV4_ADDRESS_LENGTH ? bytes.join('.') : formatIpv6(bytes)
}

function formatIpv6(bytes: Uint8Array): string {
  const groups = Array.from(
    { length: GROUPS },
    (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  )
  // An IPv4-mapped address shows its IPv4 address (RFC 5952 section 5).
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join('.')}`
  }
  // The longest run of zeros is shortened, the first of equals, none of a single group (RFC 5952 section 4.2).
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
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  return length === 1 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`
}
