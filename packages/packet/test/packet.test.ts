import { Memory } from '@ringlink/codec/memory'
import { describe, expect, test } from 'vitest'
import {
  EtherType,
  ethernetFrame,
  IpProtocol,
  icmpPacket,
  ipv4Packet,
  ipv6Packet,
  MAXIMUM_EXTENSION_HEADERS,
  PacketView,
  tcpPacket,
  udpPacket,
  VlanView,
} from '../src/index.ts'
import { embed, loadFrames } from './captures.ts'

const packet = new PacketView()
const four = { source: '192.0.2.1', destination: '198.51.100.7' }
const six = { source: '2001:db8::1', destination: '2001:db8::7' }
const ports = { sourcePort: 40000, destinationPort: 53 }

function aim(bytes: Uint8Array, etherType?: number): PacketView {
  const { memory, offset, length } = embed(bytes)
  return packet.wrap(memory, offset, length, { from: 'network', protocol: etherType })
}

test('the positions of all parts of a UDP packet', () => {
  aim(udpPacket({ ...four, ...ports, payload: 'hello' }))
  const { offset } = packet
  expect(packet).toMatchObject({
    linkOffset: -1,
    vlanCount: 0,
    etherType: EtherType.Ipv4,
    networkOffset: offset,
    version: 4,
    networkLength: 33,
    protocol: IpProtocol.Udp,
    transportOffset: offset + 20,
    transportHeaderLength: 8,
    payloadOffset: offset + 28,
    payloadEnd: offset + 33,
    payloadLength: 5,
    sourcePort: 40000,
    destinationPort: 53,
    isFragment: false,
    cut: undefined,
    problem: undefined,
  })
  expect([`${packet.source}`, `${packet.destination}`]).toEqual(['192.0.2.1', '198.51.100.7'])
  expect(new TextDecoder().decode(packet.payload())).toBe('hello')
})

test('owned values are what JSON needs', () => {
  aim(tcpPacket({ ...six, ...ports, flags: 2 }))
  expect(JSON.parse(JSON.stringify(packet))).toEqual({
    network: 'IPv6',
    ...six,
    protocol: 'TCP',
    ...ports,
    length: 60,
    payloadLength: 0,
  })
})

test.each([
  ['without an EtherType, the version tells', undefined],
  ['an EtherType of 0 is ignored', 0],
  ['IPv6', EtherType.Ipv6],
])('%s', (_, etherType) => {
  expect(aim(udpPacket({ ...six, ...ports }), etherType).etherType).toBe(EtherType.Ipv6)
  expect(packet.sourcePort).toBe(40000)
})

test('a version that is not what the EtherType says is a problem, and nothing is read', () => {
  aim(udpPacket({ ...six, ...ports }), EtherType.Ipv4)
  expect(packet).toMatchObject({ problem: 'version', version: 0, protocol: undefined, sourcePort: undefined })
  expect(packet.source).toBeUndefined()
})

test('VLAN tags in the bytes and apart', () => {
  const frame = ethernetFrame({
    source: '02:00:00:00:00:01',
    destination: '02:00:00:00:00:02',
    vlans: [
      { id: 100, kind: EtherType.ProviderVlan },
      { id: 200, priority: 3 },
    ],
    payload: udpPacket({ ...four, ...ports }),
  })
  const { memory, offset, length } = embed(frame)
  packet.wrap(memory, offset, length, { from: 'ethernet' })
  expect(packet).toMatchObject({
    vlanCount: 2,
    vlanId: 100,
    vlanOffset: offset + 14,
    networkOffset: offset + 22,
    destinationPort: 53,
  })
  const vlan = new VlanView()
  expect([vlan.find(packet, 1), vlan.id, vlan.priority, vlan.find(packet, 2)]).toEqual([true, 200, 3, false])
  // As a bridge passes it up: after the Ethernet header, at the first tag.
  packet.wrap(memory, offset + 14, length - 14, { from: 'network', protocol: EtherType.ProviderVlan })
  expect(packet).toMatchObject({ vlanCount: 2, vlanId: 100, destinationPort: 53, linkOffset: -1 })
  packet.wrap(memory, offset + 22, length - 22, { from: 'network', protocol: EtherType.Ipv4, vlanTag: 0x2007 })
  expect(packet).toMatchObject({ vlanCount: 0, vlanId: 7, destinationPort: 53 })
})

