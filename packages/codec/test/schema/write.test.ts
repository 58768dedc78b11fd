import { describe, expect, test } from 'vitest'
import {
  type AttributeSet,
  AttributeWriter,
  attributeSet,
  beginMessage,
  bytes,
  flag,
  list,
  Memory,
  nested,
  type QueueAttributes,
  queueAttributes,
  queueConfigAttributes,
  readAttributes,
  sequence,
  text,
  u8,
  union,
  writeNfnetlinkMessage,
} from '../../src/index.ts'
import { writeNfnetlinkHeader } from '../../src/nfnetlink/header.ts'
import { code, OFFSET, writing } from './writing.ts'

describe('writing refuses', () => {
  test.each<[string, Record<string, unknown>]>([
    ['a number below its bounds', { mark: -1 }],
    ['a number above its bounds', { mark: 2 ** 32 }],
    ['a fraction', { mark: 1.5 }],
    ['not a number', { mark: Number.NaN }],
    ['a bigint for a number', { mark: 1n }],
    ['a number for a bigint', { timestamp: { seconds: 1, microseconds: 0n } }],
    ['a bigint above its bounds', { timestamp: { seconds: 2n ** 64n, microseconds: 0n } }],
    ['a struct without a field', { packetHeader: { id: 1, protocol: 2 } }],
    ['null for a struct', { packetHeader: null }],
    ['the wrong number of bytes for a field', { hardwareAddress: { length: 6, address: new Uint8Array(6) } }],
    ['a number for text', { securityContext: 7 }],
    ['text for a payload', { payload: 'text' }],
    ['a payload longer than an attribute', { payload: new Uint8Array(65532) }],
    ['null for a nest', { conntrack: null }],
    ['text that is too long', { conntrack: { helper: { name: 'sixteen letters!' } } }],
    ['an address of another family', { conntrack: { original: { address: { ipv4Source: new Uint8Array(16) } } } }],
    ['an unknown type with bits', { unknown: [{ type: 0x8001, bits: 0, payload: new Uint8Array() }] }],
    ['invalid bits of an unknown attribute', { unknown: [{ type: 1, bits: 1, payload: new Uint8Array() }] }],
    ['an invalid payload of an unknown attribute', { unknown: [{ type: 1, bits: 0, payload: [1] }] }],
  ])('%s', (_, values) => {
    expect(() => writing(queueAttributes, values as QueueAttributes)).toThrow(code('VALUE_RANGE'))
  })

  test.each(['marc', 'constructor', 'toString', '__proto__x'])('a name that the table does not have: %s', (name) => {
    expect(() => writing(queueAttributes, { [name]: 1 } as QueueAttributes)).toThrow(code('ATTRIBUTE_UNKNOWN'))
  })

  test('a flag that is not true, and a list that is not an array', () => {
    const set = attributeSet('T', { on: flag(1, 'T_ON'), items: list(2, 'T_LIST', queueConfigAttributes) })
    expect(writing(set, { on: true, items: [{ mask: 1 }, {}] }).read()).toEqual({ on: true, items: [{ mask: 1 }, {}] })
    expect(() => writing(set, { on: false } as unknown as { on: true })).toThrow(code('VALUE_RANGE'))
    expect(() => writing(set, { items: {} } as unknown as { items: [] })).toThrow(code('VALUE_RANGE'))
  })

  test('a sequence that is not an array; an element with several members becomes several', () => {
    const row = attributeSet('ROW', { name: text(1, 'ROW_NAME', 8), number: u8(2, 'ROW_NUMBER') })
    const set = attributeSet('T', { rows: sequence(1, 'T_ROWS', row) })
    const rows = [{ name: 'a', number: 1 }, {}, { name: 'b' }]
    expect(writing(set, { rows }).read()).toEqual({ rows: [{ name: 'a' }, { number: 1 }, { name: 'b' }] })
    expect(() => writing(set, { rows: {} } as unknown as { rows: [] })).toThrow(code('VALUE_RANGE'))
    expect(() => writing(set, { rows: [{ name: 'too long a name' }] })).toThrow(code('VALUE_RANGE'))
    const memory = new Memory(64)
    const writer = new AttributeWriter().wrap(memory, OFFSET, 64)
    writer.bytes(1, Uint8Array.of(5, 0, 2, 0, 7, 0, 0, 0, 9, 0, 2, 0))
    const at = { code: 'ATTRIBUTE_LENGTH', offset: OFFSET + 12, need: 9, have: 4 }
    expect(() => readAttributes(set, memory, OFFSET, writer.end - OFFSET)).toThrow(expect.objectContaining(at))
  })

  test('a sub-message without a selector, or with an unknown one', () => {
    const sets = { queue: queueConfigAttributes }
    const set = attributeSet('T', { name: text(1, 'T_NAME', 8), data: union(2, 'T_DATA', 'name', sets) })
    expect(writing(set, { data: { mask: 1 }, name: 'queue' }).read()).toEqual({ name: 'queue', data: { mask: 1 } })
    expect(() => writing(set, { name: 'log', data: {} })).toThrow('T_DATA: no table for name log')
    expect(() => writing(set, { data: {} })).toThrow(code('ATTRIBUTE_UNKNOWN'))
    expect(() => writing(set, { name: 'queue', data: { marc: 1 } } as object)).toThrow('NFQA_CFG has no attribute')
  })

  test('circular values', () => {
    const set: AttributeSet = {
      name: 'RING',
      members: { next: { number: 1, kernelName: 'RING_NEXT', format: { kind: 'nested', set: () => set } } },
      names: [undefined, 'next'],
    }
    const ring: Record<string, unknown> = {}
    ring.next = ring
    expect(() => writing(set, ring)).toThrow(code('VALUE_RANGE'))
  })

  test('a nest that outgrows its length', () => {
    const set = attributeSet('T', {
      one: bytes(1, 'T_ONE'),
      inner: nested(2, 'T_INNER', attributeSet('I', { a: bytes(1, 'I_A'), b: bytes(2, 'I_B') })),
    })
    const half = new Uint8Array(40000)
    expect(() => writing(set, { inner: { a: half, b: half } })).toThrow(code('NO_SPACE'))
    expect(() => writing(set, { one: half, inner: { a: half } })).not.toThrow()
  })
})

