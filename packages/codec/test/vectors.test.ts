/** Every golden vector of /vectors, through views, tables and inspect. */

import {
  canonical,
  capturedMessages,
  expectedCode,
  loadVectors,
  memoryWith,
  messagesOf,
  numberIn,
  protocolOf,
  type Vector,
} from '@ringlink/test-support/vectors'
import { describe, expect, test } from 'vitest'
import {
  AttributeIterator,
  type AttributeSet,
  type AttributeValues,
  AttributeWriter,
  align4,
  BatchMessage,
  beginMessage,
  CompatMessage,
  ControlType,
  conntrackGlobalAttributes,
  conntrackProcessorAttributes,
  type DecodeErrorCode,
  DoneView,
  ErrorView,
  expectationProcessorAttributes,
  extendedAckAttributes,
  finishMessage,
  isNetlinkError,
  LogMessage,
  MESSAGE_HEADER_LENGTH,
  Memory,
  Message,
  MessageIterator,
  MessageView,
  messageFamily,
  messageResourceId,
  NfTablesMessage,
  QueueMessage,
  readAttributes,
  readNfnetlinkAttributes,
  writeAttributes,
} from '../src/index.ts'
import { describeMessage } from '../src/messages.ts'
import { NFNETLINK_ATTRIBUTES, writeNfnetlinkHeader } from '../src/nfnetlink/header.ts'
import { attributeByNumber } from '../src/schema/format.ts'
import { expectAgreement, expectComments, logRecords, OFFSET, queuePackets } from './views.ts'

const vectors = capturedMessages()
/** Messages with a deliberately wrong length: the framing is right, but the value is not valid in the table. */
const wrongSizes = new Set([
  'queue/config-maxlen-short',
  'queue/verdict-header-short',
  'log/config-flags-long',
  'log/config-mode-short',
  'log/config-qthresh-short',
])
const subjects = [queuePackets, logRecords]

const aim = (vector: Vector) => new MessageView().wrap(memoryWith(vector.bytes, OFFSET), OFFSET, vector.bytes.length)

/** The numbers among decoded values, by the names in the vectors' comments, in wire order. */
function numbersOf(set: AttributeSet, values: object, into = new Map<string, bigint[]>()): Map<string, bigint[]> {
  const put = (name: string, value: unknown) => {
    if (typeof value === 'number' || typeof value === 'bigint')
      into.set(name, [...(into.get(name) ?? []), BigInt(value)])
  }
  for (const [name, value] of Object.entries(values)) {
    const attribute = set.members[name]
    if (attribute === undefined) continue
    const { format } = attribute
    if (format.kind === 'nested') numbersOf(format.set(), value as object, into)
    else if (format.kind === 'list') for (const element of value as object[]) numbersOf(format.element(), element, into)
    else if (format.kind === 'sequence') for (const one of value as object[]) numbersOf(format.set(), one, into)
    else if (format.kind === 'union') {
      const key = (values as Record<string, unknown>)[format.key]
      numbersOf(format.sets[key as string] as AttributeSet, value as object, into)
    } else if (format.kind === 'struct') {
      for (const [field, number] of Object.entries(value as object)) put(structFields[field] ?? field, number)
      if (attribute.kernelName === 'NFQA_PACKET_HDR') put('packet_id', (value as { id: number }).id)
    } else put(attribute.kernelName, value)
  }
  return into
}
const structFields: Readonly<Record<string, string>> = {
  protocol: 'hw_protocol',
  seconds: 'sec',
  microseconds: 'usec',
  length: 'hw_addrlen',
  copyRange: 'copy_range',
}

function expectNumbers(vector: Vector, from: number, set: AttributeSet, values: object): number {
  const numbers = numbersOf(set, values)
  const wanted = new Map<string, bigint[]>()
  for (const { offset, name, value } of vector.fields) {
    const number = numberIn(value)
    if (offset < from || number === undefined || !numbers.has(name)) continue
    wanted.set(name, [...(wanted.get(name) ?? []), number])
  }
  for (const [name, list] of wanted) expect(numbers.get(name), name).toEqual(list)
  return wanted.size
}

/** Writes the message again: the `header` bytes unchanged, then the attributes that `write` writes. */
function encode(
  message: MessageView,
  header: number,
  write: (writer: AttributeWriter) => void,
): { bytes: Uint8Array; writer: AttributeWriter } {
  const memory = new Memory(message.length)
  memory.u8.fill(0xff)
  beginMessage(memory, 0, memory.byteLength, message)
  const fixed = message.memory.copy(message.offset, header).subarray(MESSAGE_HEADER_LENGTH)
  memory.u8.set(fixed, MESSAGE_HEADER_LENGTH)
  const writer = new AttributeWriter().wrap(memory, align4(header), memory.byteLength)
  write(writer)
  const end = message.length === writer.unpaddedEnd ? writer.unpaddedEnd : writer.position
  finishMessage(memory, 0, end)
  return { bytes: memory.copy(0, end), writer }
}