describe('fragments', () => {
  test('the first has ports, a later one has none', () => {
    const datagram = udpPacket({ ...four, ...ports, payload: 'x'.repeat(64) }).subarray(20)
    aim(
      ipv4Packet({ ...four, protocol: 17, moreFragments: true, identification: 9, payload: datagram.subarray(0, 32) }),
    )
    expect(packet).toMatchObject({
      isFragment: true,
      fragmentOffset: 0,
      sourcePort: 40000,
      identification: 9,
      problem: undefined,
    })
    aim(ipv4Packet({ ...four, protocol: 17, fragmentOffset: 32, identification: 9, payload: datagram.subarray(32) }))
    expect(packet).toMatchObject({
      isFragment: true,
      fragmentOffset: 32,
      protocol: IpProtocol.Udp,
      transportOffset: -1,
      sourcePort: undefined,
      payloadLength: datagram.length - 32,
    })
  })

  test('of IPv6: as Wireshark sees them', () => {
    const frames = loadFrames('ipv6').slice(7, 10)
    const seen = frames.map((frame) => {
      const { memory, offset, length } = embed(frame)
      packet.wrapEthernet(memory, offset, length)
      return [packet.fragmentOffset, packet.moreFragments, packet.identification, packet.sourcePort, packet.protocol]
    })
    expect(seen).toEqual([
      [0, true, 0xdeadbeef, 12345, 17],
      [552, true, 0xdeadbeef, undefined, 17],
      [1104, false, 0xdeadbeef, undefined, 17],
    ])
  })

  test('a later fragment of a packet that continues with extension headers has no known protocol', () => {
    const header = Uint8Array.of(IpProtocol.DestinationOptions, 0, 0, 8, 0, 0, 0, 1, 17, 0, 0, 0, 0, 0, 0, 0)
    aim(ipv6Packet({ ...six, nextHeader: IpProtocol.Fragment, payload: header }))
    expect(packet).toMatchObject({ fragmentOffset: 8, protocol: undefined, transportOffset: -1, payloadLength: 8 })
  })
})

describe('every length to which a packet can be cut', () => {
  const packets = [...loadFrames('ipv4'), ...loadFrames('ipv6'), ...loadFrames('link'), ...loadFrames('tunnels')]
  test.each(packets.map((frame, index) => [index, frame] as const))('packet %i', (_, frame) => {
    const view = new PacketView()
    const { memory, offset, length } = embed(frame)
    const whole = packet.wrapEthernet(memory, offset, length)
    for (let cut = 0; cut < whole.end - offset; cut++) {
      view.wrapEthernet(memory, offset, cut)
      // The values of the part equal those of the whole; missing parts have none.
      for (const key of ['etherType', 'protocol', 'sourcePort', 'destinationPort'] as const) {
        if (view[key] !== undefined) expect([cut, key, view[key]]).toEqual([cut, key, whole[key]])
      }
      for (const key of ['networkOffset', 'transportOffset'] as const) {
        if (view[key] >= 0) expect([cut, view[key]]).toEqual([cut, whole[key]])
      }
      if (view.source !== undefined) expect(`${view.source}`).toBe(`${whole.source}`)
      expect(view.problem).toBeUndefined()
      if (whole.version !== 0) expect([cut, view.cut]).not.toEqual([cut, undefined])
      expect(view.end).toBeLessThanOrEqual(offset + cut)
      expect(view.payloadOffset).toBeLessThanOrEqual(view.end)
    }
  })
})

test('too many extension headers are a problem', () => {
  const header = Uint8Array.of(IpProtocol.DestinationOptions, 0, 1, 4, 0, 0, 0, 0)
  const chain = (count: number) => {
    const payload = new Uint8Array(count * 8)
    for (let index = 0; index < count; index++) payload.set(header, index * 8)
    payload[(count - 1) * 8] = IpProtocol.NoNext
    return ipv6Packet({ ...six, nextHeader: IpProtocol.DestinationOptions, payload })
  }
  expect(aim(chain(MAXIMUM_EXTENSION_HEADERS))).toMatchObject({ protocol: IpProtocol.NoNext, problem: undefined })
  expect(aim(chain(MAXIMUM_EXTENSION_HEADERS + 1))).toMatchObject({ protocol: undefined, problem: 'extension-count' })
})

