/** Compares hand-tuned views with their tables: the parts that tests of all views share. */

import { numberIn, type Vector } from '@ringlink/test-support/vectors'
import { expect } from 'vitest'
import {
  type Attribute,
  AttributeIterator,
  type AttributeSet,
  type AttributeValues,
  attributeSet,
  bytes,
  DecodeError,
  type IndexedMessageView,
  isNetlinkError,
  LogMessage,
  LogRecordView,
  logAttributes,
  Memory,
  messageFamily,
  messageResourceId,
  QueueMessage,
  QueuePacketView,
  queueAttributes,
  queuePacketAttributes,
  readAttributes,
  writeNfnetlinkMessage,
} from '../src/index.ts'
import { NFNETLINK_ATTRIBUTES } from '../src/nfnetlink/header.ts'

export const OFFSET = 64

/** Values of a message by the names of its table; members that a view converts have their types. */
export interface Values {
  readonly [member: string]: unknown
  readonly packetHeader?: { readonly protocol: number; readonly hook: number; readonly id?: number }
  readonly timestamp?: { readonly seconds: bigint; readonly microseconds: bigint }
  readonly hardwareAddress?: { readonly length: number; readonly address: Uint8Array }
  readonly payload?: Uint8Array
  readonly packetInformation?: number
}

type Derived = Readonly<Record<string, (values: Values, resourceId: number) => unknown>>

/** A view under test. */
export interface Subject {
  readonly folder: 'queue' | 'log'
  readonly set: AttributeSet
  readonly messageType: number
  readonly header: { readonly protocol: number; readonly hook: number; readonly id?: number }
  readonly create: () => IndexedMessageView
  /** everything that the message of a view of {@link create} holds */
  readonly attributes: (view: IndexedMessageView) => object
  /** the expected value of a property or method whose name or value differs from the table's */
  readonly derived: Derived
  /** members of the table that the view leaves to `attributes()` */
  readonly left: readonly string[]
}

/** NFQA_VLAN_TCI and NFULA_VLAN_TCI: of a nest that was read, or the last one among the attributes in its bytes. */
function vlanTagIn(nest: unknown): number | undefined {
  if (!(nest instanceof Uint8Array)) return (nest as { tag?: number } | undefined)?.tag
  const iterator = new AttributeIterator().wrap(Memory.from(nest), 0, nest.length)
  let tag: number | undefined
  while (iterator.next()) {
    const { type, memory, payloadOffset, payloadLength } = iterator.view
    if (type === 2 && payloadLength === 2) tag = memory.data.getUint16(payloadOffset)
  }
  return iterator.problem === undefined ? tag : undefined
}

const derivedByBoth: Derived = {
  protocol: ({ packetHeader }) => packetHeader?.protocol,
  hook: ({ packetHeader }) => packetHeader?.hook,
  vlanTag: ({ vlan }) => vlanTagIn(vlan),
  timestamp: ({ timestamp }) => timestamp && timestamp.seconds * 1_000_000n + timestamp.microseconds,
  hardwareAddress: ({ hardwareAddress }) =>
    hardwareAddress?.address.slice(0, Math.min(hardwareAddress.address.length, hardwareAddress.length)),
}

export const queuePackets: Subject = {
  folder: 'queue',
  set: queueAttributes,
  messageType: QueueMessage.Packet,
  header: { id: 7, protocol: 0x800, hook: 3 },
  create: () => new QueuePacketView(),
  attributes: (view) => queuePacketAttributes(view as QueuePacketView),
  derived: {
    ...derivedByBoth,
    id: ({ packetHeader }) => packetHeader?.id,
    queueNumber: (_, resourceId) => resourceId,
    fullLength: ({ fullLength, payload }) => fullLength ?? payload?.length ?? 0,
    packetInformation: ({ packetInformation }) => packetInformation ?? 0,
    isSegmentationOffloaded: ({ packetInformation }) => ((packetInformation ?? 0) & 2) !== 0,
    isChecksumPartial: ({ packetInformation }) => ((packetInformation ?? 0) & 1) !== 0,
  },
  left: ['verdictHeader', 'conntrack', 'expectation', 'vlan'],
}

export const logRecords: Subject = {
  folder: 'log',
  set: logAttributes,
  messageType: LogMessage.Packet,
  header: { protocol: 0x800, hook: 3 },
  create: () => new LogRecordView(),
  attributes: (view) => (view as LogRecordView).attributes(),
  derived: { ...derivedByBoth, group: (_, resourceId) => resourceId },
  left: ['hardwareHeaderLength', 'conntrack'],
}

/** The properties and methods of a view, without those of all views and without `attributes`. */
export function namesOf(view: IndexedMessageView): string[] {
  return Object.getOwnPropertyNames(Object.getPrototypeOf(view)).filter(
    (name) => name !== 'constructor' && name !== 'attributes',
  )
}

/** The results of all properties and methods of a view; an error counts as its code. */
export function saidBy(view: IndexedMessageView): Record<string, unknown> {
  const prototype = Object.getPrototypeOf(view)
  const said: Record<string, unknown> = { family: view.family, payload: view.payload().slice() }
  for (const name of namesOf(view)) {
    const { get, value } = Object.getOwnPropertyDescriptor(prototype, name) ?? {}
    said[name] = get === undefined ? refusalOf(() => value.call(view)) : get.call(view)
  }
  return said
}

/** The expected results of a view of these values; nests are given as bytes. */
export function expectedOf(subject: Subject, values: Values, family: number, resourceId: number) {
  const { set, derived } = subject
  const expected: Record<string, unknown> = { family, payload: values.payload ?? new Uint8Array() }
  for (const name of namesOf(subject.create())) {
    const format = set.members[name]?.format
    const value = values[name]
    const derive = derived[name]
    if (derive !== undefined) expected[name] = derive(values, resourceId)
    else if (format?.kind === 'nested' && value instanceof Uint8Array) {
      expected[name] = refusalOf(() => readAttributes(format.set(), Memory.from(value), 0, value.length))
    } else expected[name] = value
  }
  return expected
}

