/** Attribute tables: format.ts, read.ts and write.ts together. */

import { loadVector, memoryWith } from '@ringlink/test-support/vectors'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  AttributeIterator,
  type AttributeSet,
  type AttributeValues,
  AttributeWriter,
  attributeSet,
  beginMessage,
  bytes,
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
  sequence,
  struct,
  text,
  u8,
  u16,
  union,
  writeAttributes,
  writeNfnetlinkMessage,
} from '../../src/index.ts'
import { writeNfnetlinkHeader } from '../../src/nfnetlink/header.ts'
import { attributePath } from '../../src/schema/path.ts'

const OFFSET = 8
const code = (name: string) => expect.objectContaining({ code: name })

function writing<Set extends AttributeSet>(set: Set, values: AttributeValues<Set>, limit = 1 << 17) {
  const memory = new Memory(1 << 17)
  const writer = new AttributeWriter().wrap(memory, OFFSET, limit)
  writeAttributes(writer, set, values)
  return { memory, writer, read: () => readAttributes(set, memory, OFFSET, writer.end - OFFSET) }
}

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

describe('the path to a byte', () => {
  test.each([
    ['control-extack-policy', queueConfigAttributes, ['NFQA_CFG_QUEUE_MAXLEN']],
    ['control-extack-message-offset', queueAttributes, ['NFQA_VERDICT_HDR']],
    [
      'control-extack-offset',
      attributeSet('NFTA_TABLE', { name: text(1, 'NFTA_TABLE_NAME', 255) }),
      ['NFTA_TABLE_NAME'],
    ],
    [
      'control-extack-offset-nested',
      attributeSet('ETHTOOL_A_LINKINFO', {
        header: nested(
          1,
          'ETHTOOL_A_LINKINFO_HEADER',
          attributeSet('ETHTOOL_A_HEADER', { device: text(2, 'ETHTOOL_A_HEADER_DEV_NAME', 15) }),
        ),
      }),
      ['ETHTOOL_A_LINKINFO_HEADER', 'ETHTOOL_A_HEADER attribute 3'],
    ],
  ] as const)('%s', (name, set, path) => {
    const { bytes: frame } = loadVector('queue', name)
    const memory = memoryWith(frame, OFFSET)
    const error = new ErrorView().wrap(new MessageView().wrap(memory, OFFSET, frame.length))
    const at = error.requestOffset + (error.extendedAck()?.offset as number)
    const start = error.requestOffset + 20
    expect(attributePath(set, memory, start, error.requestLength - 20, at)).toEqual(path)
  })

  test('goes into lists, stops in padding, and is empty outside', () => {
    const set = attributeSet('T', { name: text(2, 'T_NAME', 8), items: list(1, 'T_LIST', queueConfigAttributes) })
    const { memory, writer } = writing(set, { name: '', items: [{ mask: 1 }, { flags: 2 }] })
    const path = (at: number) => attributePath(set, memory, OFFSET, writer.end - OFFSET, OFFSET + at)
    expect(path(0)).toEqual(['T_NAME'])
    expect(path(4)).toEqual(['T_NAME'])
    expect(path(5)).toEqual([])
    expect(path(8)).toEqual(['T_LIST'])
    expect(path(16)).toEqual(['T_LIST', 'NFQA_CFG_MASK'])
    expect(path(32)).toEqual(['T_LIST', 'NFQA_CFG_FLAGS'])
    expect(path(-1)).toEqual([])
    expect(path(4000)).toEqual([])
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
