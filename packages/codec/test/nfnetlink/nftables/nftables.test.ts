import { loadVector, memoryWith } from '@ringlink/test-support/vectors'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  AttributeWriter,
  ErrorView,
  type Expression,
  expressionAt,
  expressionTables,
  Family,
  generationAttributes,
  type LogTarget,
  logTargetInformation,
  Memory,
  type Message,
  MessageIterator,
  MessageView,
  messageResourceId,
  NfTablesMessage,
  queueTargetInformation,
  Register,
  RuleQueueFlag,
  RuleVerdict,
  readAttributes,
  readLogTarget,
  readNfnetlinkAttributes,
  readQueueTarget,
  ruleAttributes,
  TableFlag,
  writeAttributes,
} from '../../../src/index.ts'
import { LOG_TARGET_REVISION } from '../../../src/nfnetlink/nftables/compat.ts'
import { expressionAttributes } from '../../../src/nfnetlink/nftables/rule.ts'
import { attributePath } from '../../../src/schema/path.ts'
import { APPEND, type BatchPart, marked, queueTarget, udpTo, verdict, writeBatch } from './batch.ts'

const code = (name: string) => expect.objectContaining({ code: name })
const OFFSET = 8

describe('types', () => {
  test('the name of an expression selects the type of its data', () => {
    const read = (expression: Expression) => {
      if (expression.name === 'counter') expectTypeOf(expression.data?.packets).toEqualTypeOf<bigint | undefined>()
      if (expression.name === 'log') expectTypeOf(expression.data?.prefix).toEqualTypeOf<string | undefined>()
      return expression.name
    }
    expect(read({ name: 'meta', data: { key: 1, destinationRegister: Register.Wide1 } })).toBe('meta')
    expect(read({ name: 'of-another-kernel', unknown: [] })).toBe('of-another-kernel')
    // @ts-expect-error a queue has no prefix
    expect(read({ name: 'queue', data: { prefix: 'no' } })).toBe('queue')
    // @ts-expect-error there is no such expression, so there is no data of it
    expect(read({ name: 'meter', data: { key: 1 } })).toBe('meter')
  })

  test('every expression with a table survives a round trip', () => {
    for (const name of Object.keys(expressionTables)) {
      expect(expressionWritten({ name, data: {} } as Expression).read()).toEqual({ name, data: {} })
    }
  })
})

function expressionWritten(expression: Expression, limit = 512) {
  const memory = new Memory(512)
  const writer = new AttributeWriter().wrap(memory, OFFSET, limit)
  writeAttributes(writer, expressionAttributes, expression)
  const length = writer.end - OFFSET
  return { memory, length, read: () => readAttributes(expressionAttributes, memory, OFFSET, length) }
}

