/**
 * Scripts for connection tracking: requests, packets and events. The same script runs on the real kernel and on the
 * simulated one.
 */
import {
  type AttributeSet,
  type AttributeValues,
  type Conntrack,
  ConntrackMessage,
  conntrackAttributes,
  type Expectation,
  ExpectationMessage,
  expectationAttributes,
  Family,
  GetFlag,
  Memory,
  MessageFlag,
  NewFlag,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { internetChecksum } from '@ringlink/packet'
import type { NfStep } from './nftables-script.ts'
import type { RawMessage } from './raw-message.ts'

export type CtSocketName = 'a' | 'b'

/** One message; its number follows from its place. */
export type CtMessage = RawMessage

/** One step. */
export type CtStep =
  | {
      readonly do: 'open'
      readonly socket: CtSocketName
      readonly groups?: readonly number[]
      readonly receiveBufferSize?: number
    }
  | { readonly do: 'close'; readonly socket: CtSocketName }
  /** one send */
  | { readonly do: 'send'; readonly socket: CtSocketName; readonly messages: readonly CtMessage[] }
  /** everything that has come */
  | { readonly do: 'read'; readonly socket: CtSocketName }
  /** consecutive packets that leave the machine through the loopback device */
  | { readonly do: 'inject'; readonly packets: readonly Uint8Array[] }
  /** lets time pass */
  | { readonly do: 'wait'; readonly milliseconds: number }

/** What both kernels are set to: sysctls of net.netfilter. */
export interface CtSettings {
  readonly nf_conntrack_acct?: number
  readonly nf_conntrack_timestamp?: number
  readonly nf_conntrack_events?: number
  readonly nf_conntrack_tcp_loose?: number
  readonly nf_conntrack_tcp_be_liberal?: number
  readonly nf_conntrack_tcp_ignore_invalid_rst?: number
  readonly nf_conntrack_tcp_max_retrans?: number
}

/** A script, and what the kernels are set to. */
export interface CtScript {
  readonly settings?: CtSettings
  readonly steps: readonly CtStep[]
  /**
   * nobody else on this machine may listen to events: with `nf_conntrack_events` of 2 a listener in any network
   * namespace counts
   */
  readonly needsSilence?: boolean
}

export const ACKNOWLEDGED: number = MessageFlag.Request | MessageFlag.Acknowledge
const DUMPED = MessageFlag.Request | GetFlag.Dump

function body<Set extends AttributeSet>(set: Set, attributes: AttributeValues<Set>): Uint8Array {
  const memory = new Memory(8192)
  const header = { type: 0, flags: 0, sequence: 0, family: 0, resourceId: 0, attributes }
  const length = writeNfnetlinkMessage(memory, 0, 8192, set, header)
  return memory.copy(20, length - 20)
}

/** What of a message is not as usual. */
export interface MessageOptions {
  readonly flags?: number
  readonly family?: number
  readonly version?: number
}

const message =
  (type: number, usualFlags: number) =>
  (
    attributes: Conntrack = {},
    { flags = usualFlags, family = Family.Ipv4, version = 0 }: MessageOptions = {},
  ): CtMessage => ({
    type,
    flags,
    family,
    version,
    body: body(conntrackAttributes, attributes),
  })

export const create = message(ConntrackMessage.New, ACKNOWLEDGED | NewFlag.Create | NewFlag.Exclusive)
export const update = message(ConntrackMessage.New, ACKNOWLEDGED)
export const get = message(ConntrackMessage.Get, ACKNOWLEDGED)
export const remove = message(ConntrackMessage.Delete, ACKNOWLEDGED)
export const list = (attributes: Conntrack = {}, options: MessageOptions = {}): CtMessage =>
  message(ConntrackMessage.Get, DUMPED)(attributes, { family: 0, ...options })
export const listAndZero = (attributes: Conntrack = {}, options: MessageOptions = {}): CtMessage =>
  message(ConntrackMessage.GetAndZeroCounters, DUMPED)(attributes, { family: 0, ...options })
export const flush = (attributes: Conntrack = {}, options: MessageOptions = {}): CtMessage =>
  message(ConntrackMessage.Delete, ACKNOWLEDGED)(attributes, { family: 0, ...options })
/** IPCTNL_MSG_CT_GET_STATS_CPU, GET_STATS, GET_DYING, GET_UNCONFIRMED; IPCTNL_MSG_EXP_GET_STATS_CPU */
export const bare = (type: number, flags: number = DUMPED): CtMessage => ({
  type,
  flags,
  family: 0,
  body: new Uint8Array(0),
})

const expectation =
  (type: number, usualFlags: number) =>
  (attributes: Expectation = {}, { flags = usualFlags, family = Family.Ipv4 }: MessageOptions = {}): CtMessage => ({
    type,
    flags,
    family,
    body: body(expectationAttributes, attributes),
  })

export const expectNew = expectation(ExpectationMessage.New, ACKNOWLEDGED | NewFlag.Create)
export const expectGet = expectation(ExpectationMessage.Get, ACKNOWLEDGED)
export const expectRemove = expectation(ExpectationMessage.Delete, ACKNOWLEDGED)
export const expectList = (attributes: Expectation = {}, options: MessageOptions = {}): CtMessage =>
  expectation(ExpectationMessage.Get, DUMPED)(attributes, { family: 0, ...options })

// Addresses and tuples.
export const ip = (text: string): Uint8Array => Uint8Array.from(text.split('.').map(Number))
export const ip6 = (last: number): Uint8Array => Uint8Array.of(0xfd, ...Array.from({ length: 14 }, () => 0), last)
export const CLIENT: Uint8Array = ip('10.0.0.1')
export const SERVER: Uint8Array = ip('10.0.0.2')

type TupleValues = NonNullable<Conntrack['original']>

export const tuple = (
  protocol: number,
  source: Uint8Array,
  sourcePort: number,
  destination: Uint8Array,
  destinationPort: number,
): TupleValues => ({
  address:
    source.length === 4
      ? { ipv4Source: source, ipv4Destination: destination }
      : { ipv6Source: source, ipv6Destination: destination },
  protocol: { number: protocol, sourcePort, destinationPort },
})
/** Both tuples of a connection from the client to the server. */
export const both = (protocol: number, sourcePort: number, destinationPort: number) => ({
  original: tuple(protocol, CLIENT, sourcePort, SERVER, destinationPort),
  reply: tuple(protocol, SERVER, destinationPort, CLIENT, sourcePort),
})

// Packets.

/** A packet of IPv4, with the checksum of its header. */
export function ipv4(protocol: number, source: Uint8Array, destination: Uint8Array, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(20 + payload.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = 0x45
  view.setUint16(2, bytes.length)
  view.setUint16(6, 0x4000)
  bytes[8] = 64
  bytes[9] = protocol
  bytes.set(source, 12)
  bytes.set(destination, 16)
  bytes.set(payload, 20)
  view.setUint16(10, internetChecksum(Memory.from(bytes), 0, 20))
  return bytes
}

export function ipv6(protocol: number, source: Uint8Array, destination: Uint8Array, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(40 + payload.length)
  bytes[0] = 0x60
  new DataView(bytes.buffer).setUint16(4, payload.length)
  bytes[6] = protocol
  bytes[7] = 64
  bytes.set(source, 8)
  bytes.set(destination, 24)
  bytes.set(payload, 40)
  return bytes
}

/** A packet of the family that its addresses have. */
export const packet = (protocol: number, source: Uint8Array, destination: Uint8Array, payload: Uint8Array) =>
  source.length === 4 ? ipv4(protocol, source, destination, payload) : ipv6(protocol, source, destination, payload)

export function udpHeader(sourcePort: number, destinationPort: number, data = 4): Uint8Array {
  const bytes = new Uint8Array(8 + data)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, sourcePort)
  view.setUint16(2, destinationPort)
  view.setUint16(4, bytes.length)
  return bytes
}

/** A segment: numbers, flags, options and how much data it has. */
export interface Segment {
  readonly flags: number
  readonly sequence?: number
  readonly ack?: number
  readonly window?: number
  readonly options?: readonly number[]
  readonly data?: number
}

export function tcpHeader(sourcePort: number, destinationPort: number, segment: Segment): Uint8Array {
  const { flags, sequence = 0, ack = 0, window = 1000, options = [], data = 0 } = segment
  const header = 20 + Math.ceil(options.length / 4) * 4
  const bytes = new Uint8Array(header + data)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, sourcePort)
  view.setUint16(2, destinationPort)
  view.setUint32(4, sequence >>> 0)
  view.setUint32(8, ack >>> 0)
  bytes[12] = header << 2
  bytes[13] = flags
  view.setUint16(14, window)
  bytes.set(options, 20)
  return bytes
}

