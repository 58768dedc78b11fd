import { match } from 'ts-pattern'
import { errnoName } from '../errno.ts'
import { describeMessage } from '../messages.ts'
import { type Attribute, type AttributeSet, attributeByNumber, payloadBounds } from '../schema/attribute-set.ts'
import { AttributeBit, MAXIMUM_ATTRIBUTES, MAXIMUM_DEPTH } from '../wire/attribute.ts'
import { extendedAckAttributes } from '../wire/control.ts'
import { hostIsLittleEndian } from '../wire/endian.ts'
import { align4 } from '../wire/memory.ts'
import { AcknowledgeFlag, ControlType, MessageFlag, MINIMUM_MESSAGE_TYPE, Protocol } from '../wire/message.ts'
import {
  type ByteOrder,
  type Framing,
  framings,
  integerLayout,
  type MessageHeaderFields,
  structLayout,
} from './layout.ts'
import { familyName, flagNames, typeName } from './names.ts'
import type { AttributeNode, BytesNode, FieldNode, GroupNode, InspectNode, MessageNode, ProblemNode } from './tree.ts'

/** More messages than this in one frame are not shown. */
export const MAXIMUM_MESSAGES = 4096

export interface InspectOptions {
  /** `Protocol`; without it, netfilter */
  protocol?: number
  /** of the machine that the bytes come from; without it, this one's */
  byteOrder?: ByteOrder
}

/** The messages in `bytes` and all that is in them. What is malformed becomes a node that says why, beside its bytes. */
export function inspect(bytes: Uint8Array, options: InspectOptions = {}): InspectNode[] {
  const order = options.byteOrder ?? (hostIsLittleEndian ? 'little' : 'big')
  // A copy, so that the tree owns its bytes and shared memory, which text decoders refuse, never reaches one.
  const source: Source = {
    bytes: Uint8Array.from(bytes),
    framing: framings[order],
    protocol: options.protocol ?? Protocol.Netfilter,
  }
  const nodes: InspectNode[] = []
  let position = 0
  while (position < source.bytes.length) {
    const region = { start: position, end: source.bytes.length }
    if (nodes.length >= MAXIMUM_MESSAGES) {
      nodes.push(...malformed(source, region, 'MESSAGE_COUNT', `more than ${MAXIMUM_MESSAGES} messages`))
      break
    }
    const message = messageNode(source, region)
    nodes.push(...message)
    const [first] = message
    if (first?.kind !== 'message') break
    position += align4(first.length)
  }
  return nodes
}

interface Source {
  readonly bytes: Uint8Array
  readonly framing: Framing
  readonly protocol: number
}

interface Region {
  readonly start: number
  readonly end: number
}

const part = ({ bytes }: Source, { start, end }: Region) => bytes.slice(start, end)

