/**
 * Each property of a rule's match: a value that one packet has and one that it has not, in objects and in nft's words.
 */
import { Hook } from '@ringlink/codec'
import { icmpPacket, ipv4Packet, ipv6Packet, tcpPacket, udpPacket } from '@ringlink/packet'
import type { PacketMeta } from '@ringlink/transport-sim'
import type { FirewallRule, RuleMatch, RuleProperties } from '../../src/index.ts'

type PropertyName = keyof RuleProperties

export interface PropertyItem {
  /** what the packet has */
  readonly has: RuleProperties
  /** nft's words for that, and for its `not` */
  readonly words: readonly [is: string, isNot: string]
  /** what it has not */
  readonly lacks: RuleProperties
  /** what the property needs beside it, and its words */
  readonly beside?: RuleMatch
  readonly besideWords?: string
  readonly hook?: FirewallRule['hook']
  readonly bytes: Uint8Array
  /** a packet of its connection before it */
  readonly before?: Uint8Array
  readonly meta?: PacketMeta
  /** `not` of what the packet has is refused, because it has no meaning */
  readonly refusesNot?: true
}

const addresses = { source: '10.0.0.1', destination: '10.0.0.2' } as const
const addresses6 = { source: '2001:db8::1', destination: '2001:db8::2' } as const
const ports = { sourcePort: 40_000, destinationPort: 53 } as const
const udp = udpPacket({ ...addresses, ...ports, payload: 'x', timeToLive: 64, trafficClass: 46 << 2 })
const udp6 = udpPacket({ ...addresses6, ...ports, payload: 'x', timeToLive: 64, trafficClass: 46 << 2 })
const reply = udpPacket({
  source: addresses.destination,
  destination: addresses.source,
  sourcePort: ports.destinationPort,
  destinationPort: ports.sourcePort,
  payload: 'x',
})
/** ACK and SYN */
const tcp = tcpPacket({ ...addresses, ...ports, flags: 0x12, payload: '' })
const message = icmpPacket({ ...addresses, type: 3, code: 1, payload: new Uint8Array(8) })
const fragment = ipv4Packet({ ...addresses, protocol: 17, payload: new Uint8Array(16), fragmentOffset: 8 })
const FRAGMENT_HEADER = 44
const fragment6 = ipv6Packet({
  ...addresses6,
  nextHeader: FRAGMENT_HEADER,
  payload: Uint8Array.of(17, 0, 0, 1, 0, 0, 0, 7, ...new Uint8Array(16)),
})

/** A frame that came in by Ethernet, with a VLAN tag or without. */
const ethernet = (...type: readonly number[]): PacketMeta => ({
  hardwareType: 1,
  linkLayerHeader: Uint8Array.of(2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, ...type),
})
const owner: PacketMeta = { owner: { userId: 1000, groupId: 100 } }

const values = (
  name: PropertyName,
  [has, lacks]: readonly [unknown, unknown],
  [words, value]: readonly [string, string],
  more: Partial<PropertyItem> = {},
): PropertyItem => ({
  has: { [name]: has },
  lacks: { [name]: lacks },
  words: [`${words} ${value}`, `${words} != ${value}`],
  bytes: udp,
  ...more,
})
const bits = (item: PropertyItem, words: string, names: string): PropertyItem => ({
  ...item,
  words: [`${words} ${names}`, `${words} ! ${names}`],
})
const inUdp = { beside: { protocol: 'udp' } } as const
const outgoing = { hook: 'output', meta: { hook: Hook.Output, ...owner } } as const
const of4 = { beside: { version: 4 } } as const
const of6 = { beside: { version: 6 }, bytes: udp6 } as const