describe('our bytes equal those of', () => {
  const table = 'filter'
  const chain = 'out'
  const rule = (...expressions: Expression[]): BatchPart => ({
    type: NfTablesMessage.NewRule,
    flags: APPEND,
    attributes: { table, chain, expressions },
  })
  // In the order in which nft writes them.
  const log = { prefix: 'dns', group: 5, copyRange: 64, threshold: 3 }
  const batches: [name: string, vector: string, parts: BatchPart[]][] = [
    [
      'nft: a base chain',
      'batch-chain',
      [
        {
          type: NfTablesMessage.NewChain,
          attributes: { table, name: chain, type: 'filter', policy: 1, hook: { number: 3, priority: -150 } },
        },
      ],
    ],
    [
      'nft: a table with an owner',
      'batch-table-owner',
      [
        {
          type: NfTablesMessage.NewTable,
          flags: 0,
          family: Family.Inet,
          attributes: { name: 'own', flags: TableFlag.Owner },
        },
      ],
    ],
    [
      'nft: a chain of two devices',
      'batch-chain-devices',
      [
        {
          type: NfTablesMessage.NewChain,
          family: Family.NetworkDevice,
          attributes: {
            table: 'nd',
            name: 'two',
            type: 'filter',
            hook: { number: 0, priority: 3, devices: [{ name: 'v0' }, { name: 'lo' }] },
          },
        },
      ],
    ],
    [
      'nft: native log',
      'batch-rule-log',
      [
        rule(
          ...udpTo(53),
          ...marked(7),
          { name: 'counter', data: {} },
          { name: 'log', data: log },
          verdict(RuleVerdict.Accept),
        ),
      ],
    ],
    [
      'nft: native queue, which kernels without CONFIG_NFT_QUEUE refuse',
      'batch-rule-queue-range',
      [
        rule(
          ...udpTo(53),
          { name: 'counter', data: {} },
          { name: 'queue', data: { number: 3, total: 3, flags: RuleQueueFlag.Bypass | RuleQueueFlag.CpuFanout } },
        ),
      ],
    ],
    ['nft: no expression data at all', 'batch-rule-notrack', [rule({ name: 'notrack' })]],
    [
      'iptables: the compat target NFQUEUE, with its table and chain',
      'batch-target-queue',
      [
        { type: NfTablesMessage.NewTable, attributes: { name: 'raw' } },
        {
          type: NfTablesMessage.NewChain,
          attributes: {
            table: 'raw',
            name: 'OUTPUT',
            hook: { number: 3, priority: -300 },
            policy: RuleVerdict.Accept,
            type: 'filter',
          },
        },
        {
          type: NfTablesMessage.NewRule,
          flags: APPEND,
          attributes: {
            table: 'raw',
            chain: 'OUTPUT',
            expressions: [
              ...udpTo(5300),
              { name: 'counter', data: { bytes: 0n, packets: 0n } },
              queueTarget({ number: 3, total: 1, flags: RuleQueueFlag.Bypass }),
            ],
            compat: { protocol: 17, flags: 0 },
          },
        },
      ],
    ],
  ]

  test.each(batches)('%s', (_, name, parts) => {
    const { bytes } = loadVector('nftables', name)
    const first = new DataView(bytes.buffer)
    // iptables names the generation that it has seen; nft does not. Each numbers its messages in its own way.
    const generation = first.getUint32(0, true) === 28 ? { generation: first.getUint32(24) } : {}
    const memory = new Memory(4096)
    const length = writeBatch(memory, OFFSET, 4096, parts, { sequence: first.getUint32(8, true), ...generation })
    expect(memory.copy(OFFSET, length)).toEqual(bytes)
  })
})

