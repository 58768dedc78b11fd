/** Every header survives being written and read; writers and views refuse what does not fit. */
import { Memory } from '@ringlink/codec/memory'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ArpView,
  EthernetView,
  GreView,
  IcmpView,
  Icmpv6View,
  IpProtocol,
  Ipv4View,
  Ipv6ExtensionView,
  Ipv6View,
  NeighbourView,
  SctpView,
  TcpView,
  UdpLiteView,
  UdpView,
  VlanView,
  writeArp,
  writeEthernet,
  writeGre,
  writeIcmp,
  writeIpv4,
  writeIpv6,
  writeIpv6Extension,
  writeIpv6Fragment,
  writeNeighbour,
  writeSctp,
  writeTcp,
  writeUdp,
  writeUdpLite,
  writeVlan,
} from '../src/index.ts'

const u = (bits: number) => fc.integer({ min: 0, max: 2 ** bits - 1 })
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map((a) => Uint8Array.from(a))
const words = (maximum: number) => fc.nat(maximum).chain((count) => bytes(count * 4))

interface Structure {
  readonly name: string
  readonly values: fc.Arbitrary<Record<string, unknown>>
  readonly write: (memory: Memory, offset: number, limit: number, values: never) => number
  readonly read: (memory: Memory, offset: number, length: number) => unknown
}

const structures: readonly Structure[] = [
  {
    name: 'Ethernet',
    values: fc.record({ source: bytes(6), destination: bytes(6), etherType: u(16) }),
    write: writeEthernet,
    read: (...at) => new EthernetView().wrap(...at).copy(),
  },
  {
    name: 'VLAN',
    values: fc.record({ id: u(12), priority: u(3), isDropEligible: fc.boolean(), etherType: u(16) }),
    write: writeVlan,
    read: (...at) => new VlanView().wrap(...at).copy(),
  },
  {
    name: 'ARP',
    values: fc.record({
      operation: u(16),
      senderHardware: bytes(6),
      sender: bytes(4),
      targetHardware: bytes(6),
      target: bytes(4),
    }),
    write: writeArp,
    read: (...at) => new ArpView().wrap(...at).copy(),
  },
  {
    name: 'IPv4',
    values: fc.record({
      trafficClass: u(8),
      totalLength: u(16),
      identification: u(16),
      dontFragment: fc.boolean(),
      moreFragments: fc.boolean(),
      fragmentOffset: u(13).map((units) => units * 8),
      timeToLive: u(8),
      protocol: u(8),
      checksum: u(16),
      source: bytes(4),
      destination: bytes(4),
      options: words(10),
    }),
    write: writeIpv4,
    read: (...at) => new Ipv4View().wrap(...at).copy(),
  },
  {
    name: 'IPv6',
    values: fc.record({
      trafficClass: u(8),
      flowLabel: u(20),
      payloadLength: u(16),
      nextHeader: u(8),
      hopLimit: u(8),
      source: bytes(16),
      destination: bytes(16),
    }),
    write: writeIpv6,
    read: (...at) => new Ipv6View().wrap(...at).copy(),
  },
  {
    name: 'IPv6 Destination Options',
    values: fc.record({
      type: fc.constant(IpProtocol.DestinationOptions),
      nextHeader: u(8),
      contents: fc.nat(20).chain((units) => bytes(units * 8 + 6)),
    }),
    write: writeIpv6Extension,
    read: (...at) => new Ipv6ExtensionView().wrap(...at, IpProtocol.DestinationOptions).copy(),
  },
  {
    name: 'IPv6 authentication',
    values: fc.record({
      type: fc.constant(IpProtocol.Authentication),
      nextHeader: u(8),
      contents: fc.nat(20).chain((units) => bytes(units * 4 + 6)),
    }),
    write: writeIpv6Extension,
    read: (...at) => new Ipv6ExtensionView().wrap(...at, IpProtocol.Authentication).copy(),
  },
  {
    name: 'IPv6 Fragment',
    values: fc.record({
      nextHeader: u(8),
      fragmentOffset: u(13).map((units) => units * 8),
      moreFragments: fc.boolean(),
      identification: u(32),
    }),
    write: writeIpv6Fragment,
    read: (...at) => {
      const { nextHeader, fragmentOffset, moreFragments, identification } = new Ipv6ExtensionView().wrap(
        ...at,
        IpProtocol.Fragment,
      )
      return { nextHeader, fragmentOffset, moreFragments, identification }
    },
  },
  {
    name: 'UDP',
    values: fc.record({ sourcePort: u(16), destinationPort: u(16), length: u(16), checksum: u(16) }),
    write: writeUdp,
    read: (...at) => new UdpView().wrap(...at).copy(),
  },
  {
    name: 'UDP-Lite',
    values: fc.record({ sourcePort: u(16), destinationPort: u(16), coverage: u(16), checksum: u(16) }),
    write: writeUdpLite,
    read: (...at) => new UdpLiteView().wrap(...at).copy(),
  },
  {
    name: 'TCP',
    values: fc.record({
      sourcePort: u(16),
      destinationPort: u(16),
      sequence: u(32),
      acknowledgement: u(32),
      flags: u(9),
      window: u(16),
      checksum: u(16),
      urgentPointer: u(16),
      options: words(10),
    }),
    write: writeTcp,
    read: (...at) => new TcpView().wrap(...at).copy(),
  },
  ...[
    { name: 'ICMP', view: () => new IcmpView() },
    { name: 'ICMPv6', view: () => new Icmpv6View() },
  ].map(({ name, view }) => ({
    name,
    values: fc.record({ type: u(8), code: u(8), checksum: u(16), rest: u(32) }),
    write: writeIcmp,
    read: (memory: Memory, offset: number, length: number) => view().wrap(memory, offset, length).copy(),
  })),
  {
    name: 'neighbour advertisement',
    values: fc.record({
      type: fc.constant(136),
      target: bytes(16),
      flags: u(8),
      options: words(4).map((a) => a.subarray(0)),
    }),
    write: writeNeighbour,
    read: (memory, offset, length) => {
      const view = new NeighbourView().wrap(memory, offset, length)
      const flags = memory.u8[offset + 4] as number
      expect([view.isRouter, view.isSolicited, view.isOverride]).toEqual(
        [0x80, 0x40, 0x20].map((bit) => (flags & bit) > 0),
      )
      return { type: view.type, target: view.target?.copy(), flags, options: memory.copy(offset + 24, length - 24) }
    },
  },
  {
    name: 'SCTP',
    values: fc.record({ sourcePort: u(16), destinationPort: u(16), verificationTag: u(32), checksum: u(32) }),
    write: writeSctp,
    read: (...at) => new SctpView().wrap(...at).copy(),
  },
  {
    name: 'GRE',
    values: fc.record({
      etherType: u(16),
      checksum: fc.option(u(16), { nil: undefined }),
      key: fc.option(u(32), { nil: undefined }),
      sequence: fc.option(u(32), { nil: undefined }),
    }),
    write: writeGre,
    read: (...at) => new GreView().wrap(...at).copy(),
  },
]

