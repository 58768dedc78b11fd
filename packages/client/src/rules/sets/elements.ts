/** The elements of a set as messages have them, written by hand: there may be a hundred thousand. */
import {
  AttributeWriter,
  beginMessage,
  finishMessage,
  type Memory,
  NewFlag,
  NfTablesMessage,
  RuleVerdict,
  SetElementFlag,
} from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES, writeNfnetlinkHeader } from '@ringlink/codec/internal'
import { familyNumbers } from '../chains.ts'
import type { RuleTable } from '../messages.ts'
import { hostOrder32, type KeyRange, keyBytes, numberBytes } from '../set.ts'
import { type KeyPart, type KeyShape, wholeWords } from './shape.ts'
import type { MapTarget, SetOptions } from './types.ts'

/** An element that was checked. */
export interface KeyedElement {
  readonly key: Uint8Array
  /** of a range: its last key where that is in the same element, else the first key that is not in it any more */
  readonly end: Uint8Array | undefined
  /** milliseconds */
  readonly timeout: number | undefined
  /** in a map */
  readonly to: MapTarget | undefined
}

/**
 * Elements that are single values, with one time for all: there may be very many, so that none is an object of its own.
 */
export interface PlainElements {
  /** the keys, one after another; each of a multiple of four bytes */
  readonly keys: Uint8Array
  readonly keyLength: 4 | 16
  /** milliseconds, as {@link KeyedElement.timeout} */
  readonly timeout: number | undefined
}

/** Elements that were checked. */
export type CheckedElements = readonly KeyedElement[] | PlainElements

/** Whether elements are single values, without anything of their own. */
export function arePlain(elements: CheckedElements): elements is PlainElements {
  return 'keys' in elements && elements.keys instanceof Uint8Array
}

/** The keys of an element, a range for each part of its key. */
export function keyedElement(
  ranges: readonly KeyRange[],
  shape: KeyShape,
  { ranges: hasRanges = false }: SetOptions,
  { timeout, to }: { readonly timeout?: number | undefined; readonly to?: MapTarget | undefined },
): KeyedElement {
  const { parts, hasOwnEnd, length } = shape
  const key = joined(shape, (index) => (ranges[index] as KeyRange).from)
  if (hasOwnEnd) return { key, end: joined(shape, (index) => (ranges[index] as KeyRange).to), timeout, to }
  const [range] = ranges as [KeyRange]
  const isLast = range.to + 1n === 1n << BigInt(length * 8)
  const hasEnd = hasRanges && !isLast && parts.length === 1
  return { key, end: hasEnd ? keyBytes(range.to + 1n, length) : undefined, timeout, to }
}

function joined({ parts, length }: KeyShape, numberOf: (index: number) => bigint): Uint8Array {
  const bytes = (part: KeyPart, index: number) => numberBytes(numberOf(index), part.kind.length, part.order)
  if (parts.length === 1) return bytes(parts[0] as KeyPart, 0)
  const key = new Uint8Array(length)
  for (const [index, part] of parts.entries()) key.set(bytes(part, index), part.offset)
  return key
}

const LIST = { table: 1, set: 2, elements: 3, setId: 4 } as const
const ELEMENT = { key: 1, data: 2, flags: 3, timeout: 4, keyEnd: 10 } as const
const LIST_ELEMENT = 1
const DATA = { value: 1, verdict: 2 } as const
const VERDICT = { code: 1, chain: 2 } as const
/** Bytes of elements in one message: the attribute that holds them has a length of 16 bits. */
const MOST_BYTES = 60_000
const HEADERS = 16
/** What a verdict takes besides the name of its chain, which can have 255 bytes. */
const VERDICT_BYTES = 4 + 4 + 8 + 4

/** Bytes that an element takes, its end included. */
function sizeOf({ key, end, timeout, to }: KeyedElement): number {
  const one = HEADERS + wholeWords(key.length)
  const time = timeout === undefined ? 0 : 12
  const chain =
    typeof to === 'object' ? wholeWords(('jump' in to ? to.jump : to.goto).length * MOST_BYTES_OF_CHARACTER + 1) : 0
  const target = to === undefined ? 0 : VERDICT_BYTES + chain
  return one + time + target + (end === undefined ? 0 : one + 8)
}

/** In UTF-8, of one that has a single code unit. */
const MOST_BYTES_OF_CHARACTER = 3

/** Splits elements into those of one message each. */
export function* chunksOf(elements: CheckedElements): Generator<CheckedElements> {
  if (arePlain(elements)) {
    yield* plainChunksOf(elements)
    return
  }
  let start = 0
  let bytes = 0
  for (let index = 0; index < elements.length; index++) {
    const size = sizeOf(elements[index] as KeyedElement)
    if (bytes + size > MOST_BYTES) {
      yield elements.slice(start, index)
      start = index
      bytes = 0
    }
    bytes += size
  }
  if (start < elements.length) yield elements.slice(start)
}

function* plainChunksOf({ keys, keyLength, timeout }: PlainElements): Generator<PlainElements> {
  const most = Math.floor(MOST_BYTES / plainSize(keyLength, timeout)) * keyLength
  for (let start = 0; start < keys.length; start += most) {
    yield { keys: keys.subarray(start, start + most), keyLength, timeout }
  }
}

/** What is done with elements. */
export type ElementChange = 'add' | 'addNew' | 'delete'

const changes = {
  add: { type: NfTablesMessage.NewSetElement, flags: NewFlag.Create },
  addNew: { type: NfTablesMessage.NewSetElement, flags: NewFlag.Create | NewFlag.Exclusive },
  delete: { type: NfTablesMessage.DeleteSetElement, flags: 0 },
} as const

/** Bytes that a message has at most. */
export const LARGEST_MESSAGE = 0x10000 + 1024

