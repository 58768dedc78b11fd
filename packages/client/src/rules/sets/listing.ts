/** Elements of sets as a program has them, from what the kernel lists. */
import { type AttributeValues, RuleVerdict, SetElementFlag } from '@ringlink/codec'
import { hostIsLittleEndian, type setElementAttributes } from '@ringlink/codec/internal'
import { formatAddress, formatHardwareAddress } from '@ringlink/packet'
import { type KeyRange, keyBytes, keyOf } from '../set.ts'
import { type KeyPart, type KeyShape, shapeOf } from './shape.ts'
import type { ListedElement, MapTarget, SetOptions, SetPart } from './types.ts'

type Element = AttributeValues<typeof setElementAttributes>

/** The elements of a set with these options, those of ranges in their order. */
export function listedElements(elements: readonly Element[], options: SetOptions): ListedElement[] {
  const shape = shapeOf(options)
  const [part, ...more] = shape.parts as [KeyPart, ...KeyPart[]]
  const { timeout: usual } = options
  if (more.length > 0) return elements.flatMap((element) => combined(element, shape, usual))
  return options.ranges === true
    ? intervals(elements, part, usual)
    : elements.flatMap((element) => {
        const { key } = element
        if (key?.value === undefined) return []
        const number = numberOf(key.value, part)
        return [listed(element, partValue(part, { from: number, to: number }), usual)]
      })
}

/** Where ranges begin and where they end are elements of their own. */
function intervals(elements: readonly Element[], part: KeyPart, usual: number | undefined): ListedElement[] {
  const keys = elements.flatMap((element) => {
    const bytes = element.key?.value
    if (bytes === undefined) return []
    return [
      { number: numberOf(bytes, part), element, isEnd: ((element.flags ?? 0) & SetElementFlag.IntervalEnd) !== 0 },
    ]
  })
  keys.sort((a, b) => (a.number < b.number ? -1 : a.number > b.number ? 1 : a.isEnd ? -1 : 1))
  return keys.flatMap(({ number, element, isEnd }, index) => {
    if (isEnd) return []
    const beyond = keys[index + 1]?.number ?? 1n << BigInt(part.kind.length * 8)
    return [listed(element, partValue(part, { from: number, to: beyond - 1n }), usual)]
  })
}

function combined(element: Element, { parts }: KeyShape, usual: number | undefined): ListedElement[] {
  const { key, keyEnd } = element
  if (key?.value === undefined) return []
  const [first, last] = [key.value, keyEnd?.value ?? key.value]
  const values = parts.map((part) => {
    const bytes = (whole: Uint8Array) => whole.subarray(part.offset, part.offset + part.kind.length)
    return partValue(part, { from: numberOf(bytes(first), part), to: numberOf(bytes(last), part) })
  })
  return [listed(element, values, usual)]
}

function numberOf(bytes: Uint8Array, { order }: KeyPart): bigint {
  return keyOf(order === 'host' && hostIsLittleEndian ? bytes.slice().reverse() : bytes)
}

/** Newer kernels leave out the time of an element that is the `usual` one of its set. */
function listed(
  { timeout, expiration, data }: Element,
  value: ListedElement['value'],
  usual: number | undefined,
): ListedElement {
  const to = targetOf(data)
  const isForever = expiration === undefined && (timeout === undefined || timeout === 0n)
  return {
    value,
    ...(to === undefined ? {} : { to }),
    timeout: isForever ? undefined : timeout === undefined ? usual : Number(timeout),
    expires: expiration === undefined ? undefined : Number(expiration),
  }
}

/** What a map has for an element. */
function targetOf(data: Element['data']): MapTarget | undefined {
  if (data?.value !== undefined) {
    const { value } = data
    return Number(keyOf(hostIsLittleEndian ? value.slice().reverse() : value))
  }
  const { code = RuleVerdict.Continue, chain = '' } = data?.verdict ?? {}
  if (data?.verdict === undefined) return undefined
  if (code === RuleVerdict.Jump) return { jump: chain }
  if (code === RuleVerdict.Goto) return { goto: chain }
  return code === RuleVerdict.Accept
    ? 'accept'
    : code === RuleVerdict.Drop
      ? 'drop'
      : code === RuleVerdict.Return
        ? 'return'
        : 'continue'
}

/** The value that a range of keys is. */
function partValue({ type, kind: { length } }: KeyPart, { from, to }: KeyRange): SetPart {
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
