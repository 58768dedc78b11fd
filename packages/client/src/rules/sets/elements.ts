/** The elements of a set as messages have them, written by hand: there may be a hundred thousand. */
import {
  AttributeWriter,
  beginMessage,
  finishMessage,
  type Memory,
  NewFlag,
  NfTablesMessage,
  SetElementFlag,
} from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES, writeNfnetlinkHeader } from '@ringlink/codec/internal'
import { familyNumbers } from '../chains.ts'
import type { RuleTable } from '../messages.ts'
import { type KeyRange, keyBytes, numberBytes } from '../set.ts'
import { elementKind, elementOrder, type SetOptions } from './definition.ts'

/** An element that was checked. */
export interface KeyedElement {
  readonly key: Uint8Array
  /** in a set of ranges: the first key that is not in it any more */
  readonly end: Uint8Array | undefined
  /** milliseconds */
  readonly timeout: number | undefined
}

/** The keys of a range of values. */
export function keyedElement({ from, to }: KeyRange, set: SetOptions, timeout?: number): KeyedElement {
  const { length } = elementKind(set.type)
  const order = elementOrder(set)
  const key = numberBytes(from, length, order)
  if (set.ranges !== true) return { key, end: undefined, timeout }
  const isLast = to + 1n === 1n << BigInt(length * 8)
  return { key, end: isLast ? undefined : keyBytes(to + 1n, length), timeout }
}

const LIST = { table: 1, set: 2, elements: 3, setId: 4 } as const
const ELEMENT = { key: 1, flags: 3, timeout: 4 } as const
const LIST_ELEMENT = 1
const DATA_VALUE = 1
/** Bytes of elements in one message: the attribute that holds them has a length of 16 bits. */
const MOST_BYTES = 60_000
const HEADERS = 16

/** Bytes that an element takes, its end included. */
function sizeOf({ key, end, timeout }: KeyedElement): number {
  const one = HEADERS + ((key.length + 3) & ~3)
  return one + (timeout === undefined ? 0 : 12) + (end === undefined ? 0 : one + 8)
}

/** Splits elements into those of one message each. */
export function* chunksOf(elements: readonly KeyedElement[]): Generator<readonly KeyedElement[]> {
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
  elements: readonly KeyedElement[] | undefined,
  change: ElementChange,
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
      for (const element of elements) writeElement(memory, writer, element)
      writer.endNest(list)
    }
    return finishMessage(memory, offset, writer.end)
  }
  return { write, size: elements === undefined ? 1024 : LARGEST_MESSAGE }
}

const encoder = new TextEncoder()

function writeElement(memory: Memory, writer: AttributeWriter, { key, end, timeout }: KeyedElement): void {
  const element = writer.beginNest(LIST_ELEMENT)
  writeKey(writer, key)
  if (timeout !== undefined) {
    memory.data.setBigUint64(writer.reserve(ELEMENT.timeout, 8), BigInt(Math.round(timeout)))
  }
  writer.endNest(element)
  if (end === undefined) return
  const last = writer.beginNest(LIST_ELEMENT)
  writeKey(writer, end)
  memory.data.setUint32(writer.reserve(ELEMENT.flags, 4), SetElementFlag.IntervalEnd)
  writer.endNest(last)
}

function writeKey(writer: AttributeWriter, key: Uint8Array): void {
  const nest = writer.beginNest(ELEMENT.key)
  writer.bytes(DATA_VALUE, key)
  writer.endNest(nest)
}
