/** Attribute tables: format.ts, read.ts and write.ts together. */

import { loadVector, memoryWith } from '@ringlink/test-support/vectors'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  AttributeIterator,
  type AttributeSet,
  type AttributeValues,
  AttributeWriter,
  attributeSet,
  conntrackAttributes,
  ErrorView,
  flag,
  list,
  logConfigAttributes,
  MAXIMUM_ATTRIBUTES,
  MAXIMUM_DEPTH,
  Memory,
  Message,
  MessageView,
  nested,
  type QueueAttributes,
  type QueueConfig,
  queueAttributes,
  queueConfigAttributes,
  readAttributes,
  s64,
  struct,
  text,
  u8,
  u16,
  union,
} from '../../src/index.ts'
import { attributePath } from '../../src/schema/path.ts'
import { code, OFFSET, writing } from './writing.ts'

describe('types', () => {
  test('values have the types of their lines in the table', () => {
    expectTypeOf<QueueAttributes['mark']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<QueueAttributes['payload']>().toEqualTypeOf<Uint8Array | undefined>()
    expectTypeOf<QueueAttributes['securityContext']>().toEqualTypeOf<string | undefined>()
    type Header = NonNullable<QueueAttributes['packetHeader']>
    expectTypeOf<Omit<Header, 'unknown'>>().toEqualTypeOf<{ id: number; protocol: number; hook: number }>()
    expectTypeOf<Header['unknown']>().toEqualTypeOf<Uint8Array | undefined>()
    expectTypeOf<NonNullable<QueueAttributes['timestamp']>['seconds']>().toEqualTypeOf<bigint>()
    expectTypeOf<NonNullable<QueueAttributes['hardwareAddress']>['address']>().toEqualTypeOf<Uint8Array>()
    expectTypeOf<NonNullable<QueueAttributes['conntrack']>['mark']>().toEqualTypeOf<number | undefined>()
    expectTypeOf<NonNullable<QueueConfig['command']>['family']>().toEqualTypeOf<number>()
    expectTypeOf<NonNullable<QueueConfig['unknown']>[number]['payload']>().toEqualTypeOf<Uint8Array>()
    const set = attributeSet('T', {
      on: flag(1, 'T_ON'),
      wide: s64(2, 'T_WIDE'),
      items: list(3, 'T_LIST', queueConfigAttributes),
    })
    expectTypeOf<AttributeValues<typeof set>['on']>().toEqualTypeOf<true | undefined>()
    expectTypeOf<AttributeValues<typeof set>['wide']>().toEqualTypeOf<bigint | undefined>()
    expectTypeOf<AttributeValues<typeof set>['items']>().toEqualTypeOf<QueueConfig[] | undefined>()
  })

  test('and unknown names and wrong types do not compile', () => {
    // @ts-expect-error a mark is a number
    const wrongType: QueueAttributes = { mark: 1n }
    // @ts-expect-error the table has no such attribute
    const wrongName: QueueAttributes = { marc: 1 }
    expect([wrongType, wrongName]).toHaveLength(2)
  })
})

describe('a set', () => {
  test('has one member for each number', () => {
    expect(() => attributeSet('T', { one: u8(1, 'T_ONE'), other: u8(1, 'T_OTHER') })).toThrow('both 1')
  })

  test('has a union only beside the text or integer that selects, unless that is in a set around it', () => {
    const sets = { a: queueConfigAttributes }
    expect(() => attributeSet('T', { data: union(1, 'T_DATA', 'name', sets) })).toThrow(
      'the selector of data must be a text or an integer of the set, got name',
    )
    const members = { name: flag(1, 'T_NAME'), data: union(2, 'T_DATA', 'name', sets) }
    expect(() => attributeSet('T', members)).toThrow('the selector of data must be a text or an integer of the set')
    expect(() => attributeSet('T', { data: union(1, 'T_DATA', 'name', sets, { outer: true }) })).not.toThrow()
    expect(() => attributeSet('T', { kind: flag(1, 'T_KIND') }, ['kind'])).toThrow(
      'the selector of sub-messages within',
    )
  })

  test('refuses the name of its unknown attributes as a member', () => {
    expect(() => attributeSet('T', { unknown: u8(1, 'T_UNKNOWN') })).toThrow(TypeError)
  })
})