test('segmentation offload leaves a total length of 0', () => {
  const bytes = tcpPacket({ ...four, ...ports, flags: 0x10, payload: 'x'.repeat(100) })
  bytes.set([0, 0], 2)
  expect(aim(bytes)).toMatchObject({ networkLength: 140, payloadLength: 100, cut: undefined, problem: undefined })
})

test('padding of a short frame is not part of the packet', () => {
  const bytes = Buffer.concat([udpPacket({ ...four, ...ports, payload: 'ab' }), Buffer.alloc(16, 0xee)])
  expect(aim(bytes)).toMatchObject({ payloadLength: 2, cut: undefined, missing: 0, length: 46 })
})

test('bytes beyond the copy range are counted', () => {
  const bytes = udpPacket({ ...four, ...ports, payload: 'x'.repeat(100) })
  expect(aim(bytes.subarray(0, 64))).toMatchObject({
    cut: 'payload',
    missing: 64,
    payloadLength: 36,
    sourcePort: 40000,
  })
  // Ports lie in the first 4 bytes: an ICMP error quotes 8.
  expect(aim(bytes.subarray(0, 24))).toMatchObject({ cut: 'transport', sourcePort: 40000, payloadLength: 0 })
})

test('nested tunnels are opened', () => {
  const inner = udpPacket({ ...six, ...ports, payload: 'inside' })
  const middle = ipv4Packet({ source: '10.0.0.1', destination: '10.0.0.2', protocol: IpProtocol.Ipv6, payload: inner })
  aim(ipv4Packet({ ...four, protocol: IpProtocol.Ipv4, payload: middle }))
  expect(packet).toMatchObject({ protocol: IpProtocol.Ipv4, sourcePort: undefined })
  expect(packet.inner()).toMatchObject({ protocol: IpProtocol.Ipv6 })
  expect(packet.innermost()).toMatchObject({
    version: 6,
    protocol: IpProtocol.Udp,
    sourcePort: 40000,
    payloadLength: 6,
  })
  expect(packet.innermost()).toBe(packet.innermost())
  expect(aim(inner).innermost()).toBe(packet)
  expect(packet.inner()).toBeUndefined()
})

test('the packet that an ICMP error quotes', () => {
  const quoted = udpPacket({ ...four, ...ports, payload: 'x'.repeat(50) }).subarray(0, 28)
  aim(icmpPacket({ source: '10.0.0.1', destination: '192.0.2.1', type: 3, code: 3, payload: quoted }))
  expect(packet.quoted()).toMatchObject({ protocol: IpProtocol.Udp, destinationPort: 53, cut: 'payload' })
  aim(icmpPacket({ ...four, type: 8, payload: quoted }))
  expect(packet.quoted()).toBeUndefined()
})

test('a region outside the memory is refused', () => {
  const memory = new Memory(64)
  for (const [offset, length] of [
    [0, 65],
    [-1, 10],
    [60, 8],
    [0, -1],
    [Number.NaN, 1],
  ] as const) {
    expect(() => packet.wrapNetwork(memory, offset, length)).toThrow(expect.objectContaining({ code: 'SHORT_HEADER' }))
  }
})

test('a view that was released reads nothing', () => {
  aim(ipv4Packet({ ...four, protocol: 4, payload: udpPacket({ ...four, ...ports }) }))
  const inner = packet.inner() as PacketView
  packet.release()
  expect(() => packet.timeToLive).toThrow(expect.objectContaining({ code: 'RELEASED' }))
  expect(() => packet.source?.toString()).toThrow(expect.objectContaining({ code: 'RELEASED' }))
  expect(() => inner.sourcePort).toThrow(expect.objectContaining({ code: 'RELEASED' }))
})

test.each([
  ['covers everything', 0, undefined],
  ['covers the header', 8, undefined],
  ['covers the datagram', 12, undefined],
  ['covers part of the header', 7, 'transport-length'],
  ['covers more than there is', 13, 'transport-length'],
] as const)('a UDP-Lite checksum that %s', (_, coverage, problem) => {
  const payload = Uint8Array.of(0x30, 0x39, 0xd4, 0x31, 0, coverage, 0, 0, 1, 2, 3, 4)
  aim(ipv4Packet({ ...four, protocol: IpProtocol.UdpLite, payload }))
  expect(packet).toMatchObject({ problem, sourcePort: 12345 })
})
