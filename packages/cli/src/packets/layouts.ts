/// <reference path="../../../codec/src/inspect/binary-parser.d.ts" />
/** The headers of packets, declared with binary-parser: for texts, one packet at a time, never on the hot path. */
import { Parser } from 'binary-parser'

/** A declared header. */
export interface Layout<Fields> {
  readonly length: number
  /** Reads it at `offset`; undefined where it is not there whole. */
  read(bytes: Uint8Array, offset: number): Fields | undefined
}

function layout<Fields>(length: number, parser: Parser): Layout<Fields> {
  return {
    length,
    read: (bytes, offset) =>
      offset + length <= bytes.length ? (parser.parse(bytes.subarray(offset, offset + length)) as Fields) : undefined,
  }
}

const header = () => new Parser().endianness('big')
const bytes = (length: number) => ({ length, formatter: (part: Uint8Array) => part })

export const ethernet: Layout<{ destination: Uint8Array; source: Uint8Array; etherType: number }> = layout(
  14,
  header().buffer('destination', bytes(6)).buffer('source', bytes(6)).uint16('etherType'),
)

export const vlanTag: Layout<{ tag: number; etherType: number }> = layout(4, header().uint16('tag').uint16('etherType'))

export interface ArpFields {
  hardware: number
  protocol: number
  hardwareLength: number
  protocolLength: number
  operation: number
}
export const arp: Layout<ArpFields> = layout(
  8,
  header().uint16('hardware').uint16('protocol').uint8('hardwareLength').uint8('protocolLength').uint16('operation'),
)

/** What follows `arp` where the hardware is Ethernet and the protocol IPv4. */
export interface ArpAddresses {
  senderHardware: Uint8Array
  sender: Uint8Array
  targetHardware: Uint8Array
  target: Uint8Array
}
export const arpAddresses: Layout<ArpAddresses> = layout(
  20,
  header()
    .buffer('senderHardware', bytes(6))
    .buffer('sender', bytes(4))
    .buffer('targetHardware', bytes(6))
    .buffer('target', bytes(4)),
)

export interface Ipv4Fields {
  /** version in the upper, words of the header in the lower four bits */
  versionAndLength: number
  length: number
  identification: number
  /** three flags, then the offset in units of eight bytes */
  fragment: number
  hopLimit: number
  protocol: number
  source: Uint8Array
  destination: Uint8Array
}
export const ipv4: Layout<Ipv4Fields> = layout(
  20,
  header()
    .uint8('versionAndLength')
    .seek(1)
    .uint16('length')
    .uint16('identification')
    .uint16('fragment')
    .uint8('hopLimit')
    .uint8('protocol')
    .seek(2)
    .buffer('source', bytes(4))
    .buffer('destination', bytes(4)),
)

export interface Ipv6Fields {
  payloadLength: number
  next: number
  hopLimit: number
  source: Uint8Array
  destination: Uint8Array
}
export const ipv6: Layout<Ipv6Fields> = layout(
  40,
  header()
    .seek(4)
    .uint16('payloadLength')
    .uint8('next')
    .uint8('hopLimit')
    .buffer('source', bytes(16))
    .buffer('destination', bytes(16)),
)

/** What every extension header of IPv6 begins with; of the fragment header these are all fields that matter. */
export interface ExtensionFields {
  next: number
  length: number
  /** of a fragment header: the offset in bytes, and flags in the lowest three bits */
  fragment: number
}
export const ipv6Extension: Layout<ExtensionFields> = layout(
  8,
  header().uint8('next').uint8('length').uint16('fragment').seek(4),
)

export interface TcpFields {
  sourcePort: number
  destinationPort: number
  sequence: number
  acknowledgement: number
  /** words of the header, in the upper four bits */
  dataOffset: number
  flags: number
  window: number
}
export const tcp: Layout<TcpFields> = layout(
  20,
  header()
    .uint16('sourcePort')
    .uint16('destinationPort')
    .uint32('sequence')
    .uint32('acknowledgement')
    .uint8('dataOffset')
    .uint8('flags')
    .uint16('window')
    .seek(4),
)

export const udp: Layout<{ sourcePort: number; destinationPort: number; length: number }> = layout(
  8,
  header().uint16('sourcePort').uint16('destinationPort').uint16('length').seek(2),
)

/** ICMP and ICMPv6; the last two are what they are called in an echo only. */
export const icmp: Layout<{ type: number; code: number; identifier: number; sequence: number }> = layout(
  8,
  header().uint8('type').uint8('code').seek(2).uint16('identifier').uint16('sequence'),
)

export interface DnsFields {
  identifier: number
  flags: number
  questions: number
  answers: number
  authorities: number
  additional: number
}
export const dns: Layout<DnsFields> = layout(
  12,
  header()
    .uint16('identifier')
    .uint16('flags')
    .uint16('questions')
    .uint16('answers')
    .uint16('authorities')
    .uint16('additional'),
)

export const dnsQuestion: Layout<{ type: number; class: number }> = layout(4, header().uint16('type').uint16('class'))

export const dnsAnswer: Layout<{ type: number; class: number; lifetime: number; length: number }> = layout(
  10,
  header().uint16('type').uint16('class').uint32('lifetime').uint16('length'),
)