describe('reading', () => {
  const bottomless: AttributeSet = {
    name: 'DEEP',
    members: { inner: { number: 1, kernelName: 'DEEP_INNER', format: { kind: 'nested', set: () => bottomless } } },
    names: [undefined, 'inner'],
  }
  const nest = (levels: number) => {
    const memory = new Memory(8 * levels + 64)
    const writer = new AttributeWriter().wrap(memory, OFFSET, memory.byteLength)
    const starts = Array.from({ length: levels }, () => writer.beginNest(1))
    for (const start of starts.reverse()) writer.endNest(start)
    return { memory, length: writer.position - OFFSET }
  }

  test('goes down to the limit of nesting and no further', () => {
    const deepest = nest(MAXIMUM_DEPTH)
    expect(() => readAttributes(bottomless, deepest.memory, OFFSET, deepest.length)).not.toThrow()
    const tooDeep = nest(MAXIMUM_DEPTH + 1)
    const read = () => readAttributes(bottomless, tooDeep.memory, OFFSET, tooDeep.length)
    expect(read).toThrow(code('NESTED_DEPTH'))
    expect(read).toThrow(`DEEP: nested more than ${MAXIMUM_DEPTH} levels deep`)
    const abyss = nest(16000)
    expect(() => readAttributes(bottomless, abyss.memory, OFFSET, abyss.length)).toThrow(code('NESTED_DEPTH'))
    expect(attributePath(bottomless, abyss.memory, OFFSET, abyss.length, OFFSET + 60000)).toHaveLength(
      MAXIMUM_DEPTH + 1,
    )
  })

  test('accepts the maximum number of attributes and no more', () => {
    const memory = new Memory(OFFSET + 4 * (MAXIMUM_ATTRIBUTES + 1))
    const writer = new AttributeWriter().wrap(memory, OFFSET, memory.byteLength)
    for (let count = 0; count < MAXIMUM_ATTRIBUTES; count++) writer.reserve(77, 0)
    expect(readAttributes(queueAttributes, memory, OFFSET, writer.position - OFFSET).unknown).toHaveLength(
      MAXIMUM_ATTRIBUTES,
    )
    writer.reserve(77, 0)
    const read = () => readAttributes(queueAttributes, memory, OFFSET, writer.position - OFFSET)
    expect(read).toThrow(code('ATTRIBUTE_COUNT'))
    expect(read).toThrow(`attributes of NFQA: more than ${MAXIMUM_ATTRIBUTES}`)
  })

  test('keeps unknown attributes with their flag bits', () => {
    const unknown = [
      { type: 0, bits: 0, payload: Uint8Array.of() },
      { type: 0x3fff, bits: 0xc000, payload: Uint8Array.of(1, 2, 3, 4, 5) },
    ]
    expect(writing(queueAttributes, { mark: 0, unknown }).read()).toEqual({ mark: 0, unknown })
  })

  test.each([
    ['NFQA_MARK', 3, 3, 4],
    ['NFQA_MARK', 3, 5, 4],
    ['NFQA_PACKET_HDR', 1, 6, 7],
    ['NFQA_SECCTX', 18, 4098, 4097],
  ])('refuses %s (%d) of %d bytes', (name, type, have, need) => {
    const memory = new Memory(1 << 13)
    const writer = new AttributeWriter().wrap(memory, OFFSET, memory.byteLength)
    writer.reserve(type, have)
    const read = () => readAttributes(queueAttributes, memory, OFFSET, writer.end - OFFSET)
    expect(read).toThrow(expect.objectContaining({ code: 'ATTRIBUTE_SIZE', offset: OFFSET + 4, need, have }))
    expect(read).toThrow(name)
  })

  test('reads the known fields of a struct that has grown', () => {
    const memory = new Memory(64)
    const writer = new AttributeWriter().wrap(memory, OFFSET, 64)
    writer.bytes(2, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff))
    const values = readAttributes(queueAttributes, memory, OFFSET, writer.end - OFFSET)
    expect(values).toEqual({ verdictHeader: { verdict: 1, id: 9 } })
  })

  test('and keeps the rest of it, which it writes again', () => {
    const memory = new Memory(64)
    const writer = new AttributeWriter().wrap(memory, OFFSET, 64)
    writer.bytes(2, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 9, 0xff, 0xfe, 0xfd))
    const values = readAttributes(queueAttributes, memory, OFFSET, writer.end - OFFSET)
    expect(values.verdictHeader?.unknown).toEqual(Uint8Array.of(0xff, 0xfe, 0xfd))
    const again = writing(queueAttributes, values)
    expect(again.memory.copy(OFFSET, 16)).toEqual(memory.copy(OFFSET, 16))
    const tooLong = { verdict: 1, id: 9, unknown: new Uint8Array(65_530) }
    expect(() => writing(queueAttributes, { verdictHeader: tooLong })).toThrow(code('VALUE_RANGE'))
  })

  test('honours NLA_F_NET_BYTEORDER of a number, and of the fields of a struct', () => {
    const set = attributeSet('T', {
      half: u16(1, 'T_HALF'),
      wide: s64(2, 'T_WIDE'),
      pair: struct(3, 'T_PAIR', { a: 'u32', b: 'be16' }),
    })
    const memory = new Memory(128)
    const writer = new AttributeWriter().wrap(memory, OFFSET, 128)
    writer.bytes(1 | 0x4000, Uint8Array.of(1, 2))
    writer.bytes(2 | 0x4000, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe))
    writer.bytes(3 | 0x4000, Uint8Array.of(0, 0, 1, 2, 0, 3))
    const values = readAttributes(set, memory, OFFSET, writer.end - OFFSET)
    expect(values).toEqual({ half: 0x0102, wide: -2n, pair: { a: 0x0102, b: 3 } })
  })

  test('reads and writes several sub-messages of a set, each by its own selector', () => {
    const sets = { queue: queueConfigAttributes, log: logConfigAttributes }
    const set = attributeSet('T', {
      kind: text(1, 'T_KIND', 8),
      data: union(2, 'T_DATA', 'kind', sets),
      other: text(3, 'T_OTHER', 8),
      more: union(4, 'T_MORE', 'other', sets),
    })
    const values = { kind: 'queue', data: { mask: 1 }, other: 'log', more: { threshold: 5 } }
    expect(writing(set, values).read()).toEqual(values)
    const half = { kind: 'queue', other: 'none', data: { mask: 1 } }
    expect(writing(set, half).read()).toEqual(half)
    expect(() => writing(set, { ...half, more: { threshold: 5 } })).toThrow('T_MORE: no table for other none')
  })

  test('names the problem of a malformed list', () => {
    const set = attributeSet('T', { items: list(1, 'T_LIST', queueConfigAttributes) })
    const memory = new Memory(64)
    const writer = new AttributeWriter().wrap(memory, OFFSET, 64)
    writer.bytes(1, Uint8Array.of(40, 0, 1, 0))
    const at = { code: 'ATTRIBUTE_LENGTH', offset: OFFSET + 4, need: 40, have: 4 }
    expect(() => readAttributes(set, memory, OFFSET, 8)).toThrow(expect.objectContaining(at))
  })
})

