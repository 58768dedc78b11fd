import { icmpPacket, icmpv6Packet, tcpPacket, udpPacket } from '@ringlink/packet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describePacket } from '../src/describe.ts'
import { echoFlood, type Flood, synFlood, udpFlood } from '../src/flood.ts'
import { verifyChecksums } from '../src/headers.ts'
import { seed } from './support/packets.ts'

const ends = [
  { version: 4, client: { address: '192.0.2.1', port: 40000 }, server: { address: '192.0.2.2', port: 80 } },
  { version: 6, client: { address: '2001:db8::1', port: 40000 }, server: { address: '2001:db8::2', port: 80 } },
] as const

function writtenAnew(packet: Uint8Array): Uint8Array {
  const described = describePacket(packet)
  switch (described.kind) {
    case 'udp':
      return udpPacket(described)
    case 'tcp':
      return tcpPacket(described)
    case 'icmp':
      return icmpPacket(described)
    case 'icmpv6':
      return icmpv6Packet(described)
    default:
      throw new Error(described.reason)
  }
}

describe.each(ends)('over IPv$version', ({ version, client, server }) => {
  const kinds: [string, (seed: number) => Flood][] = [
    ['UDP', (floodSeed) => udpFlood({ client, server, seed: floodSeed, flows: 7 })],
    ['UDP with one byte', (floodSeed) => udpFlood({ client, server, seed: floodSeed, content: 1 })],
    ['SYN', (floodSeed) => synFlood({ client, server, seed: floodSeed, flows: 1000 })],
    ['echo', (floodSeed) => echoFlood({ client: client.address, server: server.address, seed: floodSeed })],
  ]
  const network = version === 4 ? 'valid' : 'none'

  test.each(kinds)('%s: every checksum is right, and the template is never copied', (_, begin) => {
    const flood = begin(11)
    for (let number = 0; number < 70_000; number++) {
      if (flood.step() !== flood.packet) throw new Error('another buffer')
      // All of them around the wrap of 16 bits, a sample of the rest.
      if (number > 300 && number < 65_200 && number % 97 !== 0) continue
      const { network: ofNetwork, transport } = verifyChecksums(flood.packet)
      if (ofNetwork !== network || transport !== 'valid')
        throw new Error(`packet ${number}: ${ofNetwork}, ${transport}`)
    }
    expect(flood.count).toBe(70_000)
  })

  test.each(kinds)('%s: a patched packet is what a fresh one would be, and the same for the same seed', (_, begin) => {
    fc.assert(
      fc.property(seed, (floodSeed) => {
        const [one, other] = [begin(floodSeed), begin(floodSeed)]
        for (let number = 0; number < 20; number++) {
          expect(one.step()).toEqual(other.step())
          expect(one.packet).toEqual(writtenAnew(one.packet))
        }
      }),
      { numRuns: 15 },
    )
  })

  test('a UDP checksum that comes out as 0 is written as 0xffff', () => {
    const flood = udpFlood({ client, server, seed: 2 })
    const at = version === 4 ? 26 : 46
    const seen = new Set<number>()
    for (let number = 0; number < 70_000; number++) {
      const packet = flood.step()
      seen.add(((packet[at] as number) << 8) | (packet[at + 1] as number))
    }
    // The number in the payload takes the checksum through every value but that one.
    expect([seen.size, seen.has(0), seen.has(0xffff)]).toEqual([65_535, false, true])
  })

  test('packets carry their number, their port and their identification', () => {
    const flood = udpFlood({ client, server, seed: 5, flows: 3 })
    let first = 0
    for (let number = 0; number < 66_000; number++) {
      flood.step()
      if (number > 10 && number < 65_530) continue
      const packet = describePacket(flood.packet)
      if (packet.kind !== 'udp') throw new Error(packet.kind)
      const view = new DataView(packet.payload.buffer, packet.payload.byteOffset)
      if (number === 0) first = packet.identification
      expect([view.getUint32(0), packet.sourcePort, packet.identification]).toEqual([
        number,
        40000 + (number % 3),
        version === 4 ? (first + number) & 0xffff : 0,
      ])
    }
  })

  test('a port beyond the last, or no flow at all, is refused', () => {
    for (const flows of [25_537, 0, 1.5]) {
      expect(() => udpFlood({ client, server, seed: 1, flows })).toThrow(
        expect.objectContaining({ code: 'VALUE_RANGE' }),
      )
    }
    const [packet] = udpFlood({ client, server, seed: 1, flows: 25_536 })
    expect((packet?.[0] ?? 0) >> 4).toBe(client.address.includes(':') ? 6 : 4)
  })
})

test('a flood is an endless iterable of one buffer', () => {
  const flood = udpFlood({ client: ends[0].client, server: ends[0].server, seed: 1 })
  const seen = new Set<Uint8Array>()
  for (const packet of flood) {
    seen.add(packet)
    if (flood.count === 1000) break
  }
  expect(seen.size).toBe(1)
})
