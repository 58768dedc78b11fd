import { capturedMessages } from '@ringlink/test-support/vectors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Conntrack,
  ConntrackMessage,
  ConntrackStatus,
  ConntrackView,
  conntrackAttributes,
  conntrackStatusWords,
  type Expectation,
  ExpectationMessage,
  ExpectationView,
  expectationAttributes,
  isNetlinkError,
  Memory,
  Message,
  MessageView,
  NewFlag,
  readNfnetlinkAttributes,
  statusBitsOf,
  statusWordsOf,
  type TupleView,
  writeNfnetlinkMessage,
} from '../../../src/index.ts'
import { attributesArbitrary } from '../../../src/schema/arbitrary.ts'

const connections = attributesArbitrary(conntrackAttributes, 24)
const types = fc.constantFrom(
  { type: ConntrackMessage.New, flags: NewFlag.Create | NewFlag.Exclusive, event: 'new' },
  { type: ConntrackMessage.New, flags: 0, event: 'update' },
  { type: ConntrackMessage.Delete, flags: 0, event: 'destroy' },
)

function connection(attributes: Conntrack, message: { type: number; flags: number }): { memory: Memory; end: number } {
  const memory = new Memory(16384)
  const header = { type: message.type, flags: message.flags, sequence: 0, resourceId: 0, family: 2 }
  return {
    memory,
    end: writeNfnetlinkMessage(memory, 0, memory.byteLength, conntrackAttributes, { ...header, attributes }),
  }
}

/** What a view shows of a direction, as the table has it. */
function expectTuple(view: TupleView, tuple: Conntrack['original']): void {
  const { address = {}, protocol = {}, zone } = tuple ?? {}
  expect(view.isPresent).toBe(tuple !== undefined)
  expect(view.source()).toEqual(address.ipv4Source ?? address.ipv6Source)
  expect(view.destination()).toEqual(address.ipv4Destination ?? address.ipv6Destination)
  expect(view.protocol).toBe(protocol.number)
  expect(view.sourcePort).toBe(protocol.sourcePort)
  expect(view.destinationPort).toBe(protocol.destinationPort)
  expect(view.icmpId).toBe(protocol.icmpId ?? protocol.icmpv6Id)
  expect(view.icmpType).toBe(protocol.icmpType ?? protocol.icmpv6Type)
  expect(view.icmpCode).toBe(protocol.icmpCode ?? protocol.icmpv6Code)
  expect(view.zone).toBe(zone)
}

const numberOf = (value: bigint | undefined) => (value === undefined ? undefined : Number(value))

test('a view shows of a connection what its table reads', () => {
  const view = new ConntrackView()
  fc.assert(
    fc.property(connections, types, (given, message) => {
      const { memory, end } = connection(given, message)
      view.wrap(memory, 0, end)
      const attributes = readNfnetlinkAttributes(new MessageView().wrap(memory, 0, end), conntrackAttributes)
      expect(view.attributes()).toEqual(attributes)
      expect(view.event).toBe(message.event)
      expect(view.family).toBe(2)
      expectTuple(view.original, attributes.original)
      expectTuple(view.reply, attributes.reply)
      expectTuple(view.master, attributes.master)
      expect(view.status).toBe(attributes.status)
      expect(view.tcpState).toBe(attributes.protocolInformation?.tcp?.state)
      expect(view.sctpState).toBe(attributes.protocolInformation?.sctp?.state)
      expect(view.dccpState).toBe(attributes.protocolInformation?.dccp?.state)
      expect(view.timeout).toBe(attributes.timeout)
      expect(view.mark).toBe(attributes.mark ?? 0)
      expect(view.id).toBe(attributes.id ?? 0)
      expect(view.use).toBe(attributes.use)
      expect(view.zone).toBe(attributes.zone)
      expect(view.originalPackets).toBe(numberOf(attributes.countersOriginal?.packets))
      expect(view.originalBytes).toBe(numberOf(attributes.countersOriginal?.bytes))
      expect(view.replyPackets).toBe(numberOf(attributes.countersReply?.packets))
      expect(view.replyBytes).toBe(numberOf(attributes.countersReply?.bytes))
      expect(view.startTime()).toBe(attributes.timestamp?.start)
      expect(view.stopTime()).toBe(attributes.timestamp?.stop)
      expect(view.helper()).toBe(attributes.helper?.name)
      expect(view.labels()).toEqual(attributes.labels)
      expect(view.securityContext()).toBe(attributes.securityContext?.name)
    }),
  )
})

test('a view refuses what the table refuses, with the same code, and nothing else', () => {
  const view = new ConntrackView()
  const damage = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }), cut: fc.nat(8) })
  fc.assert(
    fc.property(connections, damage, (given, { at, byte, cut }) => {
      const { memory, end } = connection(given, { type: ConntrackMessage.New, flags: 0 })
      if (end > 20) memory.u8[20 + (at % (end - 20))] = byte
      const length = Math.max(20, end - cut)
      const codeOf = (read: () => unknown) => {
        try {
          read()
          return 'read'
        } catch (error) {
          if (!isNetlinkError(error)) throw error
          return error.code
        }
      }
      memory.u32[0] = length
      const table = codeOf(() =>
        readNfnetlinkAttributes(new MessageView().wrap(memory, 0, length), conntrackAttributes),
      )
      expect(codeOf(() => view.wrap(memory, 0, length))).toBe(table)
      if (table !== 'read') expect(view.original.isPresent).toBe(false)
    }),
    { numRuns: 500 },
  )
})

