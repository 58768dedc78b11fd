import { Memory } from '@ringlink/codec/memory'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  completeChecksums,
  crc32c,
  IpProtocol,
  internetChecksum,
  ipv4Packet,
  ipv6Packet,
  networkChecksum,
  PacketView,
  SCTP_HEADER_LENGTH,
  SctpChunkType,
  sumBytes,
  tcpPacket,
  transportChecksum,
  udpPacket,
  updateChecksum,
  updateChecksumBySums,
  withChecksums,
  writeChecksums,
  writeSctp,
} from '../src/index.ts'
import { embed, loadFrames } from './captures.ts'

/** As RFC 1071 says it, word by word. */
function naiveChecksum(bytes: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
    if (sum > 0xffff) sum -= 0xffff
  }
  return ~sum & 0xffff
}

const packet = new PacketView()

function aim(bytes: Uint8Array): { memory: Memory; offset: number } {
  const { memory, offset, length } = embed(bytes, 6)
  packet.wrapNetwork(memory, offset, length)
  return { memory, offset }
}

test('the example of RFC 1071 section 3', () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7)
  expect(internetChecksum(Memory.from(bytes), 0, bytes.length)).toBe(~0xddf2 & 0xffff)
})

test('as computed naively, for any bytes at any offset', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(9), (bytes, at) => {
      const { memory, offset, length } = embed(bytes, at)
      expect(internetChecksum(memory, offset, length)).toBe(naiveChecksum(bytes))
    }),
  )
  for (const offset of [0, 1])
    expect(internetChecksum(Memory.from(new Uint8Array(300_001).fill(0xff)), offset, 300_000)).toBe(0)
})

test('an update equals computing it again', () => {
  const value = fc.integer({ min: 0, max: 0xffff })
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 40 }), fc.nat(), value, (before, choice, word) => {
      const at = (choice % Math.floor(before.length / 2)) * 2
      const after = before.slice()
      after.set([word >> 8, word & 0xff], at)
      // Only a region of zeros has the sum +0, which no header is.
      fc.pre(before.some((byte) => byte !== 0) && after.some((byte) => byte !== 0))
      const old = ((before[at] as number) << 8) | (before[at + 1] as number)
      expect(updateChecksum(naiveChecksum(before), old, word)).toBe(naiveChecksum(after))
      const sums = [before, after].map((bytes) => sumBytes(Memory.from(bytes), at, 2)) as [number, number]
      expect(updateChecksumBySums(naiveChecksum(before), ...sums)).toBe(naiveChecksum(after))
    }),
  )
})

test('the check value of CRC32c', () => {
  const bytes = new TextEncoder().encode('123456789')
  expect(crc32c(Memory.from(bytes), 0, bytes.length)).toBe(0xe3069283)
})

const ends = { source: '192.0.2.1', destination: '198.51.100.7', sourcePort: 5000, destinationPort: 6000 }
const ends6 = { ...ends, source: '2001:db8::1', destination: '2001:db8::2' }

test.each([
  ['UDP', udpPacket({ ...ends, payload: 'odd' })],
  ['UDP over IPv6', udpPacket({ ...ends6, payload: 'even' })],
  ['TCP', tcpPacket({ ...ends, flags: 0x18, payload: 'x'.repeat(99) })],
  ['TCP over IPv6', tcpPacket({ ...ends6, flags: 2 })],
])('any flipped bit of %s is detected', (_, bytes) => {
  aim(bytes)
  const right = [bytes[0] === 0x45 ? 'valid' : 'none', 'valid']
  expect([networkChecksum(packet), transportChecksum(packet)]).toEqual(right)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const broken = bytes.slice()
    broken[bit >> 3] = (broken[bit >> 3] as number) ^ (1 << (bit & 7))
    aim(broken)
    const isIpv6 = (bytes[0] as number) >> 4 === 6
    // No checksum covers traffic class, flow label and hop limit of IPv6.
    if (isIpv6 && (bit < 32 ? bit < 4 || bit >= 8 : bit >= 56 && bit < 64)) continue
    expect([bit, networkChecksum(packet), transportChecksum(packet)]).not.toEqual([bit, ...right])
  }
})

