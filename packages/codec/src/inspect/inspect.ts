import { match } from 'ts-pattern'
import { errnoName } from '../errno.ts'
import { describeMessage, type MessageDescription } from '../messages.ts'
import type { ErrorNames } from '../schema/family.ts'
import { MAXIMUM_DEPTH } from '../wire/attribute.ts'
import { extendedAckAttributes } from '../wire/control.ts'
import { hostIsLittleEndian } from '../wire/endian.ts'
import { align4 } from '../wire/memory.ts'
import { AcknowledgeFlag, ControlType, MessageFlag, MINIMUM_MESSAGE_TYPE, Protocol } from '../wire/message.ts'
import { decodeText, untilZero } from '../wire/text.ts'
import { attributeNodes, holdsAttributes } from './attributes.ts'
import { type ByteOrder, framings, type MessageHeaderFields } from './layout.ts'
import { familyName, flagNames, typeName } from './names.ts'
import {
  type DescribeMessage,
  field,
  type MessageContext,
  malformed,
  part,
  problemNode,
  type Region,
  rest,
  type Source,
  takeBytes,
  takeNode,
} from './source.ts'
import { structNodes } from './structs.ts'
import type { FieldNode, GroupNode, InspectNode, MessageNode } from './tree.ts'

/** Maximum number of messages shown of one frame. */
export const MAXIMUM_MESSAGES = 4096
/** Maximum number of messages and attributes shown, unless `maximumNodes` is given. */
export const MAXIMUM_NODES = 65_536
/** Maximum number of payload bytes shown, unless `maximumBytes` is given. */
export const MAXIMUM_BYTES: number = 1024 * 1024
/** Maximum depth of errors that repeat errors; real errors repeat a request. */
const MAXIMUM_REPEATED_ERRORS = 4
/** The longest fixed header, in bytes, that is tried in messages of unknown protocols. */
const MAXIMUM_FIXED_HEADER = 64

/** How to read the bytes, and limits that bound the tree and its text for any input. */
export interface InspectOptions {
  /** `Protocol` (NETLINK_*); default netfilter */
  protocol?: number
  /** byte order of the machine that the bytes come from; default this machine's */
  byteOrder?: ByteOrder
  /** tables of further messages, looked up before the codec's own */
  describe?: DescribeMessage | undefined
  /** messages and attributes; default {@link MAXIMUM_NODES} */
  maximumNodes?: number | undefined
  /** payload bytes that are kept; default {@link MAXIMUM_BYTES} */
  maximumBytes?: number | undefined
  /** levels of nested attributes; default {@link MAXIMUM_DEPTH} */
  maximumDepth?: number | undefined
}

/**
 * The messages in `bytes` and their contents. Malformed parts become a node that says why, next to their bytes. Never
 * throws. Time and size of the result are linear in the input and bounded by the limits in the options: a node of code
 * `NODE_COUNT` or `BYTE_COUNT` shows where a limit was reached.
 */
export function inspect(bytes: Uint8Array, options: InspectOptions = {}): InspectNode[] {
  const order = options.byteOrder ?? (hostIsLittleEndian ? 'little' : 'big')
  const { maximumNodes = MAXIMUM_NODES, maximumBytes = MAXIMUM_BYTES, maximumDepth = MAXIMUM_DEPTH } = options
  const source: Source = {
    // A copy, because text decoders refuse shared memory.
    bytes: new Uint8Array(bytes),
    framing: framings[order],
    protocol: options.protocol ?? Protocol.Netfilter,
    describe: (protocol, type, context) =>
      options.describe?.(protocol, type, context) ?? describeMessage(protocol, type),
    maximumDepth,
    budget: { nodes: maximumNodes, bytes: maximumBytes },
  }
  const nodes = source.protocol === Protocol.KernelObjectEvent ? eventNodes(source) : messageNodes(source)
  const end = source.bytes.length
  const { budget } = source
  if (budget.nodes <= 0) nodes.push(problemNode(end, 'NODE_COUNT', `more than ${maximumNodes} messages and attributes`))
  if (budget.bytes <= 0) nodes.push(problemNode(end, 'BYTE_COUNT', `more than ${maximumBytes} bytes of payloads`))
  return nodes
}

/** An event of a kernel object: text without a netlink header, in parts that zero bytes end. */
function eventNodes(source: Source): InspectNode[] {
  const nodes: InspectNode[] = []
  const { bytes } = source
  for (let start = 0; start < bytes.length && takeNode(source); ) {
    const zero = bytes.indexOf(0, start)
    const end = zero < 0 ? bytes.length : zero
    const value = decodeText(takeBytes(source, { start, end }))
    nodes.push({ kind: 'field', name: start === 0 ? 'event' : 'property', offset: start, length: end - start, value })
    start = end + 1
  }
  return nodes
}