function writeBack<Set extends AttributeSet>(vector: Vector, header: number, set: Set, values: AttributeValues<Set>) {
  const { bytes } = encode(aim(vector), header, (writer) => writeAttributes(writer, set, values))
  expect(bytes).toEqual(asWritten(vector, zeroPadded(vector), header, set))
}

const nfTables = new Set(loadVectors('nftables').map(({ command }) => command))

/** The expected result of writing a message again: the same bytes, except where nf_tables has two encodings. */
function asWritten({ command }: Vector, bytes: Uint8Array, header: number, set: AttributeSet): Uint8Array {
  return nfTables.has(command) ? canonical(bytes, header, set) : bytes
}

/** The bytes of a message with zeros as padding: conntrack(8) pads with what its memory had. */
function zeroPadded({ bytes, fields }: Vector): Uint8Array {
  const padded = bytes.slice()
  for (const { name, offset } of fields) if (name === 'padding') padded.fill(0, offset, align4(offset))
  return padded
}

/** Offset of the attributes of a message of the vectors. */
function attributesAt(vector: Vector, message: MessageView): number {
  if (message.type === ControlType.Error) {
    const error = new ErrorView().wrap(message)
    return error.requestOffset - message.offset + align4(error.requestLength)
  }
  return message.type === ControlType.Done || protocolOf(vector) !== 12 ? 20 : NFNETLINK_ATTRIBUTES
}

test('vectors/README.md has the right number of vectors', () => {
  expect(loadVectors('queue').length).toBe(173)
  expect(loadVectors('log').length).toBe(143)
  expect(loadVectors('nftables').length).toBe(73)
  expect(loadVectors('conntrack').length).toBe(44)
  expect(loadVectors('invalid').length).toBe(34)
})