/** The value of `read`, or the code and place of its error. */
export function outcome<Value>(read: () => Value): Value | { refused: string; offset: number } {
  try {
    return read()
  } catch (error) {
    if (!isNetlinkError(error)) throw error
    return { refused: error.code, offset: (error as DecodeError).offset }
  }
}

function refusalOf(read: () => unknown): unknown {
  const value = outcome(read)
  return typeof value === 'object' && value !== null && 'refused' in value ? value.refused : value
}

/** The table with nests as bytes, which a view leaves to its methods. */
function shallow({ name, members }: AttributeSet): AttributeSet {
  return attributeSet(
    name,
    Object.fromEntries(
      Object.entries<Attribute>(members).map(([member, attribute]) => [
        member,
        attribute.format.kind === 'nested' ? bytes(attribute.number, attribute.kernelName) : attribute,
      ]),
    ),
  )
}

/** A view agrees with the table, and refuses the same messages at the same place. */
export function expectAgreement(subject: Subject, memory: Memory, offset: number, length: number): void {
  const { set } = subject
  const start = offset + NFNETLINK_ATTRIBUTES
  const view = subject.create()
  const table = outcome((): Values => {
    const values = readAttributes(shallow(set), memory, start, offset + length - start)
    if ('packetHeader' in values) return values
    throw new DecodeError('ATTRIBUTE_MISSING', `header of ${set.name}`, { offset, need: 4, have: length })
  })
  const wrapped = outcome(() => view.wrap(memory, offset, length))
  if ('refused' in table) {
    expect(wrapped).toEqual(table)
    expectEmpty(subject, view)
    return
  }
  expect(wrapped).toBe(view)
  const expected = expectedOf(subject, table, messageFamily(memory, offset), messageResourceId(memory, offset))
  expect(saidBy(view)).toEqual(expected)
  expect(view.payloadLength).toBe(table.payload?.length ?? 0)
  const all = outcome(() => readAttributes(set, memory, start, offset + length - start))
  expect(outcome(() => subject.attributes(view))).toEqual(all)
}

/** No trace of any message, neither the refused nor the previous one. */
export function expectEmpty(subject: Subject, view: ReturnType<Subject['create']>): void {
  const packetHeader = { id: 0, protocol: 0, hook: 0 }
  expect(saidBy(view)).toEqual(expectedOf(subject, { packetHeader }, 0, 0))
  expect(view.payloadLength).toBe(0)
  expect(subject.attributes(view)).toEqual({})
}

/** A message with these values at {@link OFFSET}, without its last `slack` bytes. */
export function messageOf(subject: Subject, values: Values, slack = 0): { memory: Memory; length: number } {
  const { set, messageType: type } = subject
  const memory = new Memory(1 << 16)
  const attributes = values as AttributeValues<AttributeSet>
  const message = { type, flags: 0, sequence: 0, family: 2, resourceId: 5, attributes }
  const length = writeNfnetlinkMessage(memory, OFFSET, memory.byteLength, set, message)
  memory.u32[OFFSET >> 2] = length - slack
  return { memory, length: length - slack }
}

/** The values in a vector's comments: numbers, texts and the payload, read without the codec. */
export function commentedValues({ set }: Subject, { bytes, fields }: Vector): Values {
  const text = (name: string) => fields.find((field) => field.name === name)?.value
  const number = (name: string) => numberIn(text(name) ?? '')
  const small = (name: string) => Number(number(name) ?? 0)
  const values: Record<string, unknown> = {
    packetHeader: { id: small('packet_id'), protocol: small('hw_protocol'), hook: small('hook') },
  }
  for (const [name, { kernelName, format }] of Object.entries(set.members)) {
    const value = number(kernelName)
    if (format.kind === 'integer' && value !== undefined) values[name] = Number(value)
    const quoted = fields.find((field) => field.name === kernelName && field.value.startsWith('"'))
    if (format.kind === 'text' && quoted !== undefined) values[name] = quoted.value.slice(1, -1)
  }
  const seconds = number('sec')
  if (seconds !== undefined) values.timestamp = { seconds, microseconds: number('usec') }
  const address = text('hw_addr')?.split(',')[0]?.split(':')
  if (address !== undefined) {
    const octets = Uint8Array.from(address, (digits) => Number.parseInt(digits, 16))
    values.hardwareAddress = { length: octets.length, address: octets }
  }
  const payload = fields.find(({ name, value }) => /_PAYLOAD$/.test(name) && /^\d+ bytes/.test(value))
  if (payload !== undefined) {
    values.payload = bytes.slice(payload.offset, payload.offset + Number.parseInt(payload.value, 10))
  }
  return values
}

/** The properties of a message that are in its vector's comments; the others are bytes and nests. */
export function expectComments(subject: Subject, view: IndexedMessageView, vector: Vector): void {
  const resourceId = numberIn(vector.fields.find(({ name }) => name === 'res_id')?.value ?? '')
  const said = saidBy(view)
  const expected = expectedOf(subject, commentedValues(subject, vector), view.family, Number(resourceId))
  for (const name of Object.keys(expected)) {
    const kind = name === 'payload' ? undefined : subject.set.members[name]?.format.kind
    // The comments show the parts of nests, so a property that looks into one is compared only with the table.
    const isInNest = name === 'vlanTag'
    if (kind !== 'bytes' && kind !== 'nested' && !isInNest) expect(said[name], name).toEqual(expected[name])
  }
}
