/** Elements of sets as a program has them. */
import { formatAddress, formatHardwareAddress } from '@ringlink/packet'
import { type KeyRange, keyBytes } from '../set.ts'
import { elementKind, type SetElementType, type SetValue } from './definition.ts'

/** The value that a range of keys is. */
export function elementText(type: SetElementType, { from, to }: KeyRange): SetValue {
  const { length } = elementKind(type)
  if (type === 'port' || type === 'mark') return from === to ? Number(from) : { from: Number(from), to: Number(to) }
  const bytes = keyBytes(from, length)
  if (type === 'hardwareAddress') return formatHardwareAddress(bytes)
  if (type === 'interface') return nameText(bytes, keyBytes(to, length))
  if (from === to) return formatAddress(bytes)
  const bits = prefixLength(from, to, length * 8)
  return bits === undefined
    ? `${formatAddress(bytes)}-${formatAddress(keyBytes(to, length))}`
    : `${formatAddress(bytes)}/${bits}`
}

/** Bits of the prefix that all numbers of a range, and no others, have. */
function prefixLength(from: bigint, to: bigint, length: number): number | undefined {
  const size = to - from + 1n
  const isPower = (size & (size - 1n)) === 0n
  return isPower && from % size === 0n ? length - (size.toString(2).length - 1) : undefined
}

function nameText(first: Uint8Array, last: Uint8Array): string {
  const end = first.indexOf(0)
  const name = new TextDecoder().decode(end < 0 ? first : first.subarray(0, end))
  return last.at(-1) === 0xff ? `${name}*` : name
}
