import {
  formatAddress,
  icmpPacket,
  icmpv6Packet,
  ipv4Packet,
  ipv6Packet,
  TcpFlag,
  tcpPacket,
  udpPacket,
} from '@ringlink/packet'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describePacket, formatPacket } from '../src/describe.ts'
import { golden, parseHex } from './support/golden.ts'
import { byte, endsArbitrary, half, payload, word } from './support/packets.ts'

const loopback = { source: '127.0.0.1', destination: '127.0.0.1' }
const loopback6 = { source: '::1', destination: '::1' }

describe('written as a kernel wrote it', () => {
  test('UDP over IPv4', () => {
    const packet = udpPacket({
      ...loopback,
      identification: 0x2146,
      sourcePort: 40000,
      destinationPort: 5000,
      payload: 'ringlink golden vector 01',
    })
    expect(packet).toEqual(golden('packet-udp-odd'))
  })

  test('UDP over IPv6', () => {
    const ports = { sourcePort: 40000, destinationPort: 5000 }
    expect(udpPacket({ ...loopback6, ...ports, payload: 'ringlink golden vector v6' })).toEqual(
      golden('packet-udp-ipv6'),
    )
  })

  test('an empty UDP datagram', () => {
    const packet = udpPacket({ ...loopback, identification: 0x214a, sourcePort: 40000, destinationPort: 5000 })
    expect(packet).toEqual(golden('packet-udp-empty'))
  })

  test('TCP with options', () => {
    const packet = tcpPacket({
      ...loopback,
      identification: 0xcd77,
      sourcePort: 40002,
      destinationPort: 5001,
      sequence: 0x02702525,
      flags: TcpFlag.Synchronize,
      window: 0xfaf0,
      options: parseHex('02 04 05 b4 04 02 08 0a d6 e6 b6 ac 00 00 00 00 01 03 03 0a'),
    })
    expect(packet).toEqual(golden('packet-tcp-syn'))
  })

  test('ICMP and ICMPv6 echo requests', () => {
    const echo = { identifier: 0x1234, sequence: 1 }
    expect(icmpPacket({ ...loopback, identification: 0x3f6a, type: 8, ...echo, payload: 'ping four' })).toEqual(
      golden('packet-icmp'),
    )
    expect(icmpv6Packet({ ...loopback6, type: 128, ...echo, payload: 'ping six' })).toEqual(golden('packet-icmp-ipv6'))
  })
})

describe('built, described: the same fields', () => {
  const network = fc.record({ timeToLive: byte, trafficClass: byte })

  const common = (ends: { source: Uint8Array; destination: Uint8Array }) => ({
    version: ends.source.length === 4 ? 4 : 6,
    source: formatAddress(ends.source),
    destination: formatAddress(ends.destination),
    checksums: { network: ends.source.length === 4 ? 'valid' : 'none', transport: 'valid' },
    fragmentOffset: 0,
    moreFragments: false,
  })

  test('UDP', () => {
    const ports = fc.record({ sourcePort: half, destinationPort: half, payload })
    fc.assert(
      fc.property(endsArbitrary, network, ports, (ends, header, fields) => {
        const packet = udpPacket({ ...ends, ...header, ...fields })
        expect(describePacket(packet)).toMatchObject({
          kind: 'udp',
          ...common(ends),
          ...header,
          ...fields,
          length: packet.length,
        })
      }),
    )
  })

  test('TCP', () => {
    const segment = fc.record({
      sourcePort: half,
      destinationPort: half,
      sequence: word,
      acknowledgement: word,
      flags: byte,
      window: half,
      urgentPointer: half,
      payload,
    })
    const options = fc.uint8Array({ maxLength: 40 })
    fc.assert(
      fc.property(endsArbitrary, network, segment, options, (ends, header, fields, tcpOptions) => {
        const packet = tcpPacket({ ...ends, ...header, ...fields, options: tcpOptions })
        const padded = new Uint8Array(Math.ceil(tcpOptions.length / 4) * 4)
        padded.set(tcpOptions)
        expect(describePacket(packet)).toMatchObject({
          kind: 'tcp',
          ...common(ends),
          ...header,
          ...fields,
          options: padded,
        })
      }),
    )
  })

  test('ICMP and ICMPv6', () => {
    const message = fc.record({ type: byte, code: byte, identifier: half, sequence: half, payload })
    fc.assert(
      fc.property(endsArbitrary, network, message, (ends, header, fields) => {
        const isIpv4 = ends.source.length === 4
        const packet = (isIpv4 ? icmpPacket : icmpv6Packet)({ ...ends, ...header, ...fields })
        const kind = isIpv4 ? 'icmp' : 'icmpv6'
        expect(describePacket(packet)).toMatchObject({ kind, ...common(ends), ...header, ...fields })
      }),
    )
  })

  test('the IPv4 header', () => {
    const fragment = fc.record({
      identification: half,
      fragmentOffset: fc.integer({ min: 0, max: 0x1fff }).map((units) => units * 8),
      moreFragments: fc.boolean(),
    })
    fc.assert(
      fc.property(fragment, network, payload, (fields, header, content) => {
        const packet = ipv4Packet({ ...loopback, ...fields, ...header, protocol: 253, payload: content })
        const { checksums } = common({ source: new Uint8Array(4), destination: new Uint8Array(4) })
        expect(describePacket(packet)).toMatchObject({
          kind: 'other',
          ...fields,
          ...header,
          protocol: 253,
          payload: content,
          checksums: { ...checksums, transport: 'unknown' },
        })
      }),
    )
  })
})

