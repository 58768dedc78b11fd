import { internetChecksum, updateChecksum, verifyChecksums } from '@ringlink/transport-sim/internet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { icmpPacket, icmpv6Packet, ipv4Packet, ipv6Packet, tcpPacket, udpPacket } from '../src/packet.ts'
import { golden, goldenPackets } from './support/golden.ts'
import { naiveChecksum } from './support/packets.ts'

const CHECKSUM_NOT_READY = 1

test('the example of RFC 1071 section 3', () => {
  expect(internetChecksum(Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7))).toBe(~0xddf2 & 0xffff)
})

test('as computed naively, for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(internetChecksum(bytes)).toBe(naiveChecksum(bytes))
    }),
  )
  expect(internetChecksum(new Uint8Array(300_000).fill(0xff))).toBe(0)
})

test('an update equals computing it anew', () => {
  const bytes = fc.uint8Array({ minLength: 4, maxLength: 40 })
  fc.assert(
    fc.property(bytes, fc.nat(), fc.integer({ min: 0, max: 0xffff }), (before, choice, value) => {
      const at = (choice % Math.floor(before.length / 2)) * 2
      // Only a region of zeros has the sum +0, which no header is.
      fc.pre(before.some((byte) => byte !== 0))
      const after = before.slice()
      after.set([value >> 8, value & 0xff], at)
      fc.pre(after.some((byte) => byte !== 0))
      const old = ((before[at] as number) << 8) | (before[at + 1] as number)
      expect(updateChecksum(internetChecksum(before), old, value)).toBe(internetChecksum(after))
    }),
  )
})

describe('golden packets of a kernel', () => {
  const packets = goldenPackets()
  test('are there', () => expect(packets.length).toBeGreaterThan(20))

  test.each(packets)('$name', ({ name, packet, information }) => {
    const { network, transport } = verifyChecksums(packet)
    if (packet.length === 0) expect({ network, transport }).toEqual({ network: 'unknown', transport: 'unknown' })
    else expect(network).toBe((packet[0] as number) >> 4 === 4 ? 'valid' : 'none')
    if ((information & CHECKSUM_NOT_READY) !== 0) expect(['invalid', 'unknown']).toContain(transport)
    else if (name.includes('truncated') || packet.length === 0) expect(transport).toBe('unknown')
    else expect(transport).toBe('valid')
  })

  test.each(['packet-udp-odd', 'packet-udp-ipv6', 'packet-icmp', 'packet-icmp-ipv6', 'packet-tcp-syn'])(
    'any flipped bit of %s is noticed',
    (name) => {
      const packet = golden(name)
      const version = (packet[0] as number) >> 4
      for (let bit = 0; bit < packet.length * 8; bit++) {
        const broken = packet.slice()
        broken[bit >> 3] = (broken[bit >> 3] as number) ^ (1 << (bit & 7))
        const { network, transport } = verifyChecksums(broken)
        // Traffic class, flow label, hop limit of IPv6 are under no checksum.
        const uncovered =
          version === 6 && ((bit >> 3 < 4 && bit % 8 < 4) || (bit >> 3 > 0 && bit >> 3 < 4) || bit >> 3 === 7)
        if (!uncovered)
          expect([bit, network === 'valid' || network === 'none', transport]).not.toEqual([bit, true, 'valid'])
      }
    },
  )
})

const ipv4 = { source: '192.0.2.1', destination: '192.0.2.2' }
const ipv6 = { source: '2001:db8::1', destination: '2001:db8::2' }
const ports = { sourcePort: 1, destinationPort: 2 }

test('UDP without a checksum is allowed over IPv4 only', () => {
  expect(verifyChecksums(udpPacket({ ...ipv4, ...ports, checksum: false })).transport).toBe('none')
  expect(verifyChecksums(udpPacket({ ...ipv6, ...ports, checksum: false })).transport).toBe('invalid')
})

test('a UDP checksum that comes out as 0 is written as 0xffff', () => {
  const empty = udpPacket({ ...ipv4, ...ports, payload: new Uint8Array(2) })
  const missing = ((empty[26] as number) << 8) | (empty[27] as number)
  // The word of payload that brings the sum to 0xffff is the checksum without it.
  const packet = udpPacket({ ...ipv4, ...ports, payload: Uint8Array.of(missing >> 8, missing & 0xff) })
  expect([...packet.subarray(26, 28)]).toEqual([0xff, 0xff])
  expect(verifyChecksums(packet).transport).toBe('valid')
})

test('padding behind the packet does not count', () => {
  const packet = udpPacket({ ...ipv4, ...ports, payload: 'abc' })
  const padded = new Uint8Array(60).fill(0xaa)
  padded.set(packet)
  expect(verifyChecksums(padded)).toEqual({ network: 'valid', transport: 'valid' })
})

test('fragments, cut packets, routed packets and other protocols are unknown', () => {
  const whole = tcpPacket({ ...ipv4, ...ports, flags: 2, payload: 'data' })
  const fragment = ipv4Packet({ ...ipv4, protocol: 6, payload: whole.subarray(20), moreFragments: true })
  expect(verifyChecksums(fragment)).toEqual({ network: 'valid', transport: 'unknown' })
  expect(verifyChecksums(whole.subarray(0, 42))).toEqual({ network: 'valid', transport: 'unknown' })
  expect(verifyChecksums(ipv4Packet({ ...ipv4, protocol: 132 })).transport).toBe('unknown')
  expect(verifyChecksums(ipv4Packet({ ...ipv4, protocol: 6 })).transport).toBe('unknown')
  const udp = udpPacket({ ...ipv6, ...ports, payload: 'data' }).subarray(40)
  const routing = (left: number) => Uint8Array.of(17, 0, 4, left, 0, 0, 0, 0, ...udp)
  expect(verifyChecksums(ipv6Packet({ ...ipv6, nextHeader: 43, payload: routing(1) })).transport).toBe('unknown')
  expect(verifyChecksums(ipv6Packet({ ...ipv6, nextHeader: 43, payload: routing(0) })).transport).toBe('valid')
})

test('IPv4 options and IPv6 extension headers are stepped over', () => {
  const icmp = icmpPacket({ ...ipv4, type: 8, payload: 'ping' })
  const withOptions = Uint8Array.of(...icmp.subarray(0, 20), 1, 1, 1, 0, ...icmp.subarray(20))
  withOptions.set([0x46, 0, 0, withOptions.length], 0)
  withOptions.set([0, 0], 10)
  const checksum = naiveChecksum(withOptions.subarray(0, 24))
  withOptions.set([checksum >> 8, checksum & 0xff], 10)
  expect(verifyChecksums(withOptions)).toEqual({ network: 'valid', transport: 'valid' })

  const body = icmpv6Packet({ ...ipv6, type: 128, payload: 'ping' }).subarray(40)
  const chain = Uint8Array.of(60, 0, 0, 0, 0, 0, 0, 0, 58, 1, ...new Uint8Array(14), ...body)
  expect(verifyChecksums(ipv6Packet({ ...ipv6, nextHeader: 0, payload: chain })).transport).toBe('valid')
})
