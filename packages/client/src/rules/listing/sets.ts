/** Sets as the kernel lists them, in nft's words. */
import { type AttributeValues, escapeText, RuleVerdict, SetElementFlag, SetFlag } from '@ringlink/codec'
import { hostIsLittleEndian, type setElementAttributes } from '@ringlink/codec/internal'
import { DataType } from '../fields/kinds.ts'
import { keyOf } from '../set.ts'
import { wholeWords } from '../sets/shape.ts'
import { durationText, hex, rangeText } from './values.ts'

/** An element of a set as the kernel lists it. */
export type ListedSetElement = AttributeValues<typeof setElementAttributes>

/** What the kernel lists of a set. */
export interface ListedSet {
  readonly name?: string | undefined
  /** bits of `SetFlag` */
  readonly flags?: number | undefined
  readonly keyType?: number | undefined
  readonly keyLength?: number | undefined
  readonly dataType?: number | undefined
  readonly userData?: Uint8Array | undefined
  readonly timeout?: bigint | undefined
  readonly description?: { readonly size?: number | undefined } | undefined
  readonly elements: readonly ListedSetElement[]
}

interface TypeInfo {
  readonly name: string
  /** bytes */
  readonly length: number
  readonly order: 'network' | 'host'
}

const types: ReadonlyMap<number, TypeInfo> = new Map<number, TypeInfo>([
  [DataType.Ipv4Address, { name: 'ipv4_addr', length: 4, order: 'network' }],
  [DataType.Ipv6Address, { name: 'ipv6_addr', length: 16, order: 'network' }],
  [DataType.EthernetAddress, { name: 'ether_addr', length: 6, order: 'network' }],
  [DataType.Port, { name: 'inet_service', length: 2, order: 'network' }],
  [DataType.Mark, { name: 'mark', length: 4, order: 'host' }],
  [DataType.DeviceName, { name: 'ifname', length: 16, order: 'network' }],
])

/** Bits of nft's number of a type, in one of several. */
const TYPE_BITS = 6
const TYPE_MASK = (1 << TYPE_BITS) - 1

/** nft's numbers of the types that a key is made of. */
function partsOf(keyType: number): number[] {
  const parts: number[] = []
  for (let rest = keyType; rest > 0; rest >>>= TYPE_BITS) parts.unshift(rest & TYPE_MASK)
  return parts
}

/** The type of a set in nft's words: `ipv4_addr . inet_service : verdict`. */
export function setTypeText({ keyType = 0, dataType, flags = 0 }: ListedSet): string {
  const key = partsOf(keyType).map((type) => types.get(type)?.name ?? `type ${type}`)
  const value =
    (flags & SetFlag.Map) === 0
      ? ''
      : ` : ${dataType === DataType.Mark ? 'mark' : dataType === VERDICTS ? 'verdict' : 'value'}`
  return `${key.join(' . ')}${value}`
}

/** NFT_DATA_VERDICT */
const VERDICTS = 0xffff_ff00

/** The properties of a set in nft's words, one each: `flags interval,timeout`. */
export function setPropertyTexts({ flags = 0, timeout, description }: ListedSet): string[] {
  const names = [
    [SetFlag.Constant, 'constant'],
    [SetFlag.Interval, 'interval'],
    [SetFlag.Timeout, 'timeout'],
    [SetFlag.Evaluated, 'dynamic'],
  ] as const
  // A set with a time of its own has that instead of the flag.
  const hasTime = timeout !== undefined && timeout !== 0n
  const shown = names.filter(([flag]) => (flags & flag) !== 0 && !(hasTime && flag === SetFlag.Timeout))
  return [
    ...(description?.size === undefined ? [] : [`size ${description.size}`]),
    ...(shown.length === 0 ? [] : [`flags ${shown.map(([, name]) => name).join(',')}`]),
    ...(hasTime ? [`timeout ${durationText(Number(timeout))}`] : []),
  ]
}

