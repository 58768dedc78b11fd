import { isIPv4, isIPv6 } from 'node:net'

/** An address with the part of it that counts. */
export interface Network {
  readonly version: 4 | 6
  /** the address; zero behind the prefix */
  readonly bytes: Uint8Array
  /** ones where the prefix is, zeros behind it */
  readonly masks: Uint8Array
  /** bits of the prefix */
  readonly length: number
}

/** Reads `ADDRESS` or `ADDRESS/LENGTH`, IPv4 or IPv6; `undefined` when it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', suffix, ...more] = text.split('/')
  const bytes = parseAddress(address)
  if (bytes === undefined || more.length > 0) return undefined
  const bits = bytes.length * 8
  const length = suffix === undefined ? bits : /^\d{1,3}$/.test(suffix) ? Number(suffix) : Number.NaN
  if (!(length <= bits)) return undefined
  const masks = bytes.map((_, i) => (0xff00 >> Math.min(8, Math.max(0, length - i * 8))) & 0xff)
  return { version: bits === 32 ? 4 : 6, bytes: bytes.map((byte, i) => byte & (masks[i] as number)), masks, length }
}

function parseAddress(text: string): Uint8Array | undefined {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number)
  // A zone (fe80::1%eth0) is no part of the packet.
  if (!isIPv6(text) || text.includes('%')) return undefined
  const [before = '', after] = text.split('::')
  const head = groupBytes(before)
  const tail = groupBytes(after ?? '')
  const bytes = new Uint8Array(16)
  bytes.set(head)
  bytes.set(tail, 16 - tail.length)
  return bytes
}

/** The bytes of hexadecimal groups, of which the last may be an IPv4 address. */
function groupBytes(groups: string): number[] {
  if (groups === '') return []
  return groups.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}
