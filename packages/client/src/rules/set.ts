import { type AttributeValues, SetElementFlag, SetFlag } from '@ringlink/codec'
import { hostIsLittleEndian, type setElementAttributes } from '@ringlink/codec/internal'

/** The type of a set's keys. */
export interface SetKey {
  /** nft's number for the type, by which nft prints the set */
  readonly type: number
  /** bytes */
  readonly length: number
  /** how the kernel has them in registers */
  readonly order: 'network' | 'host'
}

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
  /** elements at most; default as many as there are */
  readonly size?: number
  /** milliseconds after which an element that no packet refreshed goes */
  readonly timeout?: number
}

/**
 * NFTNL_UDATA_SET_KEYBYTEORDER, its length, and a number in host order: 1 host order, 2 network order. By it nft prints
 * the keys.
 */
export function keyOrderData({ order, type }: SetKey, flags: number): Uint8Array {
  // Names are bytes, and nft takes those of single devices for numbers in host order.
  const isName = type === DEVICE_NAME && (flags & SetFlag.Interval) === 0
  return orderData(KEY_ORDER, isName ? 'host' : order)
}

/** NFTNL_UDATA_SET_DATABYTEORDER: the same for the values of a map. */
export function valueOrderData(order: SetKey['order']): Uint8Array {
  return orderData(VALUE_ORDER, order)
}

function orderData(type: number, order: SetKey['order']): Uint8Array {
  return Uint8Array.of(type, 4, ...new Uint8Array(new Uint32Array([order === 'host' ? 1 : 2]).buffer))
}

const KEY_ORDER = 0
const VALUE_ORDER = 1

/** nft's number of the type of names of devices. */
const DEVICE_NAME = 41
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
  const element = (value: bigint, flag?: number) => ({
    key: { value: numberBytes(value, key.length, key.order) },
    flags: flag,
  })
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

/** A number as a register or the key of a set has it. */
export function numberBytes(value: bigint, length: number, order: SetKey['order']): Uint8Array {
  const bytes = keyBytes(value, length)
  return order === 'host' && hostIsLittleEndian ? bytes.reverse() : bytes
}

/** Four bytes as the kernel has its own numbers in registers. */
export function hostOrder32(value: number): Uint8Array {
  return numberBytes(BigInt(value), 4, 'host')
}

/** The number that such bytes are. */
export function keyOf(bytes: Uint8Array): bigint {
  return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
}