function bytesNode(source: Source, name: string, region: Region): BytesNode {
  const hexadecimal = Array.from(part(source, region), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return { kind: 'bytes', name, offset: region.start, length: region.end - region.start, hexadecimal }
}

/** A problem, and the bytes that it leaves unread. */
function malformed(source: Source, region: Region, code: ProblemNode['code'], text: string): InspectNode[] {
  const problem: ProblemNode = { kind: 'problem', name: code, offset: region.start, length: 0, code, text }
  return region.end > region.start ? [problem, bytesNode(source, 'not read', region)] : [problem]
}

function field(name: string, offset: number, length: number, value: number, meaning?: string): FieldNode {
  return { kind: 'field', name, offset, length, value, meaning }
}

function messageNode(source: Source, region: Region): InspectNode[] {
  const { messageHeader } = source.framing
  const have = region.end - region.start
  if (have < messageHeader.length) {
    return malformed(source, region, 'SHORT_HEADER', `a message header has 16 bytes, ${have} are left`)
  }
  const header = messageHeader.parse(part(source, region))
  if (header.length < messageHeader.length || header.length > have) {
    return malformed(source, region, 'MESSAGE_LENGTH', `a message of ${header.length} bytes where ${have} are left`)
  }
  const { length, type, flags, sequence, portId } = header
  const body = { start: region.start + messageHeader.length, end: region.start + length }
  const node: MessageNode = {
    kind: 'message',
    name: typeName(source.protocol, type) ?? `message ${type}`,
    offset: region.start,
    length,
    type,
    flags,
    sequence,
    portId,
    children: [...headerFields(source, region.start, header), ...bodyNodes(source, header, body)],
  }
  return [node]
}

function headerFields({ protocol }: Source, offset: number, header: MessageHeaderFields): FieldNode[] {
  return [
    field('nlmsg_len', offset, 4, header.length),
    field('nlmsg_type', offset + 4, 2, header.type, typeName(protocol, header.type)),
    field('nlmsg_flags', offset + 6, 2, header.flags, flagNames(header.type, header.flags)),
    field('nlmsg_seq', offset + 8, 4, header.sequence),
    field('nlmsg_pid', offset + 12, 4, header.portId),
  ]
}

/** What follows the netlink header, by protocol and type. */
function bodyNodes(source: Source, header: MessageHeaderFields, region: Region): InspectNode[] {
  return match({ protocol: source.protocol, type: header.type })
    .with({ type: ControlType.Error }, () => errorNodes(source, header, region))
    .with({ type: ControlType.Done }, () => doneNodes(source, header, region))
    .when(
      ({ type }) => type < MINIMUM_MESSAGE_TYPE,
      () => rest(source, 'payload', region),
    )
    .with({ protocol: Protocol.Netfilter }, ({ type }) => netfilterNodes(source, type, region))
    .with({ protocol: Protocol.Generic }, () => genericNodes(source, region))
    .otherwise(() => rest(source, 'payload', region))
}

function rest(source: Source, name: string, region: Region): InspectNode[] {
  return region.end > region.start ? [bytesNode(source, name, region)] : []
}

function errorField(source: Source, { start, end }: Region): FieldNode {
  const { error } = source.framing.error.parse(part(source, { start, end }))
  return field('error', start, 4, error, error < 0 ? errnoName(-error) : undefined)
}

function errorNodes(source: Source, header: MessageHeaderFields, region: Region): InspectNode[] {
  const { messageHeader } = source.framing
  const have = region.end - region.start
  if (have < 4 + messageHeader.length) {
    return malformed(source, region, 'SHORT_HEADER', `an error and its request have 20 bytes, ${have} are there`)
  }
  const start = region.start + 4
  const request = messageHeader.parse(part(source, { start, end: region.end }))
  const capped = (header.flags & AcknowledgeFlag.Capped) !== 0
  const claimed = capped ? messageHeader.length : Math.max(messageHeader.length, request.length)
  const end = Math.min(start + claimed, region.end)
  const body = { start: start + messageHeader.length, end }
  const group: GroupNode = {
    kind: 'group',
    name: `request ${typeName(source.protocol, request.type) ?? request.type}`,
    offset: start,
    length: end - start,
    // The kernel repeats a request as it came, and one that it refuses may be anything: a header alone is no fault here.
    children: [
      ...headerFields(source, start, request),
      ...(body.end > body.start ? bodyNodes(source, request, body) : []),
    ],
  }
  const behind = { start: Math.min(start + align4(end - start), region.end), end: region.end }
  return [errorField(source, region), group, ...extendedAckNodes(source, header, behind)]
}

function doneNodes(source: Source, header: MessageHeaderFields, region: Region): InspectNode[] {
  const have = region.end - region.start
  // Only the end of a dump has a number; records of the log, in one datagram, end with the header of their group.
  if ((header.flags & MessageFlag.Multipart) === 0) {
    const { netfilterHeader } = source.framing
    const isHeader = source.protocol === Protocol.Netfilter && have === netfilterHeader.length
    return isHeader ? netfilterHeaderFields(source, region) : rest(source, 'payload', region)
  }
  if (have < 4) return rest(source, 'payload', region)
  const behind = { start: region.start + 4, end: region.end }
  return [errorField(source, region), ...extendedAckNodes(source, header, behind)]
}

function extendedAckNodes(source: Source, header: MessageHeaderFields, region: Region): InspectNode[] {
  const there = (header.flags & AcknowledgeFlag.Attributes) !== 0
  return there ? attributeNodes(source, extendedAckAttributes, region, 0) : rest(source, 'payload', region)
}

function netfilterNodes(source: Source, type: number, region: Region): InspectNode[] {
  const { netfilterHeader } = source.framing
  const have = region.end - region.start
  if (have < netfilterHeader.length) {
    return malformed(source, region, 'SHORT_HEADER', `a netfilter header has 4 bytes, ${have} are there`)
  }
  const attributes = { start: region.start + netfilterHeader.length, end: region.end }
  return [
    ...netfilterHeaderFields(source, region),
    ...attributeNodes(source, describeMessage(source.protocol, type)?.attributes, attributes, 0),
  ]
}

function netfilterHeaderFields(source: Source, region: Region): FieldNode[] {
  const { family, version, resourceId } = source.framing.netfilterHeader.parse(part(source, region))
  return [
    field('nfgen_family', region.start, 1, family, familyName(family)),
    field('version', region.start + 1, 1, version),
    field('res_id', region.start + 2, 2, resourceId),
  ]
}

function genericNodes(source: Source, region: Region): InspectNode[] {
  const { genericHeader } = source.framing
  const have = region.end - region.start
  if (have < genericHeader.length) {
    return malformed(source, region, 'SHORT_HEADER', `a generic header has 4 bytes, ${have} are there`)
  }
  const { command, version, reserved } = genericHeader.parse(part(source, region))
  return [
    field('cmd', region.start, 1, command),
    field('version', region.start + 1, 1, version),
    field('reserved', region.start + 2, 2, reserved),
    ...attributeNodes(source, undefined, { start: region.start + genericHeader.length, end: region.end }, 0),
  ]
}

function attributeNodes(source: Source, set: AttributeSet | undefined, region: Region, depth: number): InspectNode[] {
  const { attributeHeader } = source.framing
  if (depth > MAXIMUM_DEPTH) {
    return malformed(source, region, 'NESTED_DEPTH', `nested more than ${MAXIMUM_DEPTH} levels deep`)
  }
  const nodes: InspectNode[] = []
  const settled = settledSet(source, set, region)
  let position = region.start
  while (position < region.end) {
    const left = { start: position, end: region.end }
    const have = region.end - position
    if (nodes.length >= MAXIMUM_ATTRIBUTES) {
      nodes.push(...malformed(source, left, 'ATTRIBUTE_COUNT', `more than ${MAXIMUM_ATTRIBUTES} attributes`))
      break
    }
    if (have < attributeHeader.length) {
      nodes.push(...malformed(source, left, 'SHORT_HEADER', `an attribute header has 4 bytes, ${have} are left`))
      break
    }
    const { length, type } = attributeHeader.parse(source.bytes.subarray(position, position + attributeHeader.length))
    if (length < attributeHeader.length || length > have) {
      nodes.push(
        ...malformed(source, left, 'ATTRIBUTE_LENGTH', `an attribute of ${length} bytes where ${have} are left`),
      )
      break
    }
    const payload = { start: position + attributeHeader.length, end: position + length }
    nodes.push(attributeNode(source, set, settled, type, payload, depth))
    position += align4(length)
  }
  return nodes
}

function attributeNode(
  source: Source,
  set: AttributeSet | undefined,
  settled: AttributeSet | undefined,
  type: number,
  payload: Region,
  depth: number,
): AttributeNode {
  const number = type & AttributeBit.TypeMask
  const described = set && attributeByNumber(set, number)
  const attribute = settled && attributeByNumber(settled, number)
  const { header, ...content } = attributeContent(source, attribute, type, payload, depth)
  return {
    kind: 'attribute',
    name: described?.kernelName ?? `attribute ${number}`,
    member: settled?.names[number],
    number,
    bits: type & ~AttributeBit.TypeMask,
    offset: payload.start - header,
    length: payload.end - payload.start + header,
    format: attribute?.format.kind,
    ...content,
  }
}

/** The set as the key among the attributes in a region settles it; one without a union is what it is. */
function settledSet(source: Source, set: AttributeSet | undefined, region: Region): AttributeSet | undefined {
  if (set?.choice === undefined) return set
  const { attributeHeader } = source.framing
  let name: string | undefined
  for (let position = region.start; region.end - position >= attributeHeader.length; ) {
    const { length, type } = attributeHeader.parse(source.bytes.subarray(position, position + attributeHeader.length))
    const end = position + length
    if (length < attributeHeader.length || end > region.end) break
    if ((type & AttributeBit.TypeMask) === set.choice.key)
      name = textOf(part(source, { start: position + attributeHeader.length, end }))
    position += align4(length)
  }
  return (name === undefined ? undefined : set.choice.sets.get(name)) ?? set.choice.other
}

interface Content {
  /** bytes before the payload */
  header: number
  value?: true | number | bigint | string | Uint8Array
  children: InspectNode[]
}

// A byte order mark is text like any other.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Text up to its zero byte, or all of it where there is none. */
function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end))
}

