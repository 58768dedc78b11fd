/** How the key of a set lies in the kernel's registers: one value, or several of 4-byte multiples after each other. */
import { markKind, portKind } from '../fields/fields.ts'
import { addressKind, deviceNameKind, hardwareAddressKind, type ValueKind } from '../fields/kinds.ts'
import { listOf, type SetKey } from '../set.ts'
import type { SetElementType, SetOptions } from './types.ts'

/** One of the values that a key is made of. */
export interface KeyPart {
  readonly type: SetElementType
  readonly kind: ValueKind<unknown>
  /** how the kernel has it; in a set of ranges all are in network order */
  readonly order: SetKey['order']
  /** bytes from the beginning of the key */
  readonly offset: number
}

/** The key of a set. */
export interface KeyShape {
  readonly parts: readonly KeyPart[]
  /** bytes */
  readonly length: number
  /** nft's number of the type */
  readonly type: number
  /**
   * a range has its end in the same element, as ranges of several values have; else the end is an element of its own
   */
  readonly hasOwnEnd: boolean
}

/** NFT_DATA_VALUE_MAXLEN */
export const LONGEST_KEY = 64
/** TYPE_BITS: nft's number of a type of several has so many bits for each. */
const TYPE_BITS = 6

const kinds: Readonly<Record<SetElementType, ValueKind<unknown>>> = {
  ipv4: addressKind(4),
  ipv6: addressKind(6),
  port: portKind,
  mark: markKind,
  interface: deviceNameKind,
  hardwareAddress: hardwareAddressKind,
}

export function shapeOf({ type, ranges = false }: Pick<SetOptions, 'type' | 'ranges'>): KeyShape {
  const types = listOf<SetElementType>(type)
  let offset = 0
  const parts = types.map((it): KeyPart => {
    const part: KeyPart = {
      type: it,
      kind: kinds[it],
      order: it === 'mark' && !ranges ? 'host' : 'network',
      offset,
    }
    offset += wholeWords(kinds[it].length)
    return part
  })
  const [first] = parts as [KeyPart]
  if (parts.length === 1) return { parts, length: first.kind.length, type: first.kind.type, hasOwnEnd: false }
  const number = parts.reduce((sum, { kind }) => (sum << TYPE_BITS) | kind.type, 0)
  return { parts, length: offset, type: number >>> 0, hasOwnEnd: ranges }
}

/** Bytes that a value takes in a key of several. */
export function wholeWords(length: number): number {
  return (length + 3) & ~3
}
