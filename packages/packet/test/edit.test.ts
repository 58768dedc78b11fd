import { Memory } from '@ringlink/codec/memory'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ethernetFrame,
  IpProtocol,
  icmpPacket,
  icmpv6Packet,
  ipv4Packet,
  ipv6Packet,
  networkChecksum,
  type PacketChanges,
  PacketEditor,
  PacketView,
  tcpPacket,
  transportChecksum,
  udpPacket,
  writeIpv6Extension,
} from '../src/index.ts'
import { allFrames, embed, loadFrames } from './captures.ts'

const packet = new PacketView()
const editor = new PacketEditor()

function aim(bytes: Uint8Array): PacketView {
  const { memory, offset, length } = embed(bytes)
  return packet.wrapNetwork(memory, offset, length)
}

/** The edited packet, whose checksums must be right, as another view. */
function edit(bytes: Uint8Array, changes: PacketChanges): PacketView {
  const edited = editor.edit(aim(bytes), changes)
  const { memory, offset, length } = embed(edited)
  const view = new PacketView().wrapNetwork(memory, offset, length)
  expect(view.cut).toBeUndefined()
  expect(view.problem).toBeUndefined()
  expect(['valid', 'none']).toContain(networkChecksum(view))
  expect(transportChecksum(view)).toBe('valid')
  return view
}

const text = (view: PacketView) =>
  Buffer.from(view.memory.copy(view.payloadOffset, view.payloadLength)).toString('latin1')

const four = { source: '192.0.2.1', destination: '198.51.100.7' }
const six = { source: '2001:db8::1', destination: '2001:db8::7' }
const ports = { sourcePort: 40000, destinationPort: 53 }

const kinds = [
  ['UDP', udpPacket({ ...four, ...ports, payload: 'before' })],
  ['UDP over IPv6', udpPacket({ ...six, ...ports, payload: 'before' })],
  ['TCP', tcpPacket({ ...four, ...ports, flags: 0x18, options: new Uint8Array(12).fill(1), payload: 'before' })],
  ['TCP over IPv6', tcpPacket({ ...six, ...ports, flags: 0x18, payload: 'before' })],
  ['ICMP', icmpPacket({ ...four, type: 8, identifier: 7, payload: 'before' })],
  ['ICMPv6', icmpv6Packet({ ...six, type: 128, identifier: 7, payload: 'before' })],
] as const

describe.each(kinds)('%s', (_, bytes) => {
  const isIpv6 = (bytes[0] as number) >> 4 === 6
  const addresses = isIpv6 ? ['fd00::77', 'fd00::88'] : ['10.1.2.3', '10.4.5.6']

  test.each(['', 'x', 'after', 'longer than what was there before', 'x'.repeat(60_000)])('payload %#', (payload) => {
    const view = edit(bytes, { payload })
    expect(text(view)).toBe(payload)
    expect(view.source?.toString()).toBe(isIpv6 ? six.source : four.source)
    expect([view.sourcePort, view.destinationPort]).toEqual([packet.sourcePort, packet.destinationPort])
  })

  test('addresses', () => {
    const view = edit(bytes, { source: addresses[0], destination: addresses[1] })
    expect([`${view.source}`, `${view.destination}`, text(view)]).toEqual([...addresses, 'before'])
  })

  test('addresses, ports, hop limit and payload at once', () => {
    const hasPorts = aim(bytes).hasPorts
    const changes = {
      source: addresses[0],
      timeToLive: 3,
      payload: 'after',
      ...(hasPorts ? { sourcePort: 1, destinationPort: 2 } : {}),
    }
    const view = edit(bytes, changes)
    expect([`${view.source}`, view.timeToLive, text(view)]).toEqual([addresses[0], 3, 'after'])
    if (hasPorts) expect([view.sourcePort, view.destinationPort]).toEqual([1, 2])
  })

  test('nothing: the packet as it was', () => {
    expect(editor.edit(aim(bytes), {})).toEqual(bytes)
  })

  test('a payload that exceeds the length fields is refused', () => {
    expect(() => editor.edit(aim(bytes), { payload: new Uint8Array(70_000) })).toThrow(
      expect.objectContaining({ code: 'NO_SPACE' }),
    )
  })
})

