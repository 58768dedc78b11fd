import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CaptureBlock, CaptureDecoder, LinkType } from '../../src/index.ts'
import { PcapDecoder } from '../../src/pcap/decoder.ts'
import { hex } from '../support/captures.ts'
import { pcapFile } from '../support/pcap.ts'

function decode(bytes: Uint8Array, decoder: PcapDecoder | CaptureDecoder = new PcapDecoder(), size = bytes.length) {
  const blocks: CaptureBlock[] = []
  for (let at = 0; at < bytes.length; at += Math.max(1, size)) {
    decoder.push(bytes.subarray(at, at + Math.max(1, size)))
    for (let block = decoder.next(); block !== undefined; block = decoder.next()) blocks.push(block)
  }
  return { blocks, truncated: decoder.finish() }
}

const codeOf = (bytes: Uint8Array): unknown => {
  try {
    decode(bytes)
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return 'nothing was refused'
}

describe('classic pcap', () => {
  test('a capture by hand, as tcpdump writes it on a little-endian machine', () => {
    const { blocks, truncated } = decode(
      hex(`d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000  # magic, 2.4, snapshot length 262144, Ethernet
        00f15365 40e20100 04000000 3c000000 01020304               # 1700000000 s, 123456 us, 4 bytes of 60`),
    )
    expect(truncated).toBeUndefined()
    expect(blocks).toMatchObject([
      { type: 'section', byteOrder: 'little', application: undefined },
      { type: 'interface', interface: 0, linkType: LinkType.Ethernet, snapshotLength: 262_144, name: undefined },
      {
        type: 'packet',
        interface: 0,
        linkType: LinkType.Ethernet,
        at: 1_700_000_000_123_456_000n,
        bytes: hex('01020304'),
        fullLength: 60,
        dropCount: undefined,
        byteOrder: 'little',
      },
    ])
  })

  test('a capture by hand, big endian and in nanoseconds, with the length of a frame check sequence beside the link type', () => {
    const { blocks } = decode(
      hex(`a1b23c4d 0002 0004 00000000 00000000 00000000 54000001
        6553f100 075bcd15 00000001 00000001 ff`),
    )
    expect(blocks).toMatchObject([
      { byteOrder: 'big' },
      { linkType: LinkType.Ethernet },
      { at: 1_700_000_000_123_456_789n, bytes: hex('ff') },
    ])
  })

  test('any packets are read as they were written, in either order and unit, in chunks of any size', () => {
    const packet = fc.record({
      seconds: fc.integer({ min: 0, max: 0xffff_ffff }),
      fraction: fc.nat(999_999),
      bytes: fc.uint8Array({ maxLength: 40 }),
      cut: fc.nat(100),
    })
    const layout = fc.record({
      order: fc.constantFrom('little' as const, 'big' as const),
      unit: fc.constantFrom('microseconds' as const, 'nanoseconds' as const),
      linkType: fc.constantFrom(...Object.values(LinkType)),
    })
    const property = fc.property(
      layout,
      fc.array(packet, { maxLength: 6 }),
      fc.integer({ min: 1, max: 50 }),
      (how, list, size) => {
        for (const decoder of [new PcapDecoder(), new CaptureDecoder()]) {
          const { blocks, truncated } = decode(pcapFile(how, list), decoder, size)
          expect(truncated).toBeUndefined()
          expect(blocks.slice(0, 2)).toMatchObject([{ byteOrder: how.order }, { linkType: how.linkType }])
          const scale = how.unit === 'microseconds' ? 1000n : 1n
          expect(blocks.slice(2)).toEqual(
            list.map(({ seconds, fraction, bytes, cut }) => ({
              type: 'packet',
              interface: 0,
              linkType: how.linkType,
              at: BigInt(seconds) * 1_000_000_000n + BigInt(fraction) * scale,
              bytes,
              fullLength: bytes.length + cut,
              comment: undefined,
              dropCount: undefined,
              direction: undefined,
              byteOrder: how.order,
            })),
          )
        }
      },
    )
    fc.assert(property)
  })

  test('a cut at any place is reported, and all whole packets before it are given out', () => {
    const how = { order: 'little', unit: 'microseconds', linkType: 1 } as const
    const whole = pcapFile(how, [
      { seconds: 1, fraction: 1, bytes: hex('0102'), cut: 0 },
      { seconds: 2, fraction: 1, bytes: hex('03'), cut: 0 },
    ])
    const ends = [24, 24 + 18, 24 + 18 + 17]
    for (let length = 0; length <= whole.length; length++) {
      const { blocks, truncated } = decode(whole.subarray(0, length))
      const passed = ends.filter((end) => end <= length).length
      expect(blocks).toHaveLength(passed === 0 ? 0 : passed + 1)
      if (ends.includes(length)) expect(truncated).toBeUndefined()
      else expect(['SHORT_HEADER', 'MESSAGE_LENGTH']).toContain(truncated?.code)
    }
  })

  test.each([
    ['another file', `504b0304 ${'00'.repeat(20)}`, 'MESSAGE_TYPE'],
    ['version 3', 'd4c3b2a1 0300 0000 00000000 00000000 00000400 01000000', 'UNSUPPORTED'],
    [
      'a packet of 4 GiB',
      'd4c3b2a1 0200 0400 00000000 00000000 00000400 01000000 00000000 00000000 ffffffff ffffffff',
      'MESSAGE_LENGTH',
    ],
  ])('%s is refused', (_, text, code) => {
    expect(codeOf(hex(text))).toBe(code)
  })
})