/** A message that changes some elements of a set, or all (`undefined`). */
export function elementMessage(
  { name: table, family }: RuleTable,
  set: string,
  elements: CheckedElements | undefined,
  change: ElementChange,
  hasOwnEnd: boolean,
) {
  const { type, flags } = changes[change]
  const write = (memory: Memory, offset: number, limit: number): number => {
    const header = { type, flags, sequence: 0, portId: 0 }
    const start = beginMessage(memory, offset, limit, header)
    writeNfnetlinkHeader(memory, start, limit, familyNumbers[family], 0)
    const writer = new AttributeWriter().wrap(memory, offset + NFNETLINK_ATTRIBUTES, limit)
    writer.bytes(LIST.table, encoder.encode(`${table}\0`))
    writer.bytes(LIST.set, encoder.encode(`${set}\0`))
    if (elements !== undefined) {
      const list = writer.beginNest(LIST.elements)
      if (arePlain(elements)) writePlain(memory, writer, elements)
      else for (const element of elements) writeElement(memory, writer, element, hasOwnEnd)
      writer.endNest(list)
    }
    return finishMessage(memory, offset, writer.end)
  }
  return { write, size: elements === undefined ? 1024 : LARGEST_MESSAGE }
}

const encoder = new TextEncoder()

function writeElement(
  memory: Memory,
  writer: AttributeWriter,
  { key, end, timeout, to }: KeyedElement,
  hasOwnEnd: boolean,
): void {
  const element = writer.beginNest(LIST_ELEMENT)
  writeValue(writer, ELEMENT.key, key)
  if (to !== undefined) writeTarget(memory, writer, to)
  if (timeout !== undefined) {
    memory.data.setBigUint64(writer.reserve(ELEMENT.timeout, 8), BigInt(Math.round(timeout)))
  }
  if (end !== undefined && hasOwnEnd) writeValue(writer, ELEMENT.keyEnd, end)
  writer.endNest(element)
  if (end === undefined || hasOwnEnd) return
  const last = writer.beginNest(LIST_ELEMENT)
  writeValue(writer, ELEMENT.key, end)
  memory.data.setUint32(writer.reserve(ELEMENT.flags, 4), SetElementFlag.IntervalEnd)
  writer.endNest(last)
}

const HEADER = 4
const NESTED = 0x8000
const TIME_BYTES = 12

/**
 * Bytes of an element that is one value: the headers of itself, its key and the key's value, and those, and its time.
 */
function plainSize(keyLength: number, timeout: number | undefined): number {
  return 3 * HEADER + keyLength + (timeout === undefined ? 0 : TIME_BYTES)
}

/** As {@link writeElement} for each: all have the same bytes except their keys. */
function writePlain(memory: Memory, writer: AttributeWriter, { keys, keyLength, timeout }: PlainElements): void {
  const size = plainSize(keyLength, timeout)
  const words = keyLength / 4
  const { u32 } = memory
  const from = new Uint32Array(keys.buffer, keys.byteOffset, keys.length / 4)
  let at = writer.skip((from.length / words) * size) >> 2
  const header = (type: number, length: number) => headerWord(memory, at << 2, type, length)
  const [element, key, value] = [
    header(LIST_ELEMENT | NESTED, size),
    header(ELEMENT.key | NESTED, 2 * HEADER + keyLength),
    header(DATA.value, HEADER + keyLength),
  ]
  const time = timeWords(memory, at << 2, timeout)
  for (let index = 0; index < from.length; index += words) {
    u32[at++] = element
    u32[at++] = key
    u32[at++] = value
    for (let word = 0; word < words; word++) u32[at++] = from[index + word] as number
    for (let word = 0; word < time.length; word++) u32[at++] = time[word] as number
  }
}

/** The header of an attribute as a word of memory. `scratch` is where it is put together. */
function headerWord({ u16, u32 }: Memory, scratch: number, type: number, length: number): number {
  u16[scratch >> 1] = length
  u16[(scratch >> 1) + 1] = type
  return u32[scratch >> 2] as number
}

/** The attribute with the time of elements, as words of memory. */
function timeWords(memory: Memory, scratch: number, timeout: number | undefined): readonly number[] {
  if (timeout === undefined) return []
  const header = headerWord(memory, scratch, ELEMENT.timeout, TIME_BYTES)
  memory.data.setBigUint64(scratch, BigInt(Math.round(timeout)))
  return [header, memory.u32[scratch >> 2] as number, memory.u32[(scratch >> 2) + 1] as number]
}

function writeValue(writer: AttributeWriter, attribute: number, value: Uint8Array): void {
  const nest = writer.beginNest(attribute)
  writer.bytes(DATA.value, value)
  writer.endNest(nest)
}

const verdictCodes = {
  accept: RuleVerdict.Accept,
  drop: RuleVerdict.Drop,
  continue: RuleVerdict.Continue,
  return: RuleVerdict.Return,
} as const

function writeTarget(memory: Memory, writer: AttributeWriter, to: MapTarget): void {
  if (typeof to === 'number') {
    writeValue(writer, ELEMENT.data, hostOrder32(to))
    return
  }
  const data = writer.beginNest(ELEMENT.data)
  const verdict = writer.beginNest(DATA.verdict)
  const chain = typeof to === 'string' ? undefined : 'jump' in to ? to.jump : to.goto
  const code = typeof to === 'string' ? verdictCodes[to] : 'jump' in to ? RuleVerdict.Jump : RuleVerdict.Goto
  memory.data.setUint32(writer.reserve(VERDICT.code, 4), code >>> 0)
  if (chain !== undefined) writer.bytes(VERDICT.chain, encoder.encode(`${chain}\0`))
  writer.endNest(verdict)
  writer.endNest(data)
}