describe('the kernel’s answers', () => {
  const messagesIn = (name: string) => {
    const { bytes } = loadVector('nftables', name)
    const iterator = new MessageIterator().wrap(memoryWith(bytes, OFFSET), OFFSET, bytes.length)
    const found: Message[] = []
    while (iterator.next()) found.push(iterator.view.copy())
    return found.map(({ view }) => view)
  }
  const rulesIn = (name: string) => messagesIn(name).map((view) => readNfnetlinkAttributes(view, ruleAttributes))

  test('rules with the target NFQUEUE, and their counters', () => {
    const [first, second] = rulesIn('rules-target')
    expect(first).toMatchObject({ table: 'raw', chain: 'OUTPUT', handle: 2n })
    const named = (rule: typeof first, name: string) =>
      rule?.expressions?.find((expression) => expression.name === name)
    const information = (rule: typeof first) => {
      const target = named(rule, 'target')
      return target?.name === 'target' ? readQueueTarget(target.data?.information ?? new Uint8Array()) : undefined
    }
    expect(named(first, 'counter')?.data).toEqual({ bytes: 0n, packets: 0n })
    expect(information(first)).toEqual({ number: 3, total: 1, flags: RuleQueueFlag.Bypass })
    // "hello" and a line feed in UDP over IPv4
    expect(named(second, 'counter')?.data).toEqual({ bytes: 34n, packets: 1n })
    expect(information(second)).toEqual({ number: 3, total: 3, flags: RuleQueueFlag.CpuFanout })
  })

  test('the lower half of the generation as the resource id', () => {
    const [view] = messagesIn('generation')
    if (view === undefined) throw new Error('no message')
    const { id } = readNfnetlinkAttributes(view, generationAttributes)
    expect(id).toBe(1)
    expect(messageResourceId(view.memory, view.offset)).toBe(1)
  })

  test.each([
    ['batch-rule-queue-error', { index: 0, name: 'queue' }],
    ['batch-rule-queue-range-error', { index: 5, name: 'queue' }],
    ['batch-rule-queue-register-error', { index: 1, name: 'queue' }],
  ] as const)('%s: an expression that the kernel lacks is found by its place', (name, place) => {
    const { bytes } = loadVector('nftables', name)
    const memory = memoryWith(bytes, OFFSET)
    const error = new ErrorView().wrap(new MessageView().wrap(memory, OFFSET, bytes.length))
    expect(error.errno).toBe(2)
    const at = error.requestOffset + (error.extendedAck()?.offset as number)
    const region = [memory, error.requestOffset + 20, error.requestLength - 20] as const
    expect(attributePath(ruleAttributes, ...region, at)).toEqual(['NFTA_RULE_EXPRESSIONS'])
    expect(expressionAt(...region, at)).toEqual(place)
  })

  test('paths lead into the data of an expression', () => {
    const expressions: Expression[] = [{ name: 'counter' }, { name: 'log', data: { group: 5, prefix: 'a' } }]
    const memory = new Memory(512)
    const writer = new AttributeWriter().wrap(memory, OFFSET, 512)
    writeAttributes(writer, ruleAttributes, { expressions })
    const paths = Array.from({ length: writer.end - OFFSET }, (_, at) =>
      attributePath(ruleAttributes, memory, OFFSET, writer.end - OFFSET, OFFSET + at).join(' > '),
    )
    const places = paths.map((_, at) => expressionAt(memory, OFFSET, writer.end - OFFSET, OFFSET + at))
    expect(places[0]).toBeUndefined()
    expect(new Set(places.map((place) => place?.name))).toEqual(new Set([undefined, 'counter', 'log']))
    // The padding of its last attribute is the element's own.
    expect(places.at(-1)).toEqual({ index: 1, name: 'log' })
    expect(expressionAt(memory, OFFSET, writer.end - OFFSET, OFFSET - 1)).toBeUndefined()
    expect([...new Set(paths)]).toEqual([
      'NFTA_RULE_EXPRESSIONS',
      'NFTA_RULE_EXPRESSIONS > NFTA_EXPR_NAME',
      'NFTA_RULE_EXPRESSIONS > NFTA_EXPR_DATA',
      'NFTA_RULE_EXPRESSIONS > NFTA_EXPR_DATA > NFTA_LOG_GROUP',
      'NFTA_RULE_EXPRESSIONS > NFTA_EXPR_DATA > NFTA_LOG_PREFIX',
    ])
  })
})

describe('an expression', () => {
  const payload = Uint8Array.of(8, 0, 1, 0, 0, 0, 0, 7)

  test('without a table keeps its data, and comes back byte for byte', () => {
    const other: Expression = { name: 'meter', unknown: [{ type: 2, bits: 0x8000, payload }] }
    const { memory, length, read } = expressionWritten(other)
    expect(read()).toEqual(other)
    const again = expressionWritten(read() as Expression)
    expect(again.memory.copy(OFFSET, again.length)).toEqual(memory.copy(OFFSET, length))
  })

  test('may have its name after its data, and the last of several names wins', () => {
    const memory = new Memory(128)
    const writer = new AttributeWriter().wrap(memory, OFFSET, 128)
    const text = (name: string) => writer.bytes(1, new TextEncoder().encode(`${name}\0`))
    text('log')
    writer.bytes(2, payload)
    text('meta')
    const read = readAttributes(expressionAttributes, memory, OFFSET, writer.end - OFFSET)
    expect(read).toEqual({ name: 'meta', data: { destinationRegister: 7 } })
  })

  test.each(['meter', 'constructor', '__proto__', ''])('with data but no table is not written: %j', (name) => {
    const write = () => expressionWritten({ name, data: {} } as unknown as Expression)
    expect(write).toThrow(code('ATTRIBUTE_UNKNOWN'))
    expect(write).toThrow(`NFTA_EXPR_DATA: no table for name ${name}`)
  })

  test('with data and no name is not written', () => {
    expect(() => expressionWritten({ data: {} } as unknown as Expression)).toThrow(code('ATTRIBUTE_UNKNOWN'))
  })

  test('with a member of another expression is not written', () => {
    const wrong = { name: 'queue', data: { prefix: 'no' } } as unknown as Expression
    expect(() => expressionWritten(wrong)).toThrow('NFTA_QUEUE has no attribute "prefix"')
  })

  test.each([
    [{ name: 'queue', data: { number: 65536 } }, 'NFTA_QUEUE_NUM'],
    [{ name: 'log', data: { prefix: 'p'.repeat(128) } }, 'NFTA_LOG_PREFIX'],
    [{ name: 'cmp', data: { data: { value: new Uint8Array(65) } } }, 'NFTA_DATA_VALUE'],
    [{ name: 'immediate', data: { data: { verdict: { code: 2 ** 31 } } } }, 'NFTA_VERDICT_CODE'],
    [{ name: 'target', data: { name: 'a name of more than thirty-one bytes' } }, 'NFTA_TARGET_NAME'],
  ] as const)('%j is out of bounds: %s', (expression, name) => {
    const write = () => expressionWritten(expression as Expression)
    expect(write).toThrow(code('VALUE_RANGE'))
    expect(write).toThrow(name)
  })

  test('whose data is too short is refused with the name of the attribute', () => {
    const memory = new Memory(128)
    const writer = new AttributeWriter().wrap(memory, OFFSET, 128)
    writer.bytes(1, new TextEncoder().encode('queue\0'))
    writer.bytes(2, Uint8Array.of(5, 0, 1, 0, 7, 0, 0, 0))
    const read = () => readAttributes(expressionAttributes, memory, OFFSET, writer.end - OFFSET)
    expect(read).toThrow(code('ATTRIBUTE_SIZE'))
    expect(read).toThrow('NFTA_QUEUE_NUM')
  })
})

