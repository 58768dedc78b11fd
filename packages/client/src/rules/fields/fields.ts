/**
 * The properties that rules match, described once: how each is loaded and compared, what it needs of the rest of its
 * rule, and nft's words for it. Their order is that in which packets are asked for them.
 */
import { ConntrackDirection, ConntrackKey, MetaKey, PayloadBase } from '@ringlink/codec'
import { integer, type Schema, schemaOf } from '@ringlink/codec/options'
import type { Dscp, EtherType, IcmpType, NumberRange, PropertyName, RuleProtocol } from '../properties.ts'
import {
  addressKind,
  codeKind,
  DataType,
  deviceNameKind,
  hardwareAddressKind,
  nameKind,
  numberKind,
  type ValueKind,
} from './kinds.ts'
import { conntrackForm, type Form, loadPayload, metaForm, payloadForm, REGISTER } from './load.ts'
import {
  connectionDirections,
  connectionStateBits,
  connectionStatusBits,
  dscpAliases,
  dscpNames,
  etherTypes,
  icmpCodes,
  icmpTypes,
  icmpv6Codes,
  icmpv6Types,
  packetTypes,
  protocolAliases,
  protocolNumbers,
  serviceNames,
  tcpFlagBits,
  weekdays,
} from './names.ts'

/** What is known of the packets that a rule is for. */
export interface Facts {
  readonly version: 4 | 6 | undefined
}

/** What a property needs of the rest of its rule. */
export type Need =
  | 'version'
  | 'ipv4'
  | 'ipv6'
  | 'ports'
  | 'icmp'
  | 'tcp'
  | 'ethernet'
  | 'input'
  | 'output'
  | 'connection'
  | 'owner'
  | 'arriving'
  | 'socket'

/** How the values of a property are written: all of them are ranges of numbers in the end. */
export type Style =
  /** one or several */
  | 'values'
  /** those, or some bits */
  | 'mark'
  /** names of bits of which one is set */
  | 'bits'
  /** those, or which bits are set and which are not */
  | 'flags'
  /** true or false */
  | 'presence'
  | 'time'
  | 'socket'

/** A property of packets. */
export interface Field {
  readonly name: PropertyName
  readonly style: Style
  readonly needs: readonly Need[]
  /** nft's words, as `ip saddr`; those of a rule's IP version or protocol */
  readonly words: readonly string[]
  form(facts: Facts): Form
  kind(facts: Facts): ValueKind<unknown>
}

const { LinkLayer, Network, Transport } = PayloadBase
const WORD = 0xffffffff

interface Description {
  readonly style?: Style
  readonly needs?: readonly Need[]
}

/** A property that is loaded and compared in the same way in every rule. */
function field(
  name: PropertyName,
  words: string,
  kind: ValueKind<unknown>,
  form: Form,
  { style = 'values', needs = [] }: Description = {},
): Field {
  return { name, words: [words], style, needs, form: () => form, kind: () => kind }
}

/** A property that differs between IPv4 and IPv6. */
function versioned(
  name: PropertyName,
  words: readonly [string, string],
  kinds: readonly [ValueKind<unknown>, ValueKind<unknown>],
  forms: readonly [Form, Form],
  { style = 'values', needs = ['version'] }: Description = {},
): Field {
  const of = <Value>([four, six]: readonly [Value, Value], { version }: Facts) => (version === 6 ? six : four)
  return { name, words, style, needs, form: (facts) => of(forms, facts), kind: (facts) => of(kinds, facts) }
}

const both = <Value>(value: Value): readonly [Value, Value] => [value, value]