function attributeContent(
  source: Source,
  attribute: Attribute | undefined,
  type: number,
  payload: Region,
  depth: number,
): Content {
  const header = source.framing.attributeHeader.length
  const have = payload.end - payload.start
  if (attribute === undefined) {
    const nested = (type & AttributeBit.Nested) !== 0
    const children = nested ? attributeNodes(source, undefined, payload, depth + 1) : rest(source, 'payload', payload)
    return { header, children }
  }
  const { minimum, maximum } = payloadBounds(attribute.format)
  if (have < minimum || have > maximum) {
    const wanted = minimum === maximum ? `${minimum}` : `${minimum} to ${maximum}`
    return { header, children: malformed(source, payload, 'ATTRIBUTE_SIZE', `${have} bytes where ${wanted} belong`) }
  }
  const { order } = source.framing
  return match(attribute.format)
    .with({ kind: 'flag' }, (): Content => ({ header, value: true, children: [] }))
    .with({ kind: 'integer' }, (format): Content => {
      return { header, value: integerLayout(format, order).parse(part(source, payload)).value, children: [] }
    })
    .with({ kind: 'text' }, (): Content => {
      return { header, value: textOf(part(source, payload)), children: [] }
    })
    .with({ kind: 'bytes' }, (): Content => ({ header, value: part(source, payload), children: [] }))
    .with({ kind: 'struct' }, ({ fields, size }): Content => {
      const values = structLayout(fields, size, order).parse(part(source, payload))
      const children = fields.flatMap(({ name, offset, format }): InspectNode[] => {
        const value = name === undefined ? undefined : values[name]
        if (name === undefined || value === undefined) return []
        const length = format.kind === 'bytes' ? format.maximum : format.size
        return [{ kind: 'field', name, offset: payload.start + offset, length, value }]
      })
      return {
        header,
        children: [...children, ...rest(source, 'further bytes', { start: payload.start + size, end: payload.end })],
      }
    })
    .with({ kind: 'nested' }, { kind: 'sequence' }, ({ set }): Content => {
      return { header, children: attributeNodes(source, set(), payload, depth + 1) }
    })
    .with({ kind: 'list' }, ({ element }): Content => {
      return { header, children: listNodes(source, element(), payload, depth + 1) }
    })
    .with({ kind: 'union' }, (): Content => ({ header, children: rest(source, 'payload', payload) }))
    .exhaustive()
}

/** The elements of a list: attributes whose numbers mean nothing, each with the attributes of `set` in it. */
function listNodes(source: Source, set: AttributeSet, payload: Region, depth: number): InspectNode[] {
  const { attributeHeader } = source.framing
  return attributeNodes(source, undefined, payload, depth).map((node, index) => {
    if (node.kind !== 'attribute') return node
    const inner = { start: node.offset + attributeHeader.length, end: node.offset + node.length }
    return { ...node, name: `element ${index}`, format: 'nested', children: attributeNodes(source, set, inner, depth) }
  })
}