describe.each(vectors)('%s', (name, vector) => {
  const message = aim(vector)

  test('its header', () => {
    const top = new Map(vector.fields.slice(0, 5).map((field) => [field.name, field]))
    expect(BigInt(message.length)).toBe(numberIn(top.get('nlmsg_len')?.value ?? ''))
    expect(BigInt(message.sequence)).toBe(numberIn(top.get('nlmsg_seq')?.value ?? ''))
    expect(BigInt(message.portId)).toBe(numberIn(top.get('nlmsg_pid')?.value ?? ''))
    expect(message.payloadOffset).toBe(OFFSET + MESSAGE_HEADER_LENGTH)
    expect(message.payloadLength).toBe(vector.bytes.length - MESSAGE_HEADER_LENGTH)
    const iterator = new MessageIterator().wrap(message.memory, OFFSET, vector.bytes.length)
    expect(iterator.next()).toBe(true)
    expect(iterator.view).toMatchObject({ type: message.type, flags: message.flags, sequence: message.sequence })
    expect(iterator.next()).toBe(false)
    expect(iterator.problem).toBeUndefined()
  })

  test('its owned copy outlives the frame', () => {
    const memory = memoryWith(vector.bytes, OFFSET)
    const copy = new MessageView().wrap(memory, OFFSET, vector.bytes.length).copy()
    memory.u8.fill(0)
    expect(copy.bytes).toEqual(vector.bytes)
    expect(copy.view.type).toBe(message.type)
    expect(new Message(vector.bytes).view.length).toBe(vector.bytes.length)
  })

  test('its attributes, known or not, come back byte for byte', () => {
    const start = attributesAt(vector, message)
    const { bytes } = encode(message, Math.min(start, message.length), (writer) => {
      if (start >= message.length) return
      const iterator = new AttributeIterator().wrap(message.memory, OFFSET + start, message.length - start)
      while (iterator.next()) writer.bytes(iterator.view.type | iterator.view.bits, iterator.view.payload())
      expect(iterator.problem).toBeUndefined()
    })
    expect(bytes).toEqual(vector.bytes)
  })

  const description = describeMessage(protocolOf(vector), message.type)

  if (description !== undefined && !wrongSizes.has(name)) {
    test('its table', () => {
      const set = description?.attributes as AttributeSet
      const values = readNfnetlinkAttributes(message, set)
      expect(values.unknown).toBeUndefined()
      expectNumbers(vector, NFNETLINK_ATTRIBUTES, set, values)
      const resource = vector.fields.find((field) => field.name === 'res_id')
      expect(BigInt(messageResourceId(message.memory, OFFSET))).toBe(numberIn(resource?.value ?? ''))
      writeBack(vector, NFNETLINK_ATTRIBUTES, set, values)
      const header = new Memory(NFNETLINK_ATTRIBUTES)
      writeNfnetlinkHeader(
        header,
        MESSAGE_HEADER_LENGTH,
        20,
        messageFamily(message.memory, OFFSET),
        message.memory.data.getUint16(OFFSET + 18),
      )
      expect(header.copy(16, 4)).toEqual(vector.bytes.slice(16, 20))
    })
  }

  if (wrongSizes.has(name)) {
    test('its table refuses the size', () => {
      expect(() => readNfnetlinkAttributes(message, description?.attributes as AttributeSet)).toThrow(
        expect.objectContaining({ code: 'ATTRIBUTE_SIZE', offset: OFFSET + NFNETLINK_ATTRIBUTES + 4 }),
      )
    })
  }

  const subject = subjects.find(({ messageType }) => messageType === message.type)
  if (subject !== undefined && vector.from === 'kernel') {
    test('its view says what its table and its comments say', () => {
      expectAgreement(subject, message.memory, OFFSET, vector.bytes.length)
      expectComments(subject, subject.create().wrap(message.memory, OFFSET, vector.bytes.length), vector)
    })
  }

  if (message.type === ControlType.Error || message.type === ControlType.Done) {
    test('its control view', () => {
      const control = (message.type === ControlType.Error ? new ErrorView() : new DoneView()).wrap(message)
      const errno = vector.fields.find((field) => field.name === 'error')?.value
      expect(BigInt(-control.errno)).toBe(numberIn(errno ?? '0'))
      const start = attributesAt(vector, message)
      if (control instanceof ErrorView) {
        const inner = new Map(
          vector.fields
            .filter(({ level }) => level === 1)
            .slice(0, 5)
            .map((field) => [field.name, field.value]),
        )
        expect(BigInt(control.requestSequence)).toBe(numberIn(inner.get('nlmsg_seq') ?? ''))
        const repeated = vector.fields.filter(({ offset, level }) => offset >= 20 && level >= 1 && offset < start)
        expect(repeated.at(-1)?.offset).toBeLessThan(20 + align4(control.requestLength))
        expect(control.requestType).toBe(message.memory.data.getUint16(control.requestOffset + 4, true))
        const claimed = Number(numberIn(inner.get('nlmsg_len') ?? ''))
        expect(control.requestLength).toBe((message.flags & 0x100) !== 0 ? 16 : claimed)
      }
      const extendedAck = control.extendedAck()
      const text = (field: string) =>
        vector.fields.find((candidate) => candidate.name === field && /^["\d]/.test(candidate.value))?.value
      expect(extendedAck === undefined).toBe((message.flags & 0x200) === 0)
      expect(extendedAck?.message).toBe(text('NLMSGERR_ATTR_MSG')?.slice(1, -1))
      expect(extendedAck?.offset?.toString()).toBe(text('NLMSGERR_ATTR_OFFS'))
      expect(extendedAck?.missingType?.toString()).toBe(text('NLMSGERR_ATTR_MISS_TYPE'))
      expect(extendedAck?.missingNest?.toString()).toBe(text('NLMSGERR_ATTR_MISS_NEST'))
      if (extendedAck !== undefined) {
        expect(expectNumbers(vector, start, extendedAckAttributes, extendedAck)).toBeGreaterThanOrEqual(
          extendedAck.message === undefined ? 1 : 0,
        )
        writeBack(vector, start, extendedAckAttributes, extendedAck)
      }
    })
  }
})

describe('a datagram of several messages is walked whole and comes back byte for byte:', () => {
  const all = [...loadVectors('log'), ...loadVectors('nftables'), ...loadVectors('conntrack')]
  const datagrams = all.filter((vector) => messagesOf(vector).length > 1)

  test('as many as the notes announce', () => {
    const noted = all.filter(({ note }) => note.startsWith('several messages'))
    expect(datagrams.map(({ name }) => name)).toEqual(noted.map(({ name }) => name))
  })

  test.each(datagrams.map((datagram) => [datagram.name, datagram] as const))('%s', (_, datagram) => {
    const iterator = new MessageIterator().wrap(memoryWith(datagram.bytes, OFFSET), OFFSET, datagram.bytes.length)
    const again = new Uint8Array(datagram.bytes.length)
    const seen: Uint8Array[] = []
    const wanted: Uint8Array[] = []
    while (iterator.next()) {
      const { view } = iterator
      const set = describeMessage(12, view.type)?.attributes
      const { bytes } = encode(view, NFNETLINK_ATTRIBUTES, (writer) => {
        if (set !== undefined) writeAttributes(writer, set, readNfnetlinkAttributes(view, set))
      })
      seen.push(bytes)
      const original = view.copy().bytes
      wanted.push(set === undefined ? original : asWritten(datagram, original, NFNETLINK_ATTRIBUTES, set))
      again.set(original, view.offset - OFFSET)
    }
    expect(iterator.problem).toBeUndefined()
    expect(iterator.position).toBe(OFFSET + datagram.bytes.length)
    expect(seen).toEqual(wanted)
    expect(messagesOf(datagram).map(({ bytes }) => bytes)).toHaveLength(wanted.length)
    expect(again).toEqual(datagram.bytes)
  })
})

/** Every attribute is a nest of the same set, as a reader without a table would walk it. */
const bottomless: AttributeSet = {
  name: 'ANY',
  members: { any: { number: 1, kernelName: 'ANY_1', format: { kind: 'nested', set: () => bottomless } } },
  names: [undefined, 'any'],
}

/** Why and where the readers stop in a frame. */
function firstFault({ bytes }: Vector): { code: DecodeErrorCode | undefined; offset: number } {
  const memory = memoryWith(bytes, OFFSET)
  const iterator = new MessageIterator().wrap(memory, OFFSET, bytes.length)
  while (iterator.next()) {
    const { view } = iterator
    const set = describeMessage(12, view.type)?.attributes
    try {
      if (set !== undefined) readNfnetlinkAttributes(view, set)
    } catch (error) {
      if (!isNetlinkError(error)) throw error
      return error as unknown as { code: DecodeErrorCode; offset: number }
    }
  }
  return { code: iterator.problem, offset: iterator.position }
}

describe.each(loadVectors('invalid').map((vector) => [vector.name, vector] as const))('%s', (name, vector) => {
  test(`is refused: ${vector.expect}`, () => {
    const fault = firstFault(vector)
    if (vector.expect === 'nested-depth') {
      // The queue's table has only three levels: it refuses the fourth, because it expects four bytes of address there.
      expect(fault.code).toBe('ATTRIBUTE_SIZE')
      const memory = memoryWith(vector.bytes, OFFSET)
      expect(() => readAttributes(bottomless, memory, OFFSET + 36, vector.bytes.length - 36)).toThrow(
        expect.objectContaining({ code: 'NESTED_DEPTH' }),
      )
      return
    }
    expect(fault.code).toBe(expectedCode[vector.expect])
    const { bytes } = vector
    if (vector.expect === 'trailing-bytes')
      expect(fault.offset).toBe(OFFSET + align4(new DataView(bytes.buffer).getUint32(0, true)))
    expect(fault.offset).toBeGreaterThanOrEqual(OFFSET)
    expect(fault.offset).toBeLessThan(OFFSET + bytes.length)
  })

  test('and wrapping it directly has the same result if its first message is malformed', () => {
    const memory = memoryWith(vector.bytes, OFFSET)
    const wrap = () => new MessageView().wrap(memory, OFFSET, vector.bytes.length)
    const first = name.startsWith('header-') || name.startsWith('message-')
    if (first) expect(wrap).toThrow(expect.objectContaining({ code: expectedCode[vector.expect] }))
    else expect(wrap).not.toThrow()
  })
})

test('the tables have every attribute that the vectors name', () => {
  const names = new Set(
    vectors.flatMap(([, { fields }]) =>
      fields.flatMap(({ name, value }) => (name === 'nla_type' ? [value.split(' ')[0] ?? ''] : [])),
    ),
  )
  const known = new Set<string>()
  const collect = (set: AttributeSet): void => {
    for (let number = 0; number < set.names.length; number++) {
      const attribute = attributeByNumber(set, number)
      if (attribute === undefined || known.has(attribute.kernelName + set.name)) continue
      known.add(attribute.kernelName).add(attribute.kernelName + set.name)
      const { format } = attribute
      if (format.kind === 'nested' || format.kind === 'sequence') collect(format.set())
      else if (format.kind === 'list') collect(format.element())
      else if (format.kind === 'union')
        for (const table of Object.values(format.sets)) if (!('kind' in table)) collect(table)
    }
  }
  // The tables do not need the names of list elements.
  known.add('NFTA_LIST_ELEM')
  const types = [QueueMessage, LogMessage, NfTablesMessage, BatchMessage, CompatMessage]
  for (const type of types.flatMap((group): number[] => Object.values(group)))
    collect(describeMessage(12, type)?.attributes as AttributeSet)
  for (const statistics of [conntrackProcessorAttributes, conntrackGlobalAttributes, expectationProcessorAttributes])
    collect(statistics)
  collect(extendedAckAttributes)
  const missing = [...names].filter(
    (name) => /^(NFQA|NFULA|NFTA|NFNL|CTA|NLMSGERR|NL_POLICY)/.test(name) && !known.has(name),
  )
  expect(missing).toEqual([])
})