test('of a repeated nest the last one counts, as a whole', () => {
  const first = connection(
    { original: { protocol: { number: 6, sourcePort: 1 } } },
    { type: ConntrackMessage.New, flags: 0 },
  )
  const second = connection({ original: { protocol: { number: 17 } } }, { type: ConntrackMessage.New, flags: 0 })
  const memory = new Memory(first.end + second.end)
  memory.u8.set(first.memory.u8.subarray(0, first.end))
  memory.u8.set(second.memory.u8.subarray(20, second.end), first.end)
  memory.u32[0] = first.end + second.end - 20
  const view = new ConntrackView().wrap(memory, 0, first.end + second.end - 20)
  expect(view.original.protocol).toBe(17)
  expect(view.original.sourcePort).toBeUndefined()
})

test('a released view throws, and a view whose message was refused shows nothing of the last one', () => {
  const view = new ConntrackView()
  const { memory, end } = connection(
    { mark: 0x8000_0001, id: 0xffff_fffe, timeout: 5 },
    { type: ConntrackMessage.New, flags: 0 },
  )
  view.wrap(memory, 0, end)
  expect([view.mark, view.id, view.timeout]).toEqual([0x8000_0001, 0xffff_fffe, 5])
  expect(() => view.wrap(memory, 0, 10)).toThrow()
  expect([view.mark, view.id, view.timeout]).toEqual([0, 0, undefined])
  view.wrap(memory, 0, end)
  view.release()
  for (const read of [() => view.mark, () => view.id, () => view.timeout, () => view.family, () => view.attributes()])
    expect(read).toThrow(expect.objectContaining({ code: 'RELEASED' }))
})

test('a view of an expectation shows what its table reads', () => {
  const view = new ExpectationView()
  fc.assert(
    fc.property(attributesArbitrary(expectationAttributes, 24), (attributes: Expectation) => {
      const memory = new Memory(16384)
      const header = { type: ExpectationMessage.New, flags: 0, sequence: 0, resourceId: 0 }
      const end = writeNfnetlinkMessage(memory, 0, memory.byteLength, expectationAttributes, { ...header, attributes })
      view.wrap(memory, 0, end)
      expect(view.attributes()).toEqual(
        readNfnetlinkAttributes(new MessageView().wrap(memory, 0, end), expectationAttributes),
      )
      expect([view.id, view.timeout, view.zone, view.helper()]).toEqual([
        attributes.id,
        attributes.timeout,
        attributes.zone,
        attributes.helperName,
      ])
    }),
  )
})

test('status bits and their words are the same in both directions', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff }), (status) => {
      expect(statusBitsOf(statusWordsOf(status))).toBe(status)
    }),
  )
  expect(Object.values(ConntrackStatus)).toEqual(conntrackStatusWords.map((_, bit) => 1 << bit))
})

describe('messages that a kernel sent', () => {
  const types: readonly number[] = [ConntrackMessage.New, ConntrackMessage.Delete]
  const captured = capturedMessages().filter(
    ([, { from, bytes }]) => from === 'kernel' && types.includes(new Message(bytes).view.type),
  )

  test('there are some of each kind', () => {
    const events = captured.map(([, { bytes }]) => new ConntrackView().wrap(Memory.from(bytes), 0, bytes.length).event)
    expect(new Set(events)).toEqual(new Set(['new', 'update', 'destroy']))
    expect(captured.length).toBeGreaterThanOrEqual(15)
  })

  test.each(captured)('%s reads as its comments say', (_, { bytes, fields }) => {
    const view = new ConntrackView().wrap(Memory.from(bytes), 0, bytes.length)
    const said = (name: string, index = 0) => {
      const value = fields.filter((field) => field.name === name && field.value !== '')[index]?.value.split(' ')[0]
      return value === undefined ? undefined : Number(value)
    }
    expect(view.original.protocol).toBe(said('CTA_PROTO_NUM'))
    expect(view.original.sourcePort).toBe(said('CTA_PROTO_SRC_PORT'))
    expect(view.reply.sourcePort).toBe(said('CTA_PROTO_SRC_PORT', 1))
    expect(view.original.icmpType).toBe(said('CTA_PROTO_ICMP_TYPE'))
    expect(view.status).toBe(said('CTA_STATUS'))
    expect(view.timeout).toBe(said('CTA_TIMEOUT'))
    expect(view.mark).toBe(said('CTA_MARK') ?? 0)
    expect(view.zone).toBe(said('CTA_ZONE'))
    expect(view.originalPackets).toBe(said('CTA_COUNTERS_PACKETS'))
    expect(view.replyBytes).toBe(said('CTA_COUNTERS_BYTES', 1))
    expect(view.sctpState).toBe(said('CTA_PROTOINFO_SCTP_STATE'))
    expect(view.id).toBe(said('CTA_ID'))
    expect(view.use).toBe(said('CTA_USE'))
    expect(view.tcpState).toBe(said('CTA_PROTOINFO_TCP_STATE'))
    expect(view.attributes().unknown).toBeUndefined()
  })
})
