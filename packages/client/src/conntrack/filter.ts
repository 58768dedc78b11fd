/**
 * Filters of connections: the part that the kernel applies to a dump, and a check of each connection. The kernel's
 * filters differ by version (mark and family always, tuples since Linux 5.8, status since 5.15, zones since 6.8), and
 * older ones ignore the attributes of newer filters, so every connection is checked here too: the result is the same on
 * every kernel, only the cost differs.
 */
import {
  type Conntrack,
  type ConntrackView,
  Family,
  type Memory,
  statusBitsOf,
  TupleFilterFlag,
  type TupleView,
} from '@ringlink/codec'
import { type Prefix, parsePrefix } from '@ringlink/packet'
import type { ConnectionFilter, ConnectionPorts, TupleFilter } from './types.ts'
import { connectionProtocols, protocolNumber, stateWord } from './words.ts'

/** Numbers from `from` to `to`. */
export interface PortSpan {
  readonly from: number
  readonly to: number
}

/** One direction of a filter. */
export interface CompiledTuple {
  readonly source: Prefix | undefined
  readonly destination: Prefix | undefined
  readonly sourcePort: PortSpan | undefined
  readonly destinationPort: PortSpan | undefined
}

/** A checked filter, in numbers. */
export interface CompiledFilter {
  /** `Family`; Unspecified: both */
  readonly family: number
  readonly protocol: number | undefined
  readonly original: CompiledTuple
  readonly reply: CompiledTuple
  readonly states: ReadonlySet<unknown> | undefined
  /** mask and value of the status bits */
  readonly statusMask: number
  readonly statusBits: number
  readonly markMask: number
  readonly markBits: number
  readonly zone: number | undefined
}

const ALL = 0xffffffff

/** The filter in numbers. */
export function compileFilter(filter: ConnectionFilter): CompiledFilter {
  const { mark = { value: 0, mask: 0 }, state, zone } = filter
  const marked = typeof mark === 'number' ? { value: mark, mask: ALL } : mark
  const set = statusBitsOf(listed(filter.status))
  const unset = statusBitsOf(listed(filter.notStatus))
  const original = compileTuple(filter)
  const reply = compileTuple(filter.reply ?? {})
  return {
    family: familyOf(filter, original, reply),
    protocol: filter.protocol === undefined ? undefined : protocolNumber(filter.protocol),
    original,
    reply,
    states: state === undefined ? undefined : new Set(listed(state)),
    statusMask: set | unset,
    statusBits: set,
    markMask: marked.mask,
    markBits: marked.value,
    zone,
  }
}

/** One value or a list of them, as a list. */
export function listed<Value>(given: Value | readonly Value[] | undefined): readonly Value[] {
  if (given === undefined) return []
  return Array.isArray(given) ? given : [given as Value]
}

function compileTuple(filter: TupleFilter): CompiledTuple {
  const prefix = (text: string | undefined) => (text === undefined ? undefined : parsePrefix(text))
  return {
    source: prefix(filter.sourceAddress),
    destination: prefix(filter.destinationAddress),
    sourcePort: spanOf(filter.sourcePort),
    destinationPort: spanOf(filter.destinationPort),
  }
}

function spanOf(ports: ConnectionPorts | undefined): PortSpan | undefined {
  return typeof ports === 'number' ? { from: ports, to: ports } : ports
}

/** Addresses and ICMP imply the family. */
function familyOf({ family, protocol }: ConnectionFilter, ...tuples: readonly CompiledTuple[]): number {
  if (family !== undefined) return family === 'ip' ? Family.Ipv4 : Family.Ipv6
  const number = protocol === undefined ? undefined : protocolNumber(protocol)
  if (number === connectionProtocols.icmp) return Family.Ipv4
  if (number === connectionProtocols.icmpv6) return Family.Ipv6
  for (const { source, destination } of tuples) {
    const version = (source ?? destination)?.version
    if (version !== undefined) return version === 4 ? Family.Ipv4 : Family.Ipv6
  }
  return Family.Unspecified
}