function messageNodes(source: Source): InspectNode[] {
  const nodes: InspectNode[] = []
  let position = 0
  while (position < source.bytes.length) {
    const region = { start: position, end: source.bytes.length }
    if (nodes.length >= MAXIMUM_MESSAGES) {
      nodes.push(...malformed(source, region, 'MESSAGE_COUNT', `more than ${MAXIMUM_MESSAGES} messages`))
      break
    }
    if (!takeNode(source)) break
    const message = messageNode(source, region)
    nodes.push(...message)
    const [first] = message
    if (first?.kind !== 'message') break
    position += align4(first.length)
  }
  return nodes
}

function messageNode(source: Source, region: Region): InspectNode[] {
  const { messageHeader } = source.framing
  const have = region.end - region.start
  if (have < messageHeader.length) {
    return malformed(source, region, 'SHORT_HEADER', `a message header has 16 bytes, ${have} are left`)
  }
  const header = messageHeader.parse(part(source, headerOf(region, messageHeader)))
  if (header.length < messageHeader.length || header.length > have) {
    return malformed(source, region, 'MESSAGE_LENGTH', `a message of ${header.length} bytes where ${have} are left`)
  }
  const { length, type, flags, sequence, portId } = header
  const body = { start: region.start + messageHeader.length, end: region.start + length }
  const context = { flags, payload: part(source, body) }
  const node: MessageNode = {
    kind: 'message',
    name: typeName(source, type, context) ?? `message ${type}`,
    offset: region.start,
    length,
    type,
    flags,
    sequence,
    portId,
    children: [...headerFields(source, region.start, header, context), ...bodyNodes(source, header, body, 0)],
  }
  return [node]
}

/** The part of a region that its fixed layout covers. */
function headerOf({ start }: Region, { length }: { readonly length: number }): Region {
  return { start, end: start + length }
}

function headerFields(
  source: Source,
  offset: number,
  header: MessageHeaderFields,
  context: MessageContext,
): FieldNode[] {
  const family = source.describe(source.protocol, header.type, context)?.family
  return [
    field('nlmsg_len', offset, 4, header.length),
    field('nlmsg_type', offset + 4, 2, header.type, family ?? typeName(source, header.type, context)),
    field('nlmsg_flags', offset + 6, 2, header.flags, flagNames(header.type, header.flags)),
    field('nlmsg_seq', offset + 8, 4, header.sequence),
    field('nlmsg_pid', offset + 12, 4, header.portId),
  ]
}

/** Nodes for what follows the netlink header, by protocol and type; `errors` is the depth of errors that repeat it. */
function bodyNodes(source: Source, header: MessageHeaderFields, region: Region, errors: number): InspectNode[] {
  return match({ protocol: source.protocol, type: header.type })
    .with({ type: ControlType.Error }, () => errorNodes(source, header, region, errors))
    .with({ type: ControlType.Done }, () => doneNodes(source, header, region))
    .when(
      ({ type }) => type < MINIMUM_MESSAGE_TYPE,
      () => rest(source, 'payload', region),
    )
    .with({ protocol: Protocol.Netfilter }, ({ type }) => netfilterNodes(source, type, region, header.flags))
    .with({ protocol: Protocol.Generic }, ({ type }) => genericNodes(source, type, region, header.flags))
    .otherwise(({ type }) => otherNodes(source, type, region, header.flags))
}

function errorField(source: Source, { start, end }: Region, names: ErrorNames = {}): FieldNode {
  const { error } = source.framing.error.parse(part(source, { start, end: Math.min(start + 4, end) }))
  return field('error', start, 4, error, error < 0 ? (names[-error] ?? errnoName(-error)) : undefined)
}

function errorNodes(source: Source, header: MessageHeaderFields, region: Region, errors: number): InspectNode[] {
  const { messageHeader } = source.framing
  const have = region.end - region.start
  if (have < 4 + messageHeader.length) {
    return malformed(source, region, 'SHORT_HEADER', `an error and its request have 20 bytes, ${have} are there`)
  }
  const start = region.start + 4
  const request = messageHeader.parse(part(source, { start, end: start + messageHeader.length }))
  const capped = (header.flags & AcknowledgeFlag.Capped) !== 0
  const claimed = capped ? messageHeader.length : Math.max(messageHeader.length, request.length)
  const end = Math.min(start + claimed, region.end)
  const body = { start: start + messageHeader.length, end }
  const context = { flags: request.flags, payload: part(source, body) }
  const group: GroupNode = {
    kind: 'group',
    name: `request ${typeName(source, request.type, context) ?? request.type}`,
    offset: start,
    length: end - start,
    // The kernel repeats a refused request as it came, with any contents, so a header alone is not a problem here.
    children: [
      ...headerFields(source, start, request, context),
      ...(body.end > body.start ? repeatedNodes(source, request, body, errors + 1) : []),
    ],
  }
  const following = { start: Math.min(start + align4(end - start), region.end), end: region.end }
  const names = source.describe(source.protocol, request.type, context)?.errors
  return [errorField(source, region, names), group, ...extendedAckNodes(source, header, following)]
}

/** Nodes for what follows the header of a request that an error repeats. */
function repeatedNodes(source: Source, request: MessageHeaderFields, region: Region, errors: number): InspectNode[] {
  if (errors <= MAXIMUM_REPEATED_ERRORS) return bodyNodes(source, request, region, errors)
  return malformed(source, region, 'NESTED_DEPTH', `errors repeated more than ${MAXIMUM_REPEATED_ERRORS} times`)
}