test('any edit of any packet of the captures keeps the state of its checksums', () => {
  const frames = allFrames()
  const changes = fc.record(
    {
      sourcePort: fc.integer({ min: 0, max: 0xffff }),
      destinationPort: fc.integer({ min: 0, max: 0xffff }),
      timeToLive: fc.integer({ min: 0, max: 0xff }),
      payload: fc.uint8Array({ maxLength: 100 }),
      source: fc.constantFrom('10.9.8.7', 'fd00::1'),
      destination: fc.constantFrom('10.9.8.6', 'fd00::2'),
    },
    { requiredKeys: [] },
  )
  let edits = 0
  fc.assert(
    fc.property(fc.constantFrom(...frames), changes, (frame, change) => {
      const { memory, offset, length } = embed(frame)
      packet.wrapEthernet(memory, offset, length)
      const before = [networkChecksum(packet), transportChecksum(packet)]
      let edited: Uint8Array
      try {
        edited = editor.edit(packet, change)
      } catch (error) {
        expect(error).toMatchObject({ code: 'VALUE_RANGE' })
        return
      }
      edits++
      const view = editor.packet
      expect(edited.length).toBe(view.length)
      if (change.payload !== undefined)
        expect(view.memory.copy(view.payloadOffset, view.payloadLength)).toEqual(Uint8Array.from(change.payload))
      expect(networkChecksum(view)).toBe(before[0])
      // A new payload gets a new checksum; else what was wrong stays wrong.
      const isMended = change.payload !== undefined && (before[1] === 'invalid' || packet.cut === 'payload')
      expect(transportChecksum(view)).toBe(isMended ? 'valid' : before[1])
      expect([view.protocol, view.networkOffset - view.offset]).toEqual([
        packet.protocol,
        packet.networkOffset - packet.offset,
      ])
    }),
    { numRuns: 2000 },
  )
  expect(edits).toBeGreaterThan(200)
})

test('a wrong checksum stays wrong, a missing one missing', () => {
  const damaged = udpPacket({ ...four, ...ports, payload: 'x' })
  damaged[28] = 0x79
  editor.edit(aim(damaged), { destinationPort: 54, destination: '10.0.0.1' })
  expect(transportChecksum(editor.packet)).toBe('invalid')
  editor.edit(aim(udpPacket({ ...four, ...ports, checksum: false, payload: 'x' })), {
    destinationPort: 54,
    payload: 'longer',
  })
  expect(transportChecksum(editor.packet)).toBe('none')
})

test('a partial checksum is completed, detected or given', () => {
  const bytes = tcpPacket({ ...four, ...ports, flags: 0x18, payload: 'segment' })
  const partial = bytes.slice()
  // The sum of the pseudo header: addresses, protocol, length.
  const words = [0xc000, 0x0201, 0xc633, 0x6407, 6, 27]
  let sum = words.reduce((total, word) => total + word, 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16)
  partial.set([sum >> 8, sum & 0xff], 36)
  expect(transportChecksum(aim(partial))).toBe('partial')
  expect(editor.edit(aim(partial), {})).toEqual(bytes)
  expect(editor.edit(aim(partial), {}, { isChecksumPartial: true })).toEqual(bytes)
  editor.edit(aim(partial), { destination: '10.0.0.1' })
  expect(transportChecksum(editor.packet)).toBe('valid')
})

test('an Ethernet header and VLAN tags stay, padding goes', () => {
  const frame = ethernetFrame({
    source: '02:00:00:00:00:01',
    destination: '02:00:00:00:00:02',
    vlans: [{ id: 5 }, { id: 6, priority: 2 }],
    payload: udpPacket({ ...four, ...ports, payload: 'a' }),
  })
  const padded = new Uint8Array(frame.length + 20)
  padded.set(frame)
  const { memory, offset, length } = embed(padded)
  const edited = editor.edit(packet.wrapEthernet(memory, offset, length), { payload: 'abc' })
  expect(edited.length).toBe(frame.length + 2)
  expect(edited.subarray(0, 22)).toEqual(frame.subarray(0, 22))
  expect([editor.packet.vlanId, editor.packet.vlanCount, transportChecksum(editor.packet)]).toEqual([5, 2, 'valid'])
})

