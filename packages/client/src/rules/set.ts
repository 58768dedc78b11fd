import { type AttributeValues, SetElementFlag, SetFlag } from '@ringlink/codec'
import type { setElementAttributes } from '@ringlink/codec/internal'

/** The type of a set's keys. */
export interface SetKey {
  /** nft's number for the type, by which nft prints the set */
  readonly type: number
  /** bytes */
  readonly length: number
}

/** `inet_service` */
export const portKey: SetKey = { type: 13, length: 2 }
/** `ipv4_addr` */
export const ipv4Key: SetKey = { type: 7, length: 4 }
/** `ipv6_addr` */
export const ipv6Key: SetKey = { type: 8, length: 16 }

/** Keys from `from` to `to`, both included. */
export interface KeyRange {
  readonly from: bigint
  readonly to: bigint
}

/** A set that belongs to one rule and is looked up by it. */
export interface RuleSet {
  /** id within the batch (NFTA_SET_ID) */
  readonly id: number
  /** name pattern: the kernel replaces %d by a number */
  readonly name: string
  readonly key: SetKey
  /** bits of `SetFlag` */
  readonly flags: number
  readonly elements: readonly AttributeValues<typeof setElementAttributes>[]
}

/**
 * NFTNL_UDATA_SET_KEYBYTEORDER: type 0, length 4, then a number in host order, 2 for network order. nft prints the keys
 * by it.
 */
export const NETWORK_ORDER_KEYS: Uint8Array = Uint8Array.of(0, 4, ...new Uint8Array(new Uint32Array([2]).buffer))

const ANONYMOUS_NAME = '__set%d'

/** One value or several, as an array. */
export function listOf<Value>(value: Value | readonly Value[]): readonly Value[] {
  return Array.isArray(value) ? (value as readonly Value[]) : [value as Value]
}

/** Sorts ranges and joins those that overlap; if there are ranges and not only single keys, also those that touch. */
export function joinRanges(ranges: readonly KeyRange[]): KeyRange[] {
  const sorted = [...ranges].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))
  const reach = ranges.some(({ from, to }) => from !== to) ? 1n : 0n
  const joined: { from: bigint; to: bigint }[] = []
  for (const { from, to } of sorted) {
    const last = joined.at(-1)
    if (last === undefined || from > last.to + reach) joined.push({ from, to })
    else if (to > last.to) last.to = to
  }
  return joined
}

/**
 * A set of joined ranges. A set with ranges is an interval set (NFT_SET_INTERVAL): the end of each range is an element
 * too.
 */
export function rangeSet(id: number, key: SetKey, ranges: readonly KeyRange[]): RuleSet {
  const isInterval = ranges.some(({ from, to }) => from !== to)
  const flags = SetFlag.Anonymous | SetFlag.Constant | (isInterval ? SetFlag.Interval : 0)
  const set = { id, name: ANONYMOUS_NAME, key, flags }
  const element = (value: bigint, flag?: number) => ({ key: { value: keyBytes(value, key.length) }, flags: flag })
  if (!isInterval) return { ...set, elements: ranges.map(({ from }) => element(from)) }
  const beyond = 1n << BigInt(key.length * 8)
  const [first] = ranges
  const start = first !== undefined && first.from > 0n ? [element(0n, SetElementFlag.IntervalEnd)] : []
  const elements = ranges.flatMap(({ from, to }) =>
    to + 1n === beyond ? [element(from)] : [element(from), element(to + 1n, SetElementFlag.IntervalEnd)],
  )
  return { ...set, elements: [...start, ...elements] }
}

/** A key in network byte order, as in packets. */
export function keyBytes(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt((length - 1 - i) * 8)) & 0xffn))
}

/** The number in such bytes. */
export function keyOf(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}
