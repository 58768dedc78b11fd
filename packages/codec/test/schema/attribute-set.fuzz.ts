/** Every attribute table with the values that arbitrary.ts makes for it. */

import { runs } from '@ringlink/test-support/fuzz'
import { loadVectors, memoryWith } from '@ringlink/test-support/vectors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AttributeSet,
  type AttributeValues,
  AttributeWriter,
  array,
  attributeSet,
  attributesFrom,
  batchAttributes,
  be32,
  be64,
  bitfield32,
  body,
  bytesField,
  chainAttributes,
  characters,
  compatAttributes,
  conntrackAttributes,
  DoneView,
  ErrorView,
  enumeration,
  expectationAttributes,
  extendedAckAttributes,
  field,
  flag,
  flags,
  flowtableAttributes,
  generationAttributes,
  indexedArray,
  inner,
  isNetlinkError,
  LogRecordView,
  list,
  logAttributes,
  logConfigAttributes,
  MAXIMUM_DEPTH,
  Memory,
  MessageIterator,
  multi,
  nest,
  nested,
  objectAttributes,
  padding,
  plainAttributes,
  QueuePacketView,
  queueAttributes,
  queueConfigAttributes,
  queuePacketAttributes,
  queuePacketConntrack,
  queuePacketExpectation,
  queuePacketVlan,
  readAttributes,
  rest,
  ruleAttributes,
  s8,
  s16,
  s32,
  s64,
  sbe16,
  sbe32,
  sbe64,
  sequence,
  setAttributes,
  setElementListAttributes,
  sint,
  struct,
  structure,
  tableAttributes,
  text,
  traceAttributes,
  typeValue,
  u16,
  u32,
  u64,
  uint,
  union,
  writeAttributes,
} from '../../src/index.ts'
import { NFNETLINK_ATTRIBUTES } from '../../src/nfnetlink/header.ts'
import { expressionAttributes } from '../../src/nfnetlink/nftables/rule.ts'
import { attributesArbitrary } from '../../src/schema/arbitrary.ts'
import { attributePath } from '../../src/schema/path.ts'
import { policyAttributes } from '../../src/wire/control.ts'

const Color = { Red: 1, DarkBlue: 2 } as const
const Ability = { Walk: 1, Fly: 2, Swim: 4 } as const
const point = structure({ x: 's16', pad: 2, y: 'sbe64' }, 'point')

/** A set that holds itself, by each format that nests. */
const tree: AttributeSet = attributeSet('TREE', {
  name: text(1, 'TREE_NAME', 8),
  child: nest<object>(2, 'TREE_CHILD', (): AttributeSet => tree),
  children: multi(nest<object>(3, 'TREE_CHILDREN', (): AttributeSet => tree)),
  numbered: indexedArray(nest<object>(4, 'TREE_NUMBERED', (): AttributeSet => tree)),
})
const statistics = attributeSet('STATISTICS', {
  app: union(1, 'STATISTICS_APP', 'kind', { queue: queueConfigAttributes, plain: body(point) }, { outer: true }),
})

