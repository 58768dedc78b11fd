/** Addresses and bytes as text, and back. Reading gives `undefined` for text of another form. */

import type { Hint, IntegerFormat } from '../schema/format.ts'
import { hostIsLittleEndian } from '../wire/endian.ts'

const AF_INET = 2
const ADDRESS_HINTS: readonly (Hint | undefined)[] = ['ipv4', 'ipv6', 'ipv4-or-v6', 'ip']

/**
 * Bytes as the hint says, of the address family beside them; without a hint, or of another length, two hexadecimal
 * digits each.
 */
export function bytesText(bytes: Uint8Array, hint: Hint | undefined, family?: number): string {
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
  const isAddress = ADDRESS_HINTS.includes(hint)
  if (isAddress && bytes.length === 4) return bytes.join('.')
  // What is not zero after an IPv4 address is not lost.
  const isIpv4 =
    hint === 'ip' && family === AF_INET && bytes.length === 16 && bytes.subarray(4).every((byte) => byte === 0)
  if (isIpv4) return bytes.subarray(0, 4).join('.')
  if (isAddress && bytes.length === 16) return ipv6Text(bytes)
  if (hint === 'mac') return digits.join(':')
  if (hint === 'uuid' && bytes.length === 16) {
    const text = digits.join('')
    return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-')
  }
  return digits.join('')
}

/** The bytes of {@link bytesText}. */
export function textBytes(text: string, hint: Hint | undefined): Uint8Array | undefined {
  if (ADDRESS_HINTS.includes(hint)) {
    const address = ipv4Bytes(text) ?? ipv6Bytes(text)
    if (address !== undefined) return hint === 'ip' ? inSixteen(address) : address
  }
  const digits = text.replaceAll(/[:-]/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) return undefined
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16))
}

/** An address in 16 bytes: one of IPv4 in the first four. */
function inSixteen(address: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes.set(address)
  return bytes
}

/** An IPv4 address in an integer, whose bytes are in the order of the wire. */
export function integerAddress(value: number, order: IntegerFormat['order']): string {
  const bytes = Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
  return (order === 'host' && hostIsLittleEndian ? bytes.reverse() : bytes).join('.')
}

/** The integer of {@link integerAddress}. */
export function addressInteger(text: string, order: IntegerFormat['order']): number | undefined {
  const bytes = ipv4Bytes(text)
  if (order === 'host' && hostIsLittleEndian) bytes?.reverse()
  return bytes?.reduce((value, byte) => value * 256 + byte, 0)
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined
  return Uint8Array.from(parts, Number)
}

/** RFC 5952: lower case, the longest run of two or more zero groups as `::`. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0))
  let [longest, at] = [1, -1]
  for (let start = 0; start < 8; start++) {
    let end = start
    while (end < 8 && groups[end] === 0) end++
    if (end - start > longest) [longest, at] = [end - start, start]
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':')
  return at < 0 ? text(groups) : `${text(groups.slice(0, at))}::${text(groups.slice(at + longest))}`
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2 || !text.includes(':')) return undefined
  const [before = [], after = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - before.length - after.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...before, ...new Array<string>(missing).fill('0'), ...after]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]))
}
