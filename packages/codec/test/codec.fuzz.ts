/** Views, readers and inspect over millions of inputs: see test/support/byte-fuzz.ts. */

import { fuzzBytes } from '@ringlink/test-support/byte-fuzz'
import { loadVectors } from '@ringlink/test-support/vectors'
import fc from 'fast-check'
import {
  type AttributeSet,
  type AttributeValues,
  AttributeWriter,
  align4,
  ConntrackMessage,
  ConntrackView,
  conntrackAttributes,
  DoneView,
  ErrorView,
  ExpectationMessage,
  ExpectationView,
  expectationAttributes,
  extendedAckAttributes,
  isNetlinkError,
  LogMessage,
  LogRecordView,
  logAttributes,
  Memory,
  MessageIterator,
  type MessageView,
  Protocol,
  plainAttributes,
  QueueMessage,
  QueuePacketView,
  queueAttributes,
  readAttributes,
  writeAttributes,
  writeNfnetlinkMessage,
} from '../src/index.ts'
import { inspect, inspectText, MAXIMUM_NODES } from '../src/inspect/index.ts'
import { describeMessage } from '../src/messages.ts'
import { ruleAttributes } from '../src/nfnetlink/nftables/rule.ts'
import { setElementListAttributes } from '../src/nfnetlink/nftables/set.ts'
import { attributesArbitrary } from '../src/schema/arbitrary.ts'
import { attributePath, nestedSetAt } from '../src/schema/path.ts'
import { policyAttributes } from '../src/wire/control.ts'
import { countNodes } from './inspect/nodes.ts'

const CODES = [
  'SHORT_HEADER',
  'MESSAGE_LENGTH',
  'ATTRIBUTE_LENGTH',
  'ATTRIBUTE_SIZE',
  'NESTED_DEPTH',
  'ATTRIBUTE_COUNT',
  'ATTRIBUTE_MISSING',
  'MESSAGE_TYPE',
  'UNALIGNED',
]
/** Codes of values that were read and cannot be written: text that grew, or does not fit. */
const WRITE_CODES = ['VALUE_RANGE', 'NO_SPACE']
const SAMPLES = 40
/** Methods of views that are for their owners and read nothing. */
const OWNERS_OWN = ['constructor', 'reset', 'release']

/** A message of `type` for each of some random values of a table. */
function samples(set: AttributeSet, type: number): Uint8Array[] {
  const memory = new Memory(1 << 16)
  const values = fc.sample(attributesArbitrary(set, 24), { numRuns: SAMPLES, seed: type + 1 })
  return values.map((attributes) => {
    const message = { type, flags: 0, sequence: 0, family: 2, resourceId: 5, attributes }
    return memory.copy(0, writeNfnetlinkMessage(memory, 0, memory.byteLength, set, message))
  })
}

const NFTABLES = 10 << 8
const captured = (['queue', 'log', 'nftables', 'invalid'] as const).flatMap(loadVectors).map(({ bytes }) => bytes)
const seeds = [
  ...captured,
  ...samples(queueAttributes, QueueMessage.Packet),
  ...samples(logAttributes, LogMessage.Packet),
  ...samples(conntrackAttributes, ConntrackMessage.New),
  ...samples(expectationAttributes, ExpectationMessage.New),
  ...samples(ruleAttributes, NFTABLES + 6),
  ...samples(setElementListAttributes, NFTABLES + 12),
]

interface Reader {
  readonly name: string
  readonly isMethod: boolean
  read(view: object): unknown
}

const readersOfClass = new Map<object, Reader[]>()