describe.each(structures)('$name', ({ values, write, read }) => {
  test('what is written is read, at any offset, and nothing beside it is touched', () => {
    fc.assert(
      fc.property(values, fc.nat(5), (value, offset) => {
        const memory = new Memory(1024)
        memory.u8.fill(0xa5)
        const end = write(memory, offset, memory.byteLength, value as never)
        expect(read(memory, offset, end - offset)).toEqual(value)
        expect(memory.u8.subarray(0, offset).every((byte) => byte === 0xa5)).toBe(true)
        expect(memory.u8.subarray(end).every((byte) => byte === 0xa5)).toBe(true)
      }),
    )
  })

  test('a header that does not fit is refused, and nothing is written', () => {
    fc.assert(
      fc.property(values, (value) => {
        const memory = new Memory(1024)
        const end = write(memory, 0, memory.byteLength, value as never)
        for (const limit of [0, end - 1]) {
          memory.u8.fill(0xa5)
          expect(() => write(memory, 0, limit, value as never)).toThrow(expect.objectContaining({ code: 'NO_SPACE' }))
          expect(memory.u8.every((byte) => byte === 0xa5)).toBe(true)
        }
      }),
      { numRuns: 20 },
    )
  })

  test('a header that is cut is refused', () => {
    fc.assert(
      fc.property(values, (value) => {
        const memory = new Memory(1024)
        const end = write(memory, 0, memory.byteLength, value as never)
        const minimum = 'options' in value ? end - (value.options as Uint8Array).length : end
        for (let length = 0; length < minimum; length++) {
          expect(() => read(memory, 0, length)).toThrow(expect.objectContaining({ code: 'SHORT_HEADER' }))
        }
        expect(() => read(memory, -1, end)).toThrow(expect.objectContaining({ code: 'SHORT_HEADER' }))
        expect(() => read(memory, 1020, 40)).toThrow(expect.objectContaining({ code: 'SHORT_HEADER' }))
      }),
      { numRuns: 20 },
    )
  })
})

test.each([
  ['an IPv4 header of version 6', new Ipv4View(), [0x65]],
  ['an IPv4 header of 16 bytes', new Ipv4View(), [0x44]],
  ['an IPv6 header of version 4', new Ipv6View(), [0x45]],
  ['a TCP header of 16 bytes', new TcpView(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40]],
  ['an echo as neighbour discovery', new NeighbourView(), [128]],
] as const)('%s is refused', (_, view, start) => {
  const memory = new Memory(64)
  memory.u8.set(start)
  expect(() => view.wrap(memory, 0, 64)).toThrow(
    expect.objectContaining({ name: 'DecodeError', code: 'PACKET_HEADER' }),
  )
})

test.each([
  ['a port', () => writeUdp(new Memory(64), 0, 64, { sourcePort: 70000, destinationPort: 1, length: 8 }), 'sourcePort'],
  [
    'a fraction',
    () => writeUdp(new Memory(64), 0, 64, { sourcePort: 1.5, destinationPort: 1, length: 8 }),
    'sourcePort',
  ],
  ['a VLAN id', () => writeVlan(new Memory(64), 0, 64, { id: 4096, etherType: 0 }), 'id'],
  [
    'a fragment offset between units',
    () =>
      writeIpv6Fragment(new Memory(64), 0, 64, {
        nextHeader: 17,
        fragmentOffset: 4,
        moreFragments: true,
        identification: 0,
      }),
    'fragmentOffset',
  ],
  [
    'an address of the other version',
    () => writeIpv4(new Memory(64), 0, 64, { totalLength: 20, protocol: 17, source: '::1', destination: '1.2.3.4' }),
    'source must be an IPv4 address',
  ],
])('%s out of range is refused by name', (_, write, message) => {
  expect(write).toThrow(expect.objectContaining({ code: 'VALUE_RANGE', message: expect.stringContaining(message) }))
})