describe('a message at its limit', () => {
  const payload = Uint8Array.of(1, 2, 3, 4, 5)
  const message = { type: 0x301, flags: 1, sequence: 9, resourceId: 5, attributes: { payload } }

  test.each([29, 30, 31, 32, 33])('limit %d: its length never exceeds it', (limit) => {
    const memory = new Memory(64)
    memory.u8.fill(0xee)
    const length = writeNfnetlinkMessage(memory, 0, limit, queueAttributes, message)
    expect(length).toBe(limit < 32 ? 29 : 32)
    expect(memory.u32[0]).toBe(length)
    expect(new Set(memory.u8.subarray(limit))).toEqual(new Set([0xee]))
  })

  test('nor does that of a nest', () => {
    const attributes = { conntrack: { labels: Uint8Array.of(1) } }
    const memory = new Memory(64)
    const length = writeNfnetlinkMessage(memory, 0, 30, queueAttributes, { ...message, attributes })
    expect(length).toBe(29)
    expect(readAttributes(queueAttributes, memory, 20, length - 20)).toEqual(attributes)
  })

  test.each(Array.from({ length: 29 }, (_, limit) => limit))(
    'limit %d is too small, and nothing is written beyond it',
    (limit) => {
      const memory = new Memory(64)
      memory.u8.fill(0xee)
      const write = () => writeNfnetlinkMessage(memory, 0, limit, queueAttributes, message)
      expect(write).toThrow(code('NO_SPACE'))
      expect(new Set(memory.u8.subarray(limit))).toEqual(new Set([0xee]))
    },
  )

  test('a limit beyond the memory means the memory’s end', () => {
    expect(() => beginMessage(new Memory(8), 0, 4096, message)).toThrow(code('NO_SPACE'))
    expect(() => writeNfnetlinkHeader(new Memory(16), 16, 4096, 0, 0)).toThrow(code('NO_SPACE'))
    expect(() => writeNfnetlinkMessage(new Memory(20), 0, 4096, queueAttributes, message)).toThrow(code('NO_SPACE'))
    expect(writeNfnetlinkMessage(new Memory(20), 0, 4096, queueAttributes, { ...message, attributes: {} })).toBe(20)
  })

  test('an offset that is not a multiple of four is refused', () => {
    expect(() => writeNfnetlinkMessage(new Memory(64), 2, 64, queueAttributes, message)).toThrow(code('VALUE_RANGE'))
    expect(() => new AttributeWriter().wrap(new Memory(64), 5, 64)).toThrow(code('VALUE_RANGE'))
  })

  test.each([{ resourceId: 65536 }, { resourceId: -1 }, { family: 256 }, { family: -1 }])('%j is refused', (wrong) => {
    const write = () => writeNfnetlinkMessage(new Memory(64), 0, 64, queueAttributes, { ...message, ...wrong })
    expect(write).toThrow(code('VALUE_RANGE'))
  })
})
