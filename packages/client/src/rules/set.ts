import { type AttributeValues, SetElementFlag, SetFlag } from '@ringlink/codec'
import type { setElementAttributes } from '@ringlink/codec/internal'

/** What the keys of a set are. */
export interface SetKey {
  /** what nft calls the type, by its number: it prints the set by it */
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
  /** within the batch */
  readonly id: number
  /** what the kernel makes the name of: each set gets a number */
  readonly name: string
  readonly key: SetKey
  /** bits of `SetFlag` */
  readonly flags: number
  readonly elements: readonly AttributeValues<typeof setElementAttributes>[]
}

/** NFTNL_UDATA_SET_KEYBYTEORDER: type 0, length 4, a number in host order: 2 network order. By it nft prints the keys. */
export const NETWORK_ORDER_KEYS: Uint8Array = Uint8Array.of(0, 4, ...new Uint8Array(new Uint32Array([2]).buffer))

const ANONYMOUS_NAME = '__set%d'

/** One value, or several, as several. */
export function listOf<Value>(value: Value | readonly Value[]): readonly Value[] {
  return Array.isArray(value) ? (value as readonly Value[]) : [value as Value]
}

/** Sorts ranges; joins those that overlap and, where there are ranges and not only single keys, those that touch. */
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

/** A set of joined ranges. One that has ranges is one of intervals, whose ends the kernel has as elements too. */
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

/** A key as packets have it, in network byte order. */
export function keyBytes(value: bigint, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt((length - 1 - i) * 8)) & 0xffn))
}

/** The number that such bytes are. */
export function keyOf(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}