describe('refused', () => {
  const ports = { sourcePort: 1, destinationPort: 2 }
  const refusal = (code: string) => expect.objectContaining({ name: 'EncodeError', code })

  test.each([
    ['a port', () => udpPacket({ ...loopback, sourcePort: 65536, destinationPort: 1 })],
    ['half a port', () => udpPacket({ ...loopback, sourcePort: 1.5, destinationPort: 1 })],
    ['a ttl', () => udpPacket({ ...loopback, ...ports, timeToLive: 256 })],
    ['a sequence number', () => tcpPacket({ ...loopback, ...ports, flags: 0, sequence: -1 })],
    ['flags', () => tcpPacket({ ...loopback, ...ports, flags: 512 })],
    ['options', () => tcpPacket({ ...loopback, ...ports, flags: 0, options: new Uint8Array(41) })],
    ['a flow label', () => udpPacket({ ...loopback6, ...ports, flowLabel: 0x100000 })],
    ['a fragment offset', () => ipv4Packet({ ...loopback, protocol: 17, fragmentOffset: 4 })],
    ['families', () => udpPacket({ source: '::1', destination: '127.0.0.1', ...ports })],
    ['ICMP over IPv6', () => icmpPacket({ ...loopback6, type: 8 })],
    ['ICMPv6 over IPv4', () => icmpv6Packet({ ...loopback, type: 128 })],
    ['IPv6 in IPv4', () => ipv4Packet({ ...loopback6, protocol: 17 })],
    ['IPv4 in IPv6', () => ipv6Packet({ ...loopback, nextHeader: 17 })],
  ])('%s out of range', (_, build) => {
    expect(build).toThrow(refusal('VALUE_RANGE'))
  })

  test('more payload than the length field can say', () => {
    expect(udpPacket({ ...loopback, ...ports, payload: new Uint8Array(65507) }).length).toBe(65535)
    expect(() => udpPacket({ ...loopback, ...ports, payload: new Uint8Array(65508) })).toThrow(refusal('NO_SPACE'))
    expect(udpPacket({ ...loopback6, ...ports, payload: new Uint8Array(65527) }).length).toBe(65575)
    expect(() => udpPacket({ ...loopback6, ...ports, payload: new Uint8Array(65528) })).toThrow(refusal('NO_SPACE'))
  })
})

describe('described', () => {
  test('in one line', () => {
    expect(formatPacket(golden('packet-udp-odd'))).toBe('UDP 127.0.0.1:40000 > 127.0.0.1:5000, 25 bytes')
    expect(formatPacket(golden('packet-udp-ipv6'))).toBe('UDP [::1]:40000 > [::1]:5000, 25 bytes')
    expect(formatPacket(golden('packet-tcp-syn'))).toBe(
      'TCP 127.0.0.1:40002 > 127.0.0.1:5001 SYN sequence 40903973, 0 bytes',
    )
    expect(formatPacket(golden('packet-icmp-ipv6'))).toBe('ICMPv6 ::1 > ::1 type 128 code 0, 8 bytes')
    expect(formatPacket(golden('packet-tcp-csum-not-ready'))).toContain('bad checksum')
    expect(formatPacket(golden('packet-udp-truncated'))).toContain('cut from')
    expect(formatPacket(ipv4Packet({ ...loopback, protocol: 47 }))).toBe(
      'IPv4 127.0.0.1 > 127.0.0.1 protocol 47, 0 bytes',
    )
    expect(formatPacket(new Uint8Array(0))).toBe('no packet: empty')
  })

  test('cut anywhere, and never beyond its bytes', () => {
    for (const name of ['packet-tcp-syn', 'packet-udp-ipv6', 'packet-icmp']) {
      const packet = golden(name)
      for (let length = 0; length <= packet.length; length++) {
        const described = describePacket(packet.subarray(0, length))
        if (described.kind === 'malformed') expect(length).toBeLessThan(40)
        else expect(described).toMatchObject({ length: packet.length, payload: expect.any(Uint8Array) })
      }
    }
  })

  test('an endless chain of extension headers ends', () => {
    const chain = new Uint8Array(8 * 40)
    for (let at = 0; at < chain.length; at += 8) chain[at] = 60
    expect(describePacket(ipv6Packet({ ...loopback6, nextHeader: 60, payload: chain }))).toEqual({
      kind: 'malformed',
      reason: 'more than 16 IPv6 extension headers',
    })
  })

  test('an extension header that is longer than the packet', () => {
    const packet = ipv6Packet({ ...loopback6, nextHeader: 60, payload: Uint8Array.of(17, 255, 0, 0, 0, 0, 0, 0) })
    expect(describePacket(packet)).toEqual({ kind: 'malformed', reason: 'cut in the IPv6 extension headers' })
  })

  test('any bytes', () => {
    const bytes = fc
      .tuple(fc.constantFrom(0x45, 0x60, 0x4f, 0x00), fc.uint8Array({ maxLength: 120 }))
      .map(([first, rest]) => {
        return Uint8Array.of(first, ...rest)
      })
    const next = fc.constantFrom(0, 6, 17, 43, 44, 51, 58, 60, 1)
    fc.assert(
      fc.property(bytes, next, (packet, protocol) => {
        if (packet.length > 9) packet.set([protocol], packet[0] === 0x60 ? 6 : 9)
        expect(formatPacket(packet)).toEqual(expect.any(String))
      }),
      { numRuns: 1000 },
    )
  })
})