const udp = udpPacket({ ...four, ...ports, payload: 'payload' })
const fragment = { ...four, protocol: IpProtocol.Udp, payload: udp.subarray(20) }
const [whole] = loadFrames('ipv6') as [Uint8Array]

function authenticated(): Uint8Array {
  const memory = new Memory(64)
  const length = writeIpv6Extension(memory, 0, 64, {
    type: IpProtocol.Authentication,
    nextHeader: 17,
    contents: new Uint8Array(22),
  })
  const payload = Buffer.concat([memory.copy(0, length), udpPacket({ ...six, ...ports }).subarray(40)])
  return ipv6Packet({ ...six, nextHeader: IpProtocol.Authentication, payload })
}

test.each<[string, Uint8Array, PacketChanges, string]>([
  ['a port of a later fragment', ipv4Packet({ ...fragment, fragmentOffset: 8 }), { sourcePort: 1 }, 'it has no ports'],
  ['a payload of a first fragment', ipv4Packet({ ...fragment, moreFragments: true }), { payload: '' }, 'fragment'],
  ['an address of the other version', udp, { source: '::1' }, 'source must be an IPv4 address, got ::1'],
  ['a port out of range', udp, { sourcePort: 65536 }, 'sourcePort must be an integer from 0 to 65535, got 65536'],
  ['a port of a tunnel', ipv4Packet({ ...four, protocol: 4, payload: udp }), { sourcePort: 1 }, 'it has no ports'],
  [
    'a cut packet',
    udp.subarray(0, 30),
    { sourcePort: 1 },
    'it was truncated in its payload (a larger copyRange gets the whole packet)',
  ],
  ['a cut header', udp.subarray(0, 24), { payload: 'x' }, 'it was truncated in its transport'],
  [
    'a damaged packet',
    Uint8Array.from(udp, (byte, at) => (at === 0 ? 0x44 : byte)),
    { timeToLive: 1 },
    'only IPv4 and IPv6',
  ],
  ['what is not IP', whole.subarray(0, 10), { timeToLive: 1 }, 'only IPv4 and IPv6 packets can be edited'],
  ['an authenticated packet', authenticated(), { timeToLive: 1 }, 'an authentication header protects it'],
])('%s is refused', (_, bytes, changes, message) => {
  expect(() => editor.edit(aim(bytes), changes)).toThrow(
    expect.objectContaining({ code: 'VALUE_RANGE', message: expect.stringContaining(message) }),
  )
})

test('an unknown key is refused by name, as is what is not an object', () => {
  // As plain JavaScript gives them.
  const changes: unknown[] = [{ dport: 53 }, 'payload', null, undefined]
  for (const change of changes) {
    expect(() => editor.edit(aim(udp), change as PacketChanges)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
  }
  expect(() => editor.edit(aim(udp), { dport: 53 } as PacketChanges)).toThrow(
    "unknown key 'dport' (string), expected one of source",
  )
})

test('the payload of a truncated packet can be replaced, because it is not needed', () => {
  const view = edit(udp.subarray(0, 30), { payload: 'whole' })
  expect(text(view)).toBe('whole')
})

test('the first fragment follows a change of its ports and addresses, as the checksum of the whole packet', () => {
  const long = udpPacket({ ...four, ...ports, payload: 'x'.repeat(40) })
  const first = ipv4Packet({ ...four, protocol: 17, moreFragments: true, payload: long.subarray(20, 36) })
  const later = ipv4Packet({ ...four, protocol: 17, fragmentOffset: 16, payload: long.subarray(36) })
  const changes = { source: '10.0.0.1' }
  const one = editor.edit(aim(first), { ...changes, destinationPort: 99 }).slice()
  const two = editor.edit(aim(later), changes).slice()
  const joined = ipv4Packet({
    ...four,
    ...changes,
    protocol: 17,
    payload: Buffer.concat([one.subarray(20), two.subarray(20)]),
  })
  expect(transportChecksum(aim(joined))).toBe('valid')
  expect(packet.destinationPort).toBe(99)
})