test('a partial checksum is recognised, and completed', () => {
  for (const whole of [
    udpPacket({ ...ends, payload: 'partial' }),
    tcpPacket({ ...ends6, flags: 0x18, payload: 'partial' }),
  ]) {
    const { memory } = aim(whole)
    const at = packet.transportOffset + (packet.protocol === IpProtocol.Tcp ? 16 : 6)
    const right = memory.copy(packet.offset, packet.length)
    // The pseudo header's sum, as the kernel leaves it.
    const covered = memory.copy(packet.transportOffset, packet.end - packet.transportOffset)
    covered.set([0, 0], at - packet.transportOffset)
    const pseudo = new Uint8Array(40)
    const size = packet.version === 4 ? 4 : 16
    pseudo.set(packet.source?.copy() ?? [], 0)
    pseudo.set(packet.destination?.copy() ?? [], size)
    pseudo.set([covered.length >> 8, covered.length & 0xff, 0, packet.protocol ?? 0], 2 * size)
    const partial = ~naiveChecksum(pseudo) & 0xffff
    memory.u8.set([partial >> 8, partial & 0xff], at)
    expect(transportChecksum(packet)).toBe('partial')
    expect(completeChecksums(packet)).toBe(true)
    expect(transportChecksum(packet)).toBe('valid')
    expect(memory.copy(packet.offset, packet.length)).toEqual(right)
  }
})

/** A packet of SCTP with one chunk of data. */
function sctpPacket(payload: Uint8Array): Uint8Array {
  const memory = new Memory(SCTP_HEADER_LENGTH + 4)
  writeSctp(memory, 0, memory.byteLength, { sourcePort: 5353, destinationPort: 53, verificationTag: 7 })
  const chunk = Uint8Array.of(SctpChunkType.Data, 3, 0, 4 + payload.length, ...payload)
  const bytes = [...memory.u8.subarray(0, SCTP_HEADER_LENGTH), ...chunk]
  return withChecksums(ipv4Packet({ ...ends, protocol: IpProtocol.Sctp, payload: Uint8Array.from(bytes) }))
}

const tunnels: Record<string, (inside: Uint8Array) => Uint8Array> = {
  'no tunnel': (inside) => inside,
  IPIP: (inside) => ipv4Packet({ ...ends, protocol: IpProtocol.Ipv4, payload: inside }),
  'IPIP in IPv6': (inside) => ipv6Packet({ ...ends6, nextHeader: IpProtocol.Ipv4, payload: inside }),
  GRE: (inside) =>
    ipv4Packet({ ...ends, protocol: IpProtocol.Gre, payload: Uint8Array.of(0, 0, 0x08, 0x00, ...inside) }),
  'GRE with its own checksum': (inside) => {
    const payload = Uint8Array.of(0x80, 0, 0x08, 0x00, 0, 0, 0, 0, ...inside)
    return withChecksums(ipv4Packet({ ...ends, protocol: IpProtocol.Gre, payload }))
  },
}
const transports: Record<string, (payload: Uint8Array) => Uint8Array> = {
  UDP: (payload) => udpPacket({ ...ends, payload }),
  TCP: (payload) => tcpPacket({ ...ends, flags: 0x18, payload }),
  SCTP: sctpPacket,
}

test.each(Object.keys(tunnels).flatMap((tunnel) => Object.keys(transports).map((it) => [it, tunnel])))(
  'a partial checksum of %s is completed, in %s',
  (transport = '', tunnel = '') => {
    const property = fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (payload) => {
      const whole = transports[transport]?.(payload) ?? payload
      // As the kernel leaves it: the sum of the pseudo header, in SCTP 0. A tunnel's own checksum is right in advance.
      const at = 20 + ({ UDP: 6, TCP: 16 }[transport] ?? 8)
      const partial = whole.slice()
      if (transport === 'SCTP') partial.fill(0, at, at + 4)
      else partial.set(pseudoSum(whole), at)
      const right = tunnels[tunnel]?.(whole) ?? whole
      const bytes = right.slice()
      bytes.set(partial, right.length - partial.length)
      const { memory, offset } = aim(bytes)
      expect(completeChecksums(packet)).toBe(true)
      expect(memory.copy(offset, right.length)).toEqual(right)
    })
    fc.assert(property, { numRuns: 30 })
  },
)