describe('the contents of the target', () => {
  test('NFQUEUE is eight bytes, its numbers in host order', () => {
    const information = queueTargetInformation({ number: 3, total: 5, flags: RuleQueueFlag.CpuFanout })
    expect(new Uint16Array(information.slice().buffer)).toEqual(Uint16Array.of(3, 5, 2, 0))
    expect(readQueueTarget(information)).toEqual({ number: 3, total: 5, flags: 2 })
  })

  test.each<[LogTarget, number]>([
    [{ group: 5, copyRange: 64, threshold: 3, prefix: 'hello' }, 1],
    [{ group: 65535, copyRange: undefined, threshold: 0, prefix: '' }, 0],
    [{ group: 0, copyRange: 0, threshold: 65535, prefix: 'p'.repeat(63) }, 1],
  ])('NFLOG is 80 bytes, its numbers in host order: %j', (target, flags) => {
    const information = logTargetInformation(target)
    expect(LOG_TARGET_REVISION).toBe(0)
    expect(information).toHaveLength(80)
    const halves = new Uint16Array(information.slice().buffer)
    expect([...halves.subarray(2, 6)]).toEqual([target.group, target.threshold, flags, 0])
    expect(new Uint32Array(information.slice().buffer)[0]).toBe(target.copyRange ?? 0)
    expect(readLogTarget(information)).toEqual(target)
  })

  test.each([
    () => queueTargetInformation({ number: 65536, total: 1, flags: 0 }),
    () => queueTargetInformation({ number: 0, total: -1, flags: 0 }),
    () => queueTargetInformation({ number: 0, total: 1, flags: 0.5 }),
    () => logTargetInformation({ group: 65536, copyRange: undefined, threshold: 0, prefix: '' }),
    () => logTargetInformation({ group: 0, copyRange: 2 ** 32, threshold: 0, prefix: '' }),
    () => logTargetInformation({ group: 0, copyRange: undefined, threshold: -1, prefix: '' }),
    () => logTargetInformation({ group: 0, copyRange: undefined, threshold: 0, prefix: 'p'.repeat(64) }),
    () => logTargetInformation({ group: 0, copyRange: undefined, threshold: 0, prefix: 'a\0b' }),
  ])('refuses what does not fit: %s', (write) => {
    expect(write).toThrow(code('VALUE_RANGE'))
  })

  test('is refused when it is too short, and read when it is longer', () => {
    expect(() => readQueueTarget(new Uint8Array(5))).toThrow(code('ATTRIBUTE_SIZE'))
    expect(readQueueTarget(new Uint8Array(6))).toEqual({ number: 0, total: 0, flags: 0 })
    expect(() => readLogTarget(new Uint8Array(75))).toThrow(code('ATTRIBUTE_SIZE'))
    expect(readLogTarget(new Uint8Array(96))).toMatchObject({ group: 0, prefix: '' })
  })
})