/** Every format that a table can have, those too that no message of ours needs yet. */
const everyFormat = attributeSet('EVERY', {
  present: flag(1, 'EVERY_FLAG'),
  half: u16(2, 'EVERY_U16'),
  word: u32(3, 'EVERY_U32', { constants: flags('ABILITY_', Ability) }),
  wide: u64(4, 'EVERY_U64'),
  signed: s32(5, 'EVERY_S32'),
  signedWide: s64(6, 'EVERY_S64'),
  networkWide: be64(7, 'EVERY_BE64'),
  name: text(8, 'EVERY_TEXT', 20),
  pair: struct(9, 'EVERY_STRUCT', { first: 'u8', padding: 3, second: 's64', rest: 5 }),
  members: list(
    10,
    'EVERY_LIST',
    attributeSet('MEMBER', {
      name: text(1, 'MEMBER_NAME', 8),
      inner: nested(2, 'MEMBER_INNER', queueConfigAttributes),
    }),
  ),
  row: sequence(11, 'EVERY_SEQUENCE', attributeSet('ROW', { name: text(1, 'ROW_NAME', 8), number: sbe32(2, 'ROW_N') })),
  choice: union(12, 'EVERY_UNION', 'name', { queue: queueConfigAttributes, log: logConfigAttributes }),
  tiny: s8(13, 'EVERY_S8'),
  short: s16(14, 'EVERY_S16', { constants: enumeration('COLOR_', Color) }),
  networkShort: sbe16(15, 'EVERY_SBE16'),
  networkSigned: sbe64(16, 'EVERY_SBE64'),
  any: uint(17, 'EVERY_UINT'),
  anySigned: sint(18, 'EVERY_SINT'),
  bits: bitfield32(19, 'EVERY_BITFIELD', { constants: flags('ABILITY_', Ability) }),
  numbers: array(20, 'EVERY_ARRAY', 'be16'),
  repeated: multi(nested(21, 'EVERY_MULTI', queueConfigAttributes)),
  words: multi(text(22, 'EVERY_TEXTS', 9)),
  indexed: indexedArray(nested(23, 'EVERY_INDEXED', logConfigAttributes)),
  scalars: indexedArray(u32(24, 'EVERY_SCALARS')),
  typed: typeValue(nested(25, 'EVERY_TYPED', queueConfigAttributes), ['policy', 'attribute']),
  counted: typeValue(u64(26, 'EVERY_COUNTED'), ['id']),
  pad: padding(27, 'EVERY_PAD'),
  tree: nested(28, 'EVERY_TREE', tree),
  layout: struct(
    29,
    'EVERY_LAYOUT',
    structure({
      color: field('u8', { constants: enumeration('COLOR_', Color) }),
      title: characters(7),
      place: inner(point),
      address: bytesField(6, 'mac'),
      points: rest(point),
    }),
  ),
})
/** Sub-messages whose selector is a number, and a struct with attributes following it. */
const numbered = attributeSet('NUMBERED', {
  type: be32(1, 'NUMBERED_TYPE'),
  data: union(2, 'NUMBERED_DATA', 'type', { 7: body(point, queueConfigAttributes), 8: body(point), 9: tree }),
})

const sets: readonly AttributeSet[] = [
  queueAttributes,
  queueConfigAttributes,
  logAttributes,
  logConfigAttributes,
  conntrackAttributes,
  expectationAttributes,
  expressionAttributes,
  extendedAckAttributes,
  policyAttributes,
  batchAttributes,
  generationAttributes,
  tableAttributes,
  chainAttributes,
  ruleAttributes,
  expressionAttributes,
  setAttributes,
  setElementListAttributes,
  objectAttributes,
  flowtableAttributes,
  traceAttributes,
  compatAttributes,
  everyFormat,
  numbered,
  tree,
]
const OFFSET = 32

function write(set: AttributeSet, values: AttributeValues<AttributeSet>): { memory: Memory; length: number } {
  const memory = new Memory(1 << 17)
  const writer = new AttributeWriter().wrap(memory, OFFSET, memory.byteLength)
  writeAttributes(writer, set, values)
  return { memory, length: writer.position - OFFSET }
}

const random = fc.uint8Array({ maxLength: 200 })
/** Bytes that begin like attributes: runs of random bytes, each after a header of a likely type and length. */
const likely = (set: AttributeSet) =>
  fc
    .array(fc.tuple(fc.integer({ min: 0, max: set.names.length + 1 }), fc.nat(20), fc.uint8Array({ maxLength: 24 })), {
      maxLength: 8,
    })
    .map((parts) => Uint8Array.from(parts.flatMap(([type, length, payload]) => [length + 3, 0, type, 0, ...payload])))

/** Reads, and allows only values or a DecodeError that points into the region. */
function readOrRefuse(set: AttributeSet, memory: Memory, offset: number, length: number): object | undefined {
  try {
    return readAttributes(set, memory, offset, length)
  } catch (error) {
    if (!isNetlinkError(error) || error.name !== 'DecodeError') throw error
    const at = (error as unknown as { offset: number }).offset
    expect(at).toBeGreaterThanOrEqual(offset)
    expect(at).toBeLessThanOrEqual(offset + length)
    return undefined
  }
}

