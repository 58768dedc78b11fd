/** Prefixes of IP addresses: `192.0.2.0/24`, `2001:db8::/32`. */
import { EncodeError } from '@ringlink/codec/errors'
import { addressBytes, formatAddress, tryParseAddress } from './address.ts'
import { show } from './bytes.ts'

/** The addresses that begin with the same `length` bits. */
export interface Prefix {
  readonly version: 4 | 6
  /** the first address: zeros after the prefix */
  readonly bytes: Uint8Array
  /** ones where the prefix is, zeros after it */
  readonly mask: Uint8Array
  /** bits of the prefix */
  readonly length: number
}

/**
 * Reads `ADDRESS/LENGTH`, or `ADDRESS` as the prefix of this one address. Bits after the prefix may be set and are
 * ignored. Throws `EncodeError`, code `VALUE_RANGE`.
 */
export function parsePrefix(text: string): Prefix {
  const prefix = tryParsePrefix(text)
  if (prefix !== undefined) return prefix
  throw new EncodeError('VALUE_RANGE', `expected an IP address or ADDRESS/LENGTH, got ${show(text)}`)
}

/** As {@link parsePrefix}, but returns `undefined` for an invalid prefix. */
export function tryParsePrefix(text: string): Prefix | undefined {
  if (typeof text !== 'string') return undefined
  const slash = text.indexOf('/')
  const bytes = tryParseAddress(slash < 0 ? text : text.slice(0, slash))
  if (bytes === undefined) return undefined
  const suffix = slash < 0 ? String(bytes.length * 8) : text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(suffix) || Number(suffix) > bytes.length * 8) return undefined
  return makePrefix(bytes, Number(suffix))
}

/** The prefix of `length` bits that an address begins with. Throws `EncodeError`, code `VALUE_RANGE`. */
export function prefixOf(address: string | Uint8Array, length: number): Prefix {
  const bytes = addressBytes(address)
  if (Number.isInteger(length) && length >= 0 && length <= bytes.length * 8) return makePrefix(bytes, length)
  const expected = `an integer from 0 to ${bytes.length * 8}`
  throw new EncodeError('VALUE_RANGE', `a prefix length must be ${expected}, got ${show(length)}`)
}

function makePrefix(address: Uint8Array, length: number): Prefix {
  const mask = address.map((_, i) => (0xff00 >> Math.min(8, Math.max(0, length - i * 8))) & 0xff)
  const bytes = address.map((byte, i) => byte & (mask[i] as number))
  return { version: address.length === 4 ? 4 : 6, bytes, mask, length }
}

/** `192.0.2.0/24` */
export function formatPrefix({ bytes, length }: Prefix): string {
  return `${formatAddress(bytes)}/${length}`
}

/**
 * Whether the address lies inside the prefix; never if the versions differ. Throws `EncodeError` for an invalid
 * address.
 */
export function prefixContains(prefix: Prefix, address: string | Uint8Array): boolean {
  const bytes = addressBytes(address)
  return prefixHolds(prefix, bytes, 0, bytes.length)
}

/** As {@link prefixContains}, for the `length` bytes at `offset`. Allocates nothing. */
export function prefixHolds(prefix: Prefix, u8: Uint8Array, offset: number, length: number): boolean {
  const { bytes, mask } = prefix
  if (bytes.length !== length) return false
  for (let i = 0; i < length; i++) {
    if (((u8[offset + i] as number) & (mask[i] as number)) !== bytes[i]) return false
  }
  return true
}