/** The elements of a set in nft's words; `shift` is that of the property that is looked up. */
export function elementTexts(set: ListedSet, { shift = 0 } = {}): string[] {
  const { keyType = 0, keyLength = 0, flags = 0, elements } = set
  const parts = partsOf(keyType)
  if (parts.length > 1) {
    const keyed = elements.map((element) => ({ element, number: numberOf(element.key?.value, 'network') }))
    return keyed.sort(byNumber).map(({ element }) => `${combinedText(parts, element)}${moreText(element)}`)
  }
  const [type = 0] = parts
  const isInterval = (flags & SetFlag.Interval) !== 0
  const order = isInterval ? 'network' : (keyOrder(set) ?? types.get(type)?.order ?? 'network')
  const keys = elements.map((element) => ({
    element,
    number: numberOf(element.key?.value, type === DataType.DeviceName ? 'network' : order),
    // As nft: the names of single devices are in the order of numbers of the host.
    sorted: numberOf(element.key?.value, type === DataType.DeviceName && !isInterval ? 'host' : order),
    isEnd: ((element.flags ?? 0) & SetElementFlag.IntervalEnd) !== 0,
  }))
  keys.sort((a, b) => byNumber({ number: a.sorted }, { number: b.sorted }) || (a.isEnd ? -1 : 1))
  return keys.flatMap(({ element, number, isEnd }, index) => {
    if (isEnd) return []
    const beyond = isInterval ? (keys[index + 1]?.number ?? 1n << BigInt(keyLength * 8)) : number + 1n
    const by = BigInt(shift)
    const range = { from: number >> by, to: (beyond - 1n) >> by }
    return [`${rangeText(type, range, keyLength)}${moreText(element)}`]
  })
}

function byNumber(one: { readonly number: bigint }, other: { readonly number: bigint }): number {
  return one.number < other.number ? -1 : one.number > other.number ? 1 : 0
}

/** NFTNL_UDATA_SET_KEYBYTEORDER, if the set has that note: 1 host order. */
function keyOrder({ userData }: ListedSet): 'host' | 'network' | undefined {
  if (userData === undefined || userData.length < 6 || userData[0] !== 0) return undefined
  return numberOf(userData.subarray(2, 6), 'host') === 1n ? 'host' : 'network'
}

function combinedText(parts: readonly number[], { key, keyEnd }: ListedSetElement): string {
  let offset = 0
  const texts = parts.map((type) => {
    const { length, order } = types.get(type) ?? { length: 4, order: 'network' }
    const at = offset
    offset += wholeWords(length)
    const number = (bytes: Uint8Array | undefined) =>
      numberOf(bytes?.subarray(at, at + length), keyEnd === undefined ? order : 'network')
    return rangeText(type, { from: number(key?.value), to: number(keyEnd?.value ?? key?.value) }, length)
  })
  return texts.join(' . ')
}

function numberOf(bytes: Uint8Array = new Uint8Array(), order: 'network' | 'host'): bigint {
  return keyOf(order === 'host' && hostIsLittleEndian ? bytes.slice().reverse() : bytes)
}

/** The time of an element, and what a map has for it. */
function moreText({ timeout, expiration, data }: ListedSetElement): string {
  const hasTime = timeout !== undefined && timeout !== 0n
  return [
    hasTime ? ` timeout ${durationText(Number(timeout))}` : '',
    expiration === undefined ? '' : ` expires ${durationText(Number(expiration))}`,
    data?.value === undefined ? '' : ` : ${hex(numberOf(data.value, 'host'))}`,
    data?.verdict === undefined ? '' : ` : ${verdictText(data.verdict)}`,
  ].join('')
}

/** A verdict in nft's words. */
export function verdictText({
  code,
  chain,
}: {
  readonly code?: number | undefined
  readonly chain?: string | undefined
}): string {
  const name =
    Object.entries(RuleVerdict)
      .find(([, it]) => it === code)?.[0]
      .toLowerCase() ?? `verdict ${code}`
  return chain === undefined ? name : `${name} ${escapeText(chain)}`
}