describe.each(sets.map((set) => [set.name, set] as const))('%s', (_, set) => {
  const values = attributesArbitrary(set, 48)

  test('written values are read back', () => {
    const property = fc.property(values, (value) => {
      const { memory, length } = write(set, value)
      expect(readAttributes(set, memory, OFFSET, length)).toEqual(value)
    })
    fc.assert(property, { numRuns: runs })
  })

  test('written, read and written again is byte for byte the same', () => {
    const property = fc.property(values, (value) => {
      const first = write(set, value)
      const second = write(set, readAttributes(set, first.memory, OFFSET, first.length))
      expect(second.length).toBe(first.length)
      expect(second.memory.copy(OFFSET, second.length)).toEqual(first.memory.copy(OFFSET, first.length))
    })
    fc.assert(property, { numRuns: runs })
  })

  test('as JSON, and back, is the same', () => {
    const property = fc.property(values, (value) => {
      const plain: unknown = JSON.parse(JSON.stringify(plainAttributes(set, value)))
      expect(attributesFrom(set, plain)).toEqual(value)
      expect(attributesFrom(set, value)).toEqual(value)
    })
    fc.assert(property, { numRuns: runs })
  })

  test('random bytes are read or refused, and what was read settles', () => {
    const property = fc.property(fc.oneof(random, likely(set)), (bytes) => {
      const read = readOrRefuse(set, memoryWith(bytes, OFFSET), OFFSET, bytes.length)
      if (read === undefined) return
      let again: ReturnType<typeof write>
      try {
        again = write(set, read)
      } catch (error) {
        // Bytes that are not UTF-8 grow when they become text, which then may not fit any more.
        if (isNetlinkError(error, 'VALUE_RANGE')) return
        throw error
      }
      const settled = readAttributes(set, again.memory, OFFSET, again.length)
      expect(settled).toEqual(read)
      const { memory, length } = write(set, settled)
      expect(memory.copy(OFFSET, length)).toEqual(again.memory.copy(OFFSET, again.length))
    })
    fc.assert(property, { numRuns: runs })
  })

  test('any length of the written bytes is read or refused, odd ones too', () => {
    const property = fc.property(values, fc.nat(), (value, cut) => {
      const { memory, length } = write(set, value)
      readOrRefuse(set, memory, OFFSET, cut % (length + 1))
    })
    fc.assert(property, { numRuns: runs })
  })

  test('nothing is written at or beyond any limit', () => {
    const property = fc.property(attributesArbitrary(set, 6), (value) => {
      const { length } = write(set, value)
      for (let limit = OFFSET; limit < Math.min(OFFSET + length + 4, OFFSET + 400); limit++) {
        const memory = new Memory(1 << 12)
        memory.u8.fill(0xee)
        const writer = new AttributeWriter().wrap(memory, OFFSET, limit)
        try {
          writeAttributes(writer, set, value)
          expect(writer.end).toBeLessThanOrEqual(limit)
          expect(readAttributes(set, memory, OFFSET, writer.end - OFFSET)).toEqual(value)
        } catch (error) {
          if (!isNetlinkError(error, 'NO_SPACE')) throw error
          expect(limit).toBeLessThan(OFFSET + length)
        }
        expect(memory.u8.subarray(limit).every((byte) => byte === 0xee)).toBe(true)
      }
    })
    fc.assert(property, { numRuns: Math.ceil(runs / 20) })
  })

  test('a path never fails, and names the attributes at its place', () => {
    const property = fc.property(fc.oneof(random, likely(set)), fc.nat(300), (bytes, at) => {
      const path = attributePath(set, memoryWith(bytes, OFFSET), OFFSET, bytes.length, at)
      expect(path.length).toBeLessThanOrEqual(MAXIMUM_DEPTH + 1)
    })
    fc.assert(property, { numRuns: runs })
  })
})

