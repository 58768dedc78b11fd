import { runs } from '@ringlink/test-support/fuzz'
import { loadVectors, memoryWith } from '@ringlink/test-support/vectors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AttributeSet,
  type AttributeValues,
  AttributeWriter,
  attributeSet,
  batchAttributes,
  be64,
  chainAttributes,
  compatAttributes,
  conntrackAttributes,
  DoneView,
  ErrorView,
  expectationAttributes,
  extendedAckAttributes,
  flag,
  flowtableAttributes,
  generationAttributes,
  isNetlinkError,
  LogRecordView,
  list,
  logAttributes,
  logConfigAttributes,
  MAXIMUM_DEPTH,
  Memory,
  MessageIterator,
  nested,
  objectAttributes,
  QueuePacketView,
  queueAttributes,
  queueConfigAttributes,
  queuePacketAttributes,
  queuePacketConntrack,
  queuePacketExpectation,
  queuePacketVlan,
  readAttributes,
  ruleAttributes,
  s32,
  s64,
  sbe32,
  sequence,
  setAttributes,
  setElementListAttributes,
  struct,
  tableAttributes,
  text,
  traceAttributes,
  u16,
  u32,
  u64,
  union,
  writeAttributes,
} from '../../src/index.ts'
import { NFNETLINK_ATTRIBUTES } from '../../src/nfnetlink/header.ts'
import { expressionAttributes } from '../../src/nfnetlink/nftables/rule.ts'
import { attributesArbitrary } from '../../src/schema/arbitrary.ts'
import { attributePath } from '../../src/schema/path.ts'
import { policyAttributes } from '../../src/wire/control.ts'

/** Every format of a table, including those that no message uses yet. */
const everyFormat = attributeSet('EVERY', {
  present: flag(1, 'EVERY_FLAG'),
  half: u16(2, 'EVERY_U16'),
  word: u32(3, 'EVERY_U32'),
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

  test('random bytes are read or refused, and a second round trip changes nothing', () => {
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

describe('frames', () => {
  const vectors = [...loadVectors('queue'), ...loadVectors('log'), ...loadVectors('nftables')]
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