test('a partial checksum of GRE is completed, and the packet inside is left as it is', () => {
  // The packet inside has a wrong checksum.
  const inside = udpPacket({ ...ends, payload: 'inside' })
  inside[26] = (inside[26] ?? 0) ^ 1
  const right = tunnels['GRE with its own checksum']?.(inside) ?? inside
  const bytes = right.slice()
  bytes.fill(0, 24, 26)
  const { memory, offset } = aim(bytes)
  expect(completeChecksums(packet)).toBe(true)
  expect(memory.copy(offset, right.length)).toEqual(right)
})

/** The sum of the pseudo header of an IPv4 packet without options. */
function pseudoSum(bytes: Uint8Array): Uint8Array {
  const pseudo = [...bytes.subarray(12, 20), 0, bytes[9] ?? 0, (bytes.length - 20) >> 8, (bytes.length - 20) & 0xff]
  const sum = ~naiveChecksum(Uint8Array.from(pseudo)) & 0xffff
  return Uint8Array.of(sum >> 8, sum & 0xff)
}

test('UDP without a checksum stays without one when completed, and gets one when written', () => {
  aim(udpPacket({ ...ends, payload: 'none', checksum: false }))
  expect(transportChecksum(packet)).toBe('none')
  completeChecksums(packet)
  expect(transportChecksum(packet)).toBe('none')
  writeChecksums(packet)
  expect(transportChecksum(packet)).toBe('valid')
  aim(udpPacket({ ...ends6, payload: 'none', checksum: false }))
  expect(transportChecksum(packet)).toBe('invalid')
})

test('a UDP checksum that comes out as 0 is written as 0xffff', () => {
  for (let word = 0; word < 0x10000; word++) {
    const bytes = udpPacket({ ...ends, payload: Uint8Array.of(word >> 8, word & 0xff) })
    if (bytes[26] !== 0xff || bytes[27] !== 0xff) continue
    aim(bytes)
    expect(transportChecksum(packet)).toBe('valid')
    return
  }
  expect.unreachable('one of all words makes the sum 0')
})

test('an undeterminable checksum is unknown, and nothing is written', () => {
  const fragment = ipv4Packet({ ...ends, protocol: IpProtocol.Udp, moreFragments: true, payload: new Uint8Array(16) })
  const cut = udpPacket({ ...ends, payload: 'x'.repeat(50) }).subarray(0, 40)
  const other = ipv4Packet({ ...ends, protocol: 253, payload: 'x' })
  for (const bytes of [fragment, cut, other, new Uint8Array(0), new Uint8Array(40), new Uint8Array(40).fill(0x60)]) {
    const { memory } = aim(bytes)
    const before = memory.u8.slice()
    expect(transportChecksum(packet)).toBe('unknown')
    writeChecksums(packet)
    if (packet.version === 4) continue
    expect(memory.u8).toEqual(before)
  }
})

test('Wireshark agrees with our checksums when they are written again', () => {
  for (const name of ['ipv4', 'ipv6', 'tunnels'] as const) {
    for (const frame of loadFrames(name)) {
      const { memory, offset, length } = embed(frame)
      packet.wrapEthernet(memory, offset, length)
      const before = [networkChecksum(packet), transportChecksum(packet)]
      const isRight = before.every((state) => state === 'valid' || state === 'none')
      if (!isRight) continue
      const hadNone = before[1] === 'none'
      if (!hadNone) writeChecksums(packet)
      expect(memory.copy(offset, length)).toEqual(Uint8Array.from(frame))
    }
  }
})