export function icmpMessage(type: number, code: number, id: number, data: Uint8Array = new Uint8Array(8)): Uint8Array {
  const bytes = new Uint8Array(8 + data.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = type
  bytes[1] = code
  view.setUint16(4, id)
  bytes.set(data, 8)
  return bytes
}

export const FIN = 0x01
export const SYN = 0x02
export const RST = 0x04
export const PSH = 0x08
export const ACK = 0x10

// Steps.
export const open = (socket: CtSocketName, groups: readonly number[] = []): CtStep => ({ do: 'open', socket, groups })
export const read = (socket: CtSocketName = 'a'): CtStep => ({ do: 'read', socket })
export const inject = (...packets: readonly Uint8Array[]): CtStep => ({ do: 'inject', packets })
/** Each message in a send of its own, with what it was answered. */
export const ask = (...messages: readonly CtMessage[]): CtStep[] =>
  messages.flatMap((it): CtStep[] => [{ do: 'send', socket: 'a', messages: [it] }, read('a')])
/** What a script for nf_tables does with socket a. */
export const nfSteps = (steps: readonly NfStep[]): CtStep[] =>
  steps.flatMap((step) => (step.do === 'send' || step.do === 'read' ? [step] : []))
/** A socket for requests, and one that listens to all events. */
export const opened: readonly CtStep[] = [open('a'), open('b', [1, 2, 3, 4, 5, 6])]