/** All of them: the type is what makes it complete. */
export const propertyItems: Readonly<Record<PropertyName, readonly PropertyItem[]>> = {
  version: [
    values('version', [4, 6], ['meta nfproto', 'ipv4']),
    { ...values('version', [6, 4], ['meta nfproto', 'ipv6']), bytes: udp6 },
  ],
  protocol: [
    values('protocol', ['udp', ['tcp', 47]], ['meta l4proto', 'udp']),
    values('protocol', [['tcp', 'udp'], 1], ['meta l4proto', '{ tcp, udp }']),
  ],
  sourcePort: [values('sourcePort', [40_000, [1, { from: 2, to: 9 }]], ['udp sport', '40000'], inUdp)],
  destinationPort: [
    values('destinationPort', [[53, { from: 1000, to: 2000 }], 54], ['udp dport', '{ 53, 1000-2000 }'], inUdp),
    values(
      'destinationPort',
      [
        { from: 50, to: 60 },
        { from: 54, to: 60 },
      ],
      ['th dport', '50-60'],
      { beside: { protocol: ['tcp', 'udp'] }, besideWords: 'meta l4proto { tcp, udp }' },
    ),
  ],
  sourceAddress: [
    values('sourceAddress', ['10.0.0.0/8', '11.0.0.0/8'], ['ip saddr', '10.0.0.0/8']),
    values('sourceAddress', ['2001:db8::/32', '2001:db9::/32'], ['ip6 saddr', '2001:db8::/32'], { bytes: udp6 }),
  ],
  destinationAddress: [
    values(
      'destinationAddress',
      [['10.0.0.1-10.0.0.9', '1.1.1.1'], '10.0.0.1'],
      ['ip daddr', '{ 10.0.0.1-10.0.0.9, 1.1.1.1 }'],
    ),
    values('destinationAddress', ['2001:db8::2', '2001:db8::3'], ['ip6 daddr', '2001:db8::2'], { bytes: udp6 }),
  ],
  icmpType: [
    values('icmpType', ['destination-unreachable', 'echo-request'], ['icmp type', 'destination-unreachable'], {
      beside: { protocol: 'icmp' },
      bytes: message,
    }),
  ],
  icmpCode: [
    values('icmpCode', [1, { from: 2, to: 9 }], ['icmp code', '1'], { beside: { protocol: 'icmp' }, bytes: message }),
  ],
  tcpFlags: [
    bits(
      values('tcpFlags', [['syn', 'fin'], 'rst'], ['', ''], { beside: { protocol: 'tcp' }, bytes: tcp }),
      'tcp flags',
      'syn,fin',
    ),
    {
      ...values(
        'tcpFlags',
        [
          { flags: ['syn'], mask: ['syn', 'rst'] },
          { flags: [], mask: ['syn', 'rst'] },
        ],
        ['', ''],
        { beside: { protocol: 'tcp' }, bytes: tcp },
      ),
      words: ['tcp flags & (syn|rst) == syn', 'tcp flags & (syn|rst) != syn'],
    },
    {
      ...values('tcpFlags', [exactly('syn', 'ack'), exactly('syn')], ['', ''], {
        beside: { protocol: 'tcp' },
        bytes: tcp,
      }),
      words: ['tcp flags == syn|ack', 'tcp flags != syn|ack'],
    },
  ],
  packetLength: [values('packetLength', [29, { from: 30, to: 90 }], ['meta length', '29'])],
  packetType: [
    values(
      'packetType',
      [
        ['host', 'other'],
        ['broadcast', 'multicast'],
      ],
      ['meta pkttype', '{ host, other }'],
    ),
  ],
  ttl: [values('ttl', [64, 63], ['ip ttl', '64'])],
  hopLimit: [values('hopLimit', [{ from: 60, to: 64 }, 63], ['ip6 hoplimit', '60-64'], { bytes: udp6 })],
  nextHeader: [
    values('nextHeader', ['udp', ['tcp', 44]], ['ip6 nexthdr', 'udp'], { bytes: udp6 }),
    values('nextHeader', [44, 'udp'], ['ip6 nexthdr', '44'], { bytes: fragment6 }),
  ],
  dscp: [
    values('dscp', ['ef', 'cs1'], ['ip dscp', 'ef'], of4),
    values('dscp', [['cs1', { from: 40, to: 50 }], 0], ['ip6 dscp', '{ cs1, 40-50 }'], of6),
  ],
  fragment: [
    {
      has: { fragment: true },
      lacks: { fragment: false },
      words: ['ip frag-off & 0x3fff != 0', 'ip frag-off & 0x3fff == 0'],
      ...of4,
      bytes: fragment,
    },
    {
      has: { fragment: true },
      lacks: { fragment: false },
      words: ['exthdr frag exists', 'exthdr frag missing'],
      ...of6,
      bytes: fragment6,
    },
  ],
  sourceHardwareAddress: [
    values('sourceHardwareAddress', ['02:00:00:00:00:01', '02:00:00:00:00:02'], ['ether saddr', '02:00:00:00:00:01'], {
      meta: ethernet(8, 0),
    }),
  ],
  destinationHardwareAddress: [
    values(
      'destinationHardwareAddress',
      ['02:00:00:00:00:09', '02:00:00:00:00:02'],
      ['ether daddr', '02:00:00:00:00:09'],
      { meta: ethernet(8, 0) },
    ),
  ],
  etherType: [values('etherType', ['ip', ['ip6', 0x88cc]], ['ether type', 'ip'], { meta: ethernet(8, 0) })],
  vlanId: [values('vlanId', [{ from: 1, to: 9 }, 6], ['vlan id', '1-9'], { meta: ethernet(0x81, 0, 0xe0, 5, 8, 0) })],
  inputInterface: [values('inputInterface', [['eth*', 'lo'], 'eth1'], ['iifname', '{ "eth*", "lo" }'])],
  outputInterface: [values('outputInterface', ['lo', 'eth*'], ['oifname', '"lo"'], outgoing)],
  inputInterfaceGroup: [values('inputInterfaceGroup', [0, 5], ['iifgroup', '0'])],
  outputInterfaceGroup: [values('outputInterfaceGroup', [0, { from: 1, to: 9 }], ['oifgroup', '0'], outgoing)],
  mark: [
    values('mark', [{ from: 0x10, to: 0x20 }, 5], ['meta mark', '16-32'], { meta: { mark: 0x12 } }),
    {
      ...values(
        'mark',
        [
          { value: 0x10, mask: 0xf0 },
          { value: 0x20, mask: 0xf0 },
        ],
        ['', ''],
        { meta: { mark: 0x12 } },
      ),
      words: ['meta mark & 0xf0 == 0x10', 'meta mark & 0xf0 != 0x10'],
    },
  ],
  ctMark: [values('ctMark', [0, { value: 1, mask: 1 }], ['ct mark', '0'])],
  ctState: [bits(values('ctState', [['new', 'related'], 'established'], ['', '']), 'ct state', 'new,related')],
  ctStatus: [
    {
      ...bits(values('ctStatus', [['seen-reply', 'assured'], 'dying'], ['', '']), 'ct status', 'seen-reply,assured'),
      before: udp,
      bytes: reply,
    },
  ],
  ctDirection: [values('ctDirection', ['original', 'reply'], ['ct direction', 'original'])],
  ctPackets: [values('ctPackets', [1, { from: 2, to: 20 }], ['ct packets', '1'])],
  ctBytes: [values('ctBytes', [{ from: 20, to: 2 ** 40 }, 28], ['ct bytes', '20-1099511627776'])],
  ctOriginalPackets: [values('ctOriginalPackets', [1, 0], ['ct original packets', '1'])],
  ctReplyPackets: [values('ctReplyPackets', [0, 1], ['ct reply packets', '0'])],
  ctOriginalBytes: [values('ctOriginalBytes', [29, 0], ['ct original bytes', '29'])],
  ctReplyBytes: [values('ctReplyBytes', [0, { from: 1, to: 99 }], ['ct reply bytes', '0'])],
  ctZone: [values('ctZone', [0, [1, 5]], ['ct zone', '0'])],
  userId: [values('userId', [{ from: 1000, to: 2000 }, 0], ['meta skuid', '1000-2000'], outgoing)],
  groupId: [values('groupId', [100, 0], ['meta skgid', '100'], outgoing)],
  cgroup: [
    values('cgroup', [0x10_0001, 5], ['meta cgroup', '1048577'], {
      ...outgoing,
      meta: { ...outgoing.meta, cgroupClassId: 0x10_0001 },
    }),
  ],
  // The simulated clock begins on a Thursday at midnight.
  timeOfDay: [
    values(
      'timeOfDay',
      [
        { from: '00:00', to: '08:00' },
        { from: '08:00', to: '18:00' },
      ],
      ['meta hour', '"00:00"-"08:00"'],
    ),
    values(
      'timeOfDay',
      [
        { from: '22:00', to: '06:00' },
        { from: '22:00', to: '23:00' },
      ],
      ['meta hour', '{ "00:00"-"06:00", "22:00"-"23:59:59" }'],
    ),
  ],
  day: [values('day', [['thursday', 'friday'], 'monday'], ['meta day', '{ "thursday", "friday" }'])],
  socket: [
    values('socket', ['existing', 'transparent'], ['socket transparent', '0-1'], { meta: owner, refusesNot: true }),
  ],
  reversePath: [
    {
      has: { reversePath: true },
      lacks: { reversePath: false },
      words: ['fib saddr . iif oif exists', 'fib saddr . iif oif missing'],
      bytes: udp,
    },
  ],
}

type Flag = 'fin' | 'syn' | 'rst' | 'psh' | 'ack' | 'urg' | 'ecn' | 'cwr'

/** These flags, and no others. */
function exactly(...flags: readonly Flag[]) {
  return { flags, mask: ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr'] as const }
}