/** Whether the filter selects the connection. Allocates nothing. */
export function selects(filter: CompiledFilter, view: ConntrackView): boolean {
  const { family, protocol, states } = filter
  if (family !== Family.Unspecified && view.family !== family) return false
  if (protocol !== undefined && view.original.protocol !== protocol) return false
  if (filter.statusMask !== 0) {
    const { status } = view
    if (status === undefined || ((status ^ filter.statusBits) & filter.statusMask) !== 0) return false
  }
  if (filter.markMask !== 0 && ((view.mark ^ filter.markBits) & filter.markMask) !== 0) return false
  if (filter.zone !== undefined && (view.zone ?? 0) !== filter.zone) return false
  if (states !== undefined && !states.has(stateWord(view.tcpState, view.sctpState, view.dccpState))) return false
  return (
    tupleMatches(filter.original, view.original, view.memory) && tupleMatches(filter.reply, view.reply, view.memory)
  )
}

function tupleMatches(filter: CompiledTuple, tuple: TupleView, memory: Memory): boolean {
  const { source, destination, sourcePort, destinationPort } = filter
  if (source !== undefined && !holds(source, memory, tuple.sourceOffset, tuple.addressLength)) return false
  if (destination !== undefined && !holds(destination, memory, tuple.destinationOffset, tuple.addressLength))
    return false
  return within(sourcePort, tuple.sourcePort) && within(destinationPort, tuple.destinationPort)
}

function within(span: PortSpan | undefined, port: number | undefined): boolean {
  if (span === undefined) return true
  return port !== undefined && port >= span.from && port <= span.to
}

function holds({ bytes, mask }: Prefix, { u8 }: Memory, offset: number, length: number): boolean {
  if (length !== bytes.length) return false
  for (let i = 0; i < length; i++) if (((u8[offset + i] as number) & (mask[i] as number)) !== bytes[i]) return false
  return true
}

/** The attributes with which the kernel filters a dump, as far as it can. */
export function kernelFilter(filter: CompiledFilter): Conntrack {
  const attributes: Conntrack = {}
  if (filter.markMask !== 0) {
    attributes.mark = filter.markBits
    attributes.markMask = filter.markMask
  }
  if (filter.statusMask !== 0) {
    attributes.status = filter.statusBits
    attributes.statusMask = filter.statusMask
  }
  if (filter.zone !== undefined) attributes.zone = filter.zone
  // The kernel compares tuples of one family, and only whole values.
  if (filter.family === Family.Unspecified) return attributes
  const original = tupleFilter(filter, filter.original)
  const reply = tupleFilter(filter, filter.reply)
  if (original.flags === 0 && reply.flags === 0) return attributes
  if (original.flags !== 0) attributes.original = original.values
  if (reply.flags !== 0) attributes.reply = reply.values
  attributes.filter = { originalFlags: original.flags, replyFlags: reply.flags }
  return attributes
}

type TupleValues = NonNullable<Conntrack['original']>

function tupleFilter(
  { protocol, family }: CompiledFilter,
  { source, destination, sourcePort, destinationPort }: CompiledTuple,
): { flags: number; values: TupleValues } {
  let flags = 0
  const address: NonNullable<TupleValues['address']> = {}
  const numbers: NonNullable<TupleValues['protocol']> = {}
  const isIpv4 = family === Family.Ipv4
  if (isWhole(source)) {
    flags |= TupleFilterFlag.Source
    if (isIpv4) address.ipv4Source = source.bytes
    else address.ipv6Source = source.bytes
  }
  if (isWhole(destination)) {
    flags |= TupleFilterFlag.Destination
    if (isIpv4) address.ipv4Destination = destination.bytes
    else address.ipv6Destination = destination.bytes
  }
  if (protocol !== undefined) {
    flags |= TupleFilterFlag.Protocol
    numbers.number = protocol
  }
  if (isOne(sourcePort)) {
    flags |= TupleFilterFlag.SourcePort
    numbers.sourcePort = sourcePort.from
  }
  if (isOne(destinationPort)) {
    flags |= TupleFilterFlag.DestinationPort
    numbers.destinationPort = destinationPort.from
  }
  return { flags, values: { address, protocol: numbers } }
}

function isWhole(prefix: Prefix | undefined): prefix is Prefix {
  return prefix !== undefined && prefix.length === prefix.bytes.length * 8
}

function isOne(span: PortSpan | undefined): span is PortSpan {
  return span !== undefined && span.from === span.to
}