function doneNodes(source: Source, header: MessageHeaderFields, region: Region): InspectNode[] {
  const have = region.end - region.start
  // Only the end of a dump carries a number; the Done message after log records carries the header of their group.
  if ((header.flags & MessageFlag.Multipart) === 0) {
    const { netfilterHeader } = source.framing
    const isHeader = source.protocol === Protocol.Netfilter && have === netfilterHeader.length
    return isHeader ? netfilterHeaderFields(source, region) : rest(source, 'payload', region)
  }
  if (have < 4) return rest(source, 'payload', region)
  const following = { start: region.start + 4, end: region.end }
  return [errorField(source, region), ...extendedAckNodes(source, header, following)]
}

function extendedAckNodes(source: Source, header: MessageHeaderFields, region: Region): InspectNode[] {
  const there = (header.flags & AcknowledgeFlag.Attributes) !== 0
  return there ? attributeNodes(source, extendedAckAttributes, region, 0) : rest(source, 'payload', region)
}

function netfilterNodes(source: Source, type: number, region: Region, flags: number): InspectNode[] {
  const { netfilterHeader } = source.framing
  const have = region.end - region.start
  if (have < netfilterHeader.length) {
    return malformed(source, region, 'SHORT_HEADER', `a netfilter header has 4 bytes, ${have} are there`)
  }
  const attributes = { start: region.start + netfilterHeader.length, end: region.end }
  return [
    ...netfilterHeaderFields(source, region),
    ...attributeNodes(source, describedMessage(source, type, region, flags)?.attributes, attributes, 0),
  ]
}

function netfilterHeaderFields(source: Source, region: Region): FieldNode[] {
  const { family, version, resourceId } = source.framing.netfilterHeader.parse(
    part(source, headerOf(region, source.framing.netfilterHeader)),
  )
  return [
    field('nfgen_family', region.start, 1, family, familyName(family)),
    field('version', region.start + 1, 1, version),
    field('res_id', region.start + 2, 2, resourceId),
  ]
}

function genericNodes(source: Source, type: number, region: Region, flags: number): InspectNode[] {
  const { genericHeader } = source.framing
  const have = region.end - region.start
  if (have < genericHeader.length) {
    return malformed(source, region, 'SHORT_HEADER', `a generic header has 4 bytes, ${have} are there`)
  }
  const { command, version, reserved } = genericHeader.parse(part(source, headerOf(region, genericHeader)))
  const described = describedMessage(source, type, region, flags)
  const following = { start: region.start + genericHeader.length, end: region.end }
  return [
    field('cmd', region.start, 1, command, described?.kernelName),
    field('version', region.start + 1, 1, version),
    field('reserved', region.start + 2, 2, reserved),
    ...structAndAttributes(source, described, following),
  ]
}

function describedMessage(source: Source, type: number, region: Region, flags: number): MessageDescription | undefined {
  return source.describe(source.protocol, type, { flags, payload: part(source, region) })
}

/** The struct that a description has, if it is there, and the attributes. */
function structAndAttributes(source: Source, described: MessageDescription | undefined, region: Region): InspectNode[] {
  const header = described?.header
  if (header === undefined) return attributeNodes(source, described?.attributes, region, 0)
  // Requests for a dump may have less than the whole struct.
  const end = Math.min(region.start + header.size, region.end)
  const start = Math.min(region.start + align4(header.size), region.end)
  return [
    ...structNodes(source, header, { start: region.start, end }, source.framing.order),
    ...attributeNodes(source, described?.attributes, { start, end: region.end }, 0),
  ]
}

/** A message of another protocol: by its table or, without one, by finding where its attributes begin. */
function otherNodes(source: Source, type: number, region: Region, flags: number): InspectNode[] {
  const described = describedMessage(source, type, region, flags)
  if (described?.isText === true) {
    const value = decodeText(untilZero(takeBytes(source, region)))
    return [{ kind: 'field', name: 'text', offset: region.start, length: region.end - region.start, value }]
  }
  if (described?.header !== undefined) return structAndAttributes(source, described, region)
  const length = described?.headerLength ?? fixedHeaderLength(source, region)
  if (length === undefined) return rest(source, 'payload', region)
  const have = region.end - region.start
  if (have < length) {
    return malformed(source, region, 'SHORT_HEADER', `a fixed header has ${length} bytes, ${have} are there`)
  }
  const attributes = { start: region.start + align4(length), end: region.end }
  return [
    ...rest(source, 'fixed header', { start: region.start, end: region.start + length }),
    ...attributeNodes(source, described?.attributes, attributes, 0),
  ]
}

/** The length of the shortest header after which everything is attributes; `undefined` if there is none. */
function fixedHeaderLength(source: Source, region: Region): number | undefined {
  for (let length = 0; length <= MAXIMUM_FIXED_HEADER; length += 4) {
    if (holdsAttributes(source, { start: region.start + length, end: region.end })) return length
  }
  return undefined
}