export const portKind = numberKind(2, DataType.Port, { maximum: 0xffff, aliases: serviceNames })
export const byteKind = numberKind(1, DataType.Integer, { maximum: 0xff })
export const wordKind = numberKind(4, DataType.Integer, { maximum: WORD })
export const groupKind = numberKind(4, DataType.DeviceGroup, { maximum: WORD, aliases: { default: 0 } })
export const markKind = numberKind(4, DataType.Mark, { maximum: WORD })
export const counterKind = numberKind(8, DataType.Integer, { maximum: Number.MAX_SAFE_INTEGER })
export const zoneKind = numberKind(2, DataType.Integer, { maximum: 0xffff })
export const vlanKind = numberKind(2, DataType.Integer, { maximum: 0xfff })
export const userKind = numberKind(4, DataType.UserId, { maximum: WORD, aliases: { root: 0 } })
export const userGroupKind = numberKind(4, DataType.GroupId, { maximum: WORD, aliases: { root: 0 } })
export const dscpKind: ValueKind<Dscp | NumberRange> = numberKind<Exclude<Dscp, number>>(1, DataType.Dscp, {
  maximum: 63,
  names: dscpNames,
  aliases: dscpAliases,
})
const icmpTypeKind: ValueKind<IcmpType | number | NumberRange> = numberKind<IcmpType>(1, DataType.IcmpType, {
  maximum: 0xff,
  names: icmpTypes,
})
const icmpv6TypeKind: ValueKind<IcmpType | number | NumberRange> = numberKind<IcmpType>(1, DataType.Icmpv6Type, {
  maximum: 0xff,
  names: icmpv6Types,
  aliases: { 'mld-listener-reduction': 132 },
})
/** Any of both protocols; that it is of the rule's own is checked with the rule. */
export const anyIcmpTypeKind: ValueKind<IcmpType | number | NumberRange> = numberKind<IcmpType>(1, DataType.IcmpType, {
  maximum: 0xff,
  names: { ...icmpv6Types, ...icmpTypes },
})
export const icmpCodeKind = numberKind(1, DataType.IcmpCode, { maximum: 0xff, aliases: icmpCodes })
const icmpv6CodeKind = numberKind(1, DataType.Icmpv6Code, { maximum: 0xff, aliases: icmpv6Codes })
export const protocolKind: ValueKind<RuleProtocol> = codeKind(1, DataType.Protocol, protocolNumbers, integer(0, 0xff), {
  ...protocolAliases,
  'ipv6-icmp': 'icmpv6',
})
export const etherTypeKind: ValueKind<EtherType> = codeKind<'ip' | 'ip6' | 'arp' | 'vlan'>(
  2,
  DataType.EtherType,
  etherTypes as Readonly<Record<'ip' | 'ip6' | 'arp' | 'vlan', number>>,
  integer(0x600, 0xffff),
  { '8021q': 'vlan', '8021ad': 0x88a8 },
)
export const stateKind = nameKind(4, DataType.ConnectionState, connectionStateBits)
export const statusKind = nameKind(4, DataType.ConnectionStatus, connectionStatusBits)
export const directionKind = nameKind<'original' | 'reply'>(
  1,
  DataType.ConnectionDirection,
  connectionDirections as Readonly<Record<'original' | 'reply', number>>,
)
export const tcpFlagKind = nameKind(1, DataType.TcpFlag, tcpFlagBits)
export const packetTypeKind = nameKind(1, DataType.PacketType, packetTypes)
export const dayKind = { ...nameKind(1, DataType.Day, weekdays), domain: { from: 0n, to: 6n } }

const TIME = "a time of day such as '08:00' or '23:59:30'"
const TIME_PATTERN = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/

/** A time of day, in seconds; NaN for what is not one. */
function secondsOf(text: string): number {
  const [, hours, minutes, seconds = '0'] = TIME_PATTERN.exec(text) ?? []
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
}

export const timeSchema: Schema<string> = schemaOf(TIME, ['string'], (value: string, place) => {
  if (!Number.isNaN(secondsOf(value))) return value
  throw place.outOfRange(TIME, value)
})

/** Times of day, in seconds. */
export const timeKind: ValueKind<string> = {
  length: 4,
  type: DataType.Hour,
  element: timeSchema,
  expected: TIME,
  domain: { from: 0n, to: 86_399n },
  rangeOf: (value) => ({ from: BigInt(secondsOf(value)), to: BigInt(secondsOf(value)) }),
  parse: (token) => (Number.isNaN(secondsOf(token)) ? undefined : token),
  print: (value) => `"${value}"`,
}

const address = (four: number, six: number): readonly [Form, Form] => [
  payloadForm(Network, four, 4, { prefix: 'load' }),
  payloadForm(Network, six, 16, { prefix: 'load' }),
]

