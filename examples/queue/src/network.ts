import { isIPv4, isIPv6 } from 'node:net'

/** An address with the part of it that counts. */
export interface Network {
  readonly version: 4 | 6
  /** the address; zero where the mask is */
  readonly bytes: Uint8Array
  readonly masks: Uint8Array
}

/** Reads `ADDRESS` or `ADDRESS/LENGTH`, IPv4 or IPv6; a text says what is wrong. */
export function parseNetwork(text: string): Network | string {
  const [address = '', suffix, ...more] = text.split('/')
  const parsed = parseAddress(address)
  if (parsed === undefined) return `'${address}' is no IPv4 or IPv6 address`
  const bits = parsed.length * 8
  const length = suffix === undefined ? bits : /^\d{1,3}$/.test(suffix) ? Number(suffix) : Number.NaN
  if (more.length > 0 || !(length <= bits)) return `a prefix length from 0 to ${bits} is wanted behind the '/'`
  const masks = parsed.map((_, i) => (0xff00 >> Math.min(8, Math.max(0, length - i * 8))) & 0xff)
  return { version: bits === 32 ? 4 : 6, masks, bytes: parsed.map((byte, i) => byte & (masks[i] as number)) }
}

function parseAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number)
  // A zone (fe80::1%eth0) is no part of the packet.
  if (!isIPv6(text) || text.includes('%')) return undefined
  const [before = '', after] = text.split('::')
  const head = ipv6Bytes(before)
  const tail = ipv6Bytes(after ?? '')
  const bytes = new Uint8Array(16)
  bytes.set(head)
  bytes.set(tail, 16 - tail.length)
  return bytes
}

/** The bytes of hexadecimal groups, of which the last may be an IPv4 address. */
function ipv6Bytes(groups: string): number[] {
  if (groups === '') return []
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}