/** All properties and methods without arguments of a view, its bases included. */
function readersOf(view: object): Reader[] {
  const own = Object.getPrototypeOf(view) as object
  let readers = readersOfClass.get(own)
  if (readers !== undefined) return readers
  readers = []
  for (let prototype = own; prototype !== Object.prototype; prototype = Object.getPrototypeOf(prototype) as object) {
    for (const [name, { get, value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (get !== undefined) readers.push({ name, isMethod: false, read: (it) => get.call(it) })
      else if (typeof value === 'function' && value.length === 0 && !OWNERS_OWN.includes(name))
        readers.push({ name, isMethod: true, read: (it) => value.call(it) })
    }
  }
  readersOfClass.set(own, readers)
  return readers
}

/** Reads everything of a view that was aimed: a property never throws, a method only documented codes. */
function readAll(view: object, depth = 0): void {
  for (const { name, isMethod, read } of readersOf(view)) {
    let value: unknown
    try {
      value = read(view)
    } catch (error) {
      if (!isMethod) throw new Error(`property ${name} of ${view.constructor.name}`, { cause: error })
      if (!isNetlinkError(error) || !CODES.includes(error.code)) throw error
    }
    if (depth === 0 && typeof value === 'object' && value !== null && /View$/.test(value.constructor.name))
      readAll(value, 1)
  }
}

const views = [new QueuePacketView(), new LogRecordView(), new ConntrackView(), new ExpectationView()]
const viewOf = new Map<number, (typeof views)[number]>([
  [QueueMessage.Packet, views[0] as QueuePacketView],
  [LogMessage.Packet, views[1] as LogRecordView],
  [ConntrackMessage.New, views[2] as ConntrackView],
  [ConntrackMessage.Delete, views[2] as ConntrackView],
  [ExpectationMessage.New, views[3] as ExpectationView],
])
const errorView = new ErrorView()
const doneView = new DoneView()
const messages = new MessageIterator()

/** Aims a view; true if it took the message. */
function aims(aim: () => unknown): boolean {
  try {
    aim()
    return true
  } catch (error) {
    if (!isNetlinkError(error) || !CODES.includes(error.code)) throw error
    return false
  }
}

fuzzBytes({
  name: 'views',
  share: 0.3,
  seeds,
  longest: 1 << 18,
  codes: CODES,
  attempt(memory, offset, length, random) {
    messages.wrap(memory, offset, length)
    while (messages.next()) {
      const message: MessageView = messages.view
      if (message.offset + message.length > offset + length) throw new Error('a message beyond the input')
      const view = viewOf.get(message.type) ?? (views[random.below(views.length)] as (typeof views)[number])
      if (aims(() => view.wrap(memory, message.offset, message.length))) readAll(view)
      if (aims(() => errorView.wrap(message))) readAll(errorView)
      if (aims(() => doneView.wrap(message))) readAll(doneView)
    }
    // The last message may end without padding.
    if (messages.position < offset || messages.position >= offset + length + 4) throw new Error('a position outside')
  },
})

const sets: readonly AttributeSet[] = [
  queueAttributes,
  logAttributes,
  conntrackAttributes,
  expectationAttributes,
  ruleAttributes,
  setElementListAttributes,
  extendedAckAttributes,
  policyAttributes,
]
const scratch = new Memory(1 << 18)

/** Reads a region by a table, shows it, and writes it again. */
function readSet(set: AttributeSet, memory: Memory, start: number, length: number): void {
  const at = start + (length >> 1)
  attributePath(set, memory, start, length, at)
  nestedSetAt(set, memory, start, length, at & ~3)
  const values = readAttributes(set, memory, start, length) as AttributeValues<AttributeSet>
  plainAttributes(set, values)
  try {
    writeAttributes(new AttributeWriter().wrap(scratch, 0, scratch.byteLength), set, values)
  } catch (error) {
    if (!isNetlinkError(error) || !WRITE_CODES.includes(error.code)) throw error
  }
}

fuzzBytes({
  name: 'readers',
  share: 0.3,
  seeds,
  longest: 1 << 18,
  codes: CODES,
  attempt(memory, offset, length, random) {
    const iterator = messages.wrap(memory, offset, length)
    for (let count = 0; count < 64 && iterator.next(); count++) {
      const { type, offset: at, length: size } = iterator.view
      const description = describeMessage(Protocol.Netfilter, type)
      const set = description?.attributes ?? (sets[random.below(sets.length)] as AttributeSet)
      const start = 16 + align4(description?.headerLength ?? 4)
      if (size < start) continue
      const memoryOffset = at + start
      aims(() => readSet(set, memory, memoryOffset, size - start))
    }
  },
})

/** Most nodes for one that is counted, and characters of the text for a byte of input, besides those of one message. */
const NODES_BESIDE = 40
const CHARACTERS_A_BYTE = 200
const CHARACTERS_A_MESSAGE = 8000
const PROTOCOLS = [Protocol.Netfilter, Protocol.Netfilter, Protocol.Generic, Protocol.Route, 99]
const ORDERS = ['little', 'little', 'big'] as const

fuzzBytes({
  name: 'inspect',
  share: 0.15,
  seeds,
  codes: [],
  attempt(memory, offset, length, random) {
    const bytes = memory.u8.subarray(offset, offset + length)
    const options = {
      protocol: PROTOCOLS[random.below(PROTOCOLS.length)] as number,
      byteOrder: ORDERS[random.below(ORDERS.length)] as (typeof ORDERS)[number],
    }
    const text = inspectText(bytes, options)
    if (text.length > length * CHARACTERS_A_BYTE + CHARACTERS_A_MESSAGE) throw new Error(`${text.length} characters`)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the test asserts their absence
    if (/[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/.test(text)) {
      throw new Error('a character that acts on a terminal')
    }
    if (random.below(16) > 0) return
    const nodes = countNodes(inspect(bytes, options))
    if (nodes > Math.min(MAXIMUM_NODES, length + 1) * NODES_BESIDE) throw new Error(`${nodes} nodes`)
  },
})