const VLAN_TAG = [
  loadPayload(LinkLayer, 12, 2),
  { name: 'cmp', data: { sourceRegister: REGISTER, operation: 0, data: { value: Uint8Array.of(0x81, 0) } } } as const,
]
const IPV6_FRAGMENT_HEADER = 44
/** NFT_EXTHDR_F_PRESENT */
const PRESENT = 1
const fragmentHeader: Form = {
  load: [
    {
      name: 'exthdr',
      data: {
        destinationRegister: REGISTER,
        type: IPV6_FRAGMENT_HEADER,
        offset: 0,
        length: 1,
        flags: PRESENT,
        operation: 0,
      },
    },
  ],
  length: 1,
  order: 'network',
}
/** NFTA_FIB_F_SADDR, NFTA_FIB_F_IIF, NFTA_FIB_F_PRESENT; NFT_FIB_RESULT_OIF */
const REVERSE_PATH = { flags: 0x1 | 0x8 | 0x20, result: 1 }
/** NFT_SOCKET_TRANSPARENT */
const TRANSPARENT = 0

/** Offset and further fragments, not the bit that forbids them. */
const FRAGMENT_BITS = 0x3fffn

/** The counters of one direction of a connection. */
function counters(packets: PropertyName, bytes: PropertyName, words: string, direction: number): Field[] {
  const needs = ['connection'] as const
  const form = (key: number) => conntrackForm(key, 8, direction)
  return [
    field(packets, `ct ${words} packets`, counterKind, form(ConntrackKey.Packets), { needs }),
    field(bytes, `ct ${words} bytes`, counterKind, form(ConntrackKey.Bytes), { needs }),
  ]
}