describe('a selector in a set around the sub-message', () => {
  const outer = attributeSet(
    'OUTER',
    { kind: text(1, 'OUTER_KIND', 16), statistics: nested(2, 'OUTER_STATISTICS', statistics) },
    ['kind'],
  )

  test.each([
    ['queue', { app: { command: { command: 1, family: 2 } } }],
    ['plain', { app: { header: { x: -5, y: 1n << 40n } } }],
  ])('%s', (kind, given) => {
    const values = { kind, statistics: given } as unknown as AttributeValues<typeof outer>
    const { memory, length } = write(outer, values)
    expect(readAttributes(outer, memory, OFFSET, length)).toEqual(values)
    const path = attributePath(outer, memory, OFFSET, length, OFFSET + length - 1)
    expect(path.slice(0, 2)).toEqual(['OUTER_STATISTICS', 'STATISTICS_APP'])
  })

  test('of which nothing is known leaves the bytes', () => {
    const payload = Uint8Array.of(1, 2, 3)
    const values = { kind: 'other', statistics: { unknown: [{ type: 1, bits: 0, payload }] } }
    const { memory, length } = write(outer, values)
    expect(readAttributes(outer, memory, OFFSET, length)).toEqual(values)
  })
})

describe('frames', () => {
  const vectors = (['queue', 'log', 'nftables', 'conntrack'] as const).flatMap((folder) => loadVectors(folder))
  const packet = new QueuePacketView()
  const record = new LogRecordView()

  function readEverything(memory: Memory, offset: number, length: number): void {
    const iterator = new MessageIterator().wrap(memory, offset, length)
    let count = 0
    while (iterator.next()) {
      count++
      const { view } = iterator
      const end = view.offset + view.length
      expect(end).toBeLessThanOrEqual(offset + length)
      for (const set of [queueAttributes, queueConfigAttributes, logAttributes, conntrackAttributes, ruleAttributes]) {
        if (view.length >= NFNETLINK_ATTRIBUTES) readOrRefuse(set, memory, view.offset + 20, view.length - 20)
      }
      for (const read of [
        () => queuePacketAttributes(packet.wrap(memory, view.offset, view.length)),
        () => queuePacketConntrack(packet),
        () => queuePacketExpectation(packet),
        () => queuePacketVlan(packet),
        () => record.wrap(memory, view.offset, view.length).attributes(),
        () => record.vlan(),
        () => new DoneView().wrap(view).extendedAck(),
        () => {
          const error = new ErrorView().wrap(view)
          expect(error.requestOffset + error.requestLength).toBeLessThanOrEqual(end)
          expect(Number.isInteger(error.errno + error.requestType + error.requestSequence)).toBe(true)
          return error.extendedAck()
        },
      ]) {
        try {
          read()
        } catch (error) {
          if (!isNetlinkError(error) || error.name !== 'DecodeError') throw error
        }
      }
    }
    expect(count).toBeLessThanOrEqual(length / 16)
    expect(iterator.position).toBeGreaterThanOrEqual(offset)
    if (iterator.problem !== undefined) expect(iterator.position).toBeLessThan(offset + length)
    expect(iterator.next()).toBe(false)
  }

  test('of random bytes are read or refused', () => {
    const property = fc.property(random, (bytes) => readEverything(memoryWith(bytes, OFFSET), OFFSET, bytes.length))
    fc.assert(property, { numRuns: runs })
  })

  test('of vectors that are changed, truncated or combined are read or refused', () => {
    const change = fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 3, 4, 0x80, 0xff)))
    const frames = fc.array(fc.constantFrom(...vectors), { minLength: 1, maxLength: 3 })
    const property = fc.property(frames, fc.array(change, { maxLength: 6 }), fc.nat(), (parts, changes, cut) => {
      const bytes = Uint8Array.from(
        parts.flatMap((part) => [...part.bytes, ...new Array((4 - (part.bytes.length & 3)) & 3).fill(0)]),
      )
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte
      const length = cut % 4 === 0 ? cut % bytes.length : bytes.length
      readEverything(memoryWith(bytes, OFFSET), OFFSET, length)
    })
    fc.assert(property, { numRuns: runs * 2 })
  })
})
