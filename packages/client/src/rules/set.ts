import { type AttributeValues, SetElementFlag, SetFlag } from '@ringlink/codec'
import type { setElementAttributes } from '@ringlink/codec/internal'
import type { NumberRange, RulePorts } from './options.ts'

/** A set that belongs to one rule and is looked up by it. */
export interface RuleSet {
  /** within the batch */
  readonly id: number
  /** what the kernel makes the name of: each set gets a number */
  readonly name: string
  /** bits of `SetFlag` */
  readonly flags: number
  readonly elements: readonly AttributeValues<typeof setElementAttributes>[]
}

/** What nft calls the type of ports (`inet_service`), and what tells it their byte order: it prints the set by them. */
export const PORT_TYPE = 13
/** NFTNL_UDATA_SET_KEYBYTEORDER: type 0, length 4, a number in host order: 2 network order. */
export const NETWORK_ORDER_KEYS: Uint8Array = Uint8Array.of(0, 4, ...new Uint8Array(new Uint32Array([2]).buffer))

const ANONYMOUS_NAME = '__set%d'
const BEYOND_PORTS = 0x10000

/** The ranges that ports are: sorted, those that overlap joined, and where there are ranges also those that touch. */
export function portElements(ports: RulePorts): NumberRange[] {
  const list = Array.isArray(ports) ? (ports as readonly (number | NumberRange)[]) : [ports as number | NumberRange]
  const ranges = list
    .map((port) => (typeof port === 'number' ? { from: port, to: port } : port))
    .sort((a, b) => a.from - b.from)
  const reach = ranges.some(({ from, to }) => from !== to) ? 1 : 0
  const joined: { from: number; to: number }[] = []
  for (const { from, to } of ranges) {
    const last = joined.at(-1)
    if (last !== undefined && from <= last.to + reach) last.to = Math.max(last.to, to)
    else joined.push({ from, to })
  }
  return joined
}

/** A set of numbers of two bytes. With ranges it is one of intervals, whose ends the kernel has as elements too. */
export function numberSet(id: number, ranges: readonly NumberRange[]): RuleSet {
  const isInterval = ranges.some(({ from, to }) => from !== to)
  const flags = SetFlag.Anonymous | SetFlag.Constant | (isInterval ? SetFlag.Interval : 0)
  if (!isInterval) return { id, name: ANONYMOUS_NAME, flags, elements: ranges.map(({ from }) => element(from)) }
  const [first] = ranges
  const start = first !== undefined && first.from > 0 ? [element(0, SetElementFlag.IntervalEnd)] : []
  const elements = ranges.flatMap(({ from, to }) =>
    to + 1 === BEYOND_PORTS ? [element(from)] : [element(from), element(to + 1, SetElementFlag.IntervalEnd)],
  )
  return { id, name: ANONYMOUS_NAME, flags, elements: [...start, ...elements] }
}

function element(key: number, flags?: number): AttributeValues<typeof setElementAttributes> {
  return { key: { value: Uint8Array.of(key >> 8, key & 0xff) }, flags }
}