describe('text', () => {
  const set = attributeSet('T', { name: text(1, 'T_NAME', 8), inner: nested(2, 'T_INNER', conntrackAttributes) })

  test.each(['', 'a', 'eightbit', 'äö€', '\ufeffmark'])('%j survives a round trip', (name) => {
    expect(writing(set, { name }).read()).toEqual({ name })
  })

  test.each(['ninebytes', 'a\0b', '\0'])('%j is refused', (name) => {
    expect(() => writing(set, { name })).toThrow(code('VALUE_RANGE'))
  })
})

describe('control messages', () => {
  test('a request that claims more bytes than were repeated has the length of those', () => {
    const { bytes: frame } = loadVector('queue', 'control-ack-capped')
    const memory = memoryWith(frame, OFFSET)
    // As kernels before 4.11 ack: header only, and no flag that says so.
    memory.u16[(OFFSET + 6) >> 1] = 0
    const error = new ErrorView().wrap(new MessageView().wrap(memory, OFFSET, frame.length))
    expect(error).toMatchObject({ errno: 0, requestLength: 16 })
    expect(error.extendedAck()).toBeUndefined()
    memory.u32[(OFFSET + 20) >> 2] = 3
    expect(error.requestLength).toBe(16)
  })
})

describe('an owned message', () => {
  test('does not share the bytes that it was made from', () => {
    const { bytes: frame } = loadVector('queue', 'verdict-accept')
    const source = frame.slice()
    const message = new Message(source)
    source.fill(0)
    expect(message.bytes).toEqual(frame)
  })

  test('is one message, without the bytes after it', () => {
    const { bytes: frame } = loadVector('queue', 'verdict-accept')
    expect(new Message(Uint8Array.from([...frame, ...frame])).bytes).toEqual(frame)
  })
})

test('an attribute iterator stays where it stopped', () => {
  const memory = new Memory(32)
  memory.u16[0] = 3
  const iterator = new AttributeIterator().wrap(memory, 0, 32)
  expect([iterator.next(), iterator.next()]).toEqual([false, false])
  expect(iterator).toMatchObject({ problem: 'ATTRIBUTE_LENGTH', position: 0 })
})