export const fields: readonly Field[] = [
  field(
    'inputInterface',
    'iifname',
    deviceNameKind,
    { ...metaForm(MetaKey.InputDeviceName, 16, 'network'), prefix: 'compare' },
    { needs: ['input'] },
  ),
  field(
    'outputInterface',
    'oifname',
    deviceNameKind,
    { ...metaForm(MetaKey.OutputDeviceName, 16, 'network'), prefix: 'compare' },
    { needs: ['output'] },
  ),
  field('inputInterfaceGroup', 'iifgroup', groupKind, metaForm(MetaKey.InputDeviceGroup, 4), { needs: ['input'] }),
  field('outputInterfaceGroup', 'oifgroup', groupKind, metaForm(MetaKey.OutputDeviceGroup, 4), { needs: ['output'] }),
  field('sourceHardwareAddress', 'ether saddr', hardwareAddressKind, payloadForm(LinkLayer, 6, 6), {
    needs: ['ethernet'],
  }),
  field('destinationHardwareAddress', 'ether daddr', hardwareAddressKind, payloadForm(LinkLayer, 0, 6), {
    needs: ['ethernet'],
  }),
  field('etherType', 'ether type', etherTypeKind, payloadForm(LinkLayer, 12, 2), { needs: ['ethernet'] }),
  field(
    'vlanId',
    'vlan id',
    vlanKind,
    { load: [...VLAN_TAG, loadPayload(LinkLayer, 14, 2)], length: 2, order: 'network', mask: 0xfffn },
    { needs: ['ethernet'] },
  ),
  versioned('sourceAddress', ['ip saddr', 'ip6 saddr'], [addressKind(4), addressKind(6)], address(12, 8)),
  versioned('destinationAddress', ['ip daddr', 'ip6 daddr'], [addressKind(4), addressKind(6)], address(16, 24)),
  versioned('dscp', ['ip dscp', 'ip6 dscp'], both(dscpKind), [
    payloadForm(Network, 1, 1, { mask: 0xfcn, shift: 2 }),
    payloadForm(Network, 0, 2, { mask: 0x0fc0n, shift: 6 }),
  ]),
  field('ttl', 'ip ttl', byteKind, payloadForm(Network, 8, 1), { needs: ['ipv4'] }),
  field('hopLimit', 'ip6 hoplimit', byteKind, payloadForm(Network, 7, 1), { needs: ['ipv6'] }),
  field('nextHeader', 'ip6 nexthdr', protocolKind, payloadForm(Network, 6, 1), { needs: ['ipv6'] }),
  versioned(
    'fragment',
    ['ip frag-off', 'exthdr frag'],
    both(byteKind),
    [payloadForm(Network, 6, 2, { mask: FRAGMENT_BITS }), fragmentHeader],
    { style: 'presence', needs: ['version'] },
  ),
  field('protocol', 'meta l4proto', protocolKind, metaForm(MetaKey.TransportProtocol, 1, 'network')),
  field('sourcePort', 'th sport', portKind, payloadForm(Transport, 0, 2), { needs: ['ports'] }),
  field('destinationPort', 'th dport', portKind, payloadForm(Transport, 2, 2), { needs: ['ports'] }),
  versioned(
    'icmpType',
    ['icmp type', 'icmpv6 type'],
    [icmpTypeKind, icmpv6TypeKind],
    both(payloadForm(Transport, 0, 1)),
    { needs: ['icmp'] },
  ),
  versioned(
    'icmpCode',
    ['icmp code', 'icmpv6 code'],
    [icmpCodeKind, icmpv6CodeKind],
    both(payloadForm(Transport, 1, 1)),
    { needs: ['icmp'] },
  ),
  field('tcpFlags', 'tcp flags', tcpFlagKind, payloadForm(Transport, 13, 1), { style: 'flags', needs: ['tcp'] }),
  field('packetLength', 'meta length', wordKind, metaForm(MetaKey.Length, 4)),
  field('packetType', 'meta pkttype', packetTypeKind, metaForm(MetaKey.PacketType, 1, 'network')),
  field('mark', 'meta mark', markKind, metaForm(MetaKey.Mark, 4), { style: 'mark' }),
  field('ctState', 'ct state', stateKind, conntrackForm(ConntrackKey.State, 4), {
    style: 'bits',
    needs: ['connection'],
  }),
  field('ctStatus', 'ct status', statusKind, conntrackForm(ConntrackKey.Status, 4), {
    style: 'bits',
    needs: ['connection'],
  }),
  field('ctDirection', 'ct direction', directionKind, conntrackForm(ConntrackKey.Direction, 1), {
    needs: ['connection'],
  }),
  field('ctMark', 'ct mark', markKind, conntrackForm(ConntrackKey.Mark, 4), { style: 'mark', needs: ['connection'] }),
  field('ctPackets', 'ct packets', counterKind, conntrackForm(ConntrackKey.Packets, 8), { needs: ['connection'] }),
  field('ctBytes', 'ct bytes', counterKind, conntrackForm(ConntrackKey.Bytes, 8), { needs: ['connection'] }),
  ...counters('ctOriginalPackets', 'ctOriginalBytes', 'original', ConntrackDirection.Original),
  ...counters('ctReplyPackets', 'ctReplyBytes', 'reply', ConntrackDirection.Reply),
  field('ctZone', 'ct zone', zoneKind, conntrackForm(ConntrackKey.Zone, 2), { needs: ['connection'] }),
  field('userId', 'meta skuid', userKind, metaForm(MetaKey.UserId, 4), { needs: ['owner'] }),
  field('groupId', 'meta skgid', userGroupKind, metaForm(MetaKey.GroupId, 4), { needs: ['owner'] }),
  field('cgroup', 'meta cgroup', wordKind, metaForm(MetaKey.ControlGroup, 4), { needs: ['owner'] }),
  field('timeOfDay', 'meta hour', timeKind, metaForm(MetaKey.Hour, 4), { style: 'time' }),
  field('day', 'meta day', dayKind, metaForm(MetaKey.Day, 1, 'network')),
  field(
    'socket',
    'socket transparent',
    byteKind,
    {
      load: [{ name: 'socket', data: { key: TRANSPARENT, destinationRegister: REGISTER } }],
      length: 1,
      order: 'network',
    },
    { style: 'socket', needs: ['socket'] },
  ),
  field(
    'reversePath',
    'fib saddr . iif oif',
    byteKind,
    { load: [{ name: 'fib', data: { destinationRegister: REGISTER, ...REVERSE_PATH } }], length: 4, order: 'host' },
    { style: 'presence', needs: ['arriving'] },
  ),
]

/** Fields by the names of their properties. */
export const fieldsByName: ReadonlyMap<PropertyName, Field> = new Map(fields.map((it) => [it.name, it]))
