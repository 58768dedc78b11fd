/** What encoder.ts writes, decoder.ts reads. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CaptureBlock, PcapngDecoder, PcapngEncoder } from '../../src/pcapng/index.ts'

const count = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const text = fc.option(fc.string({ unit: 'binary', maxLength: 40 }), { nil: undefined })
const optionalCount = fc.option(count, { nil: undefined })
const direction = fc.constantFrom('inbound', 'outbound', undefined)

const captures = fc.record({
  section: fc.record({
    byteOrder: fc.constantFrom('little', 'big'),
    hardware: text,
    operatingSystem: text,
    application: text,
    comment: text,
  }),
  interfaces: fc.array(
    fc.record({
      linkType: fc.nat(0xffff),
      name: text,
      description: text,
      comment: text,
      snapshotLength: fc.integer({ min: 1, max: 262_144 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  packets: fc.array(
    fc.record({
      interface: fc.nat(3),
      at: count,
      header: fc.uint8Array({ maxLength: 20 }),
      bytes: fc.uint8Array({ maxLength: 90 }),
      more: fc.nat(1000),
      comment: text,
      dropCount: optionalCount,
      direction,
    }),
    { maxLength: 8 },
  ),
  statistics: fc.array(
    fc.record({
      interface: fc.nat(3),
      at: count,
      received: optionalCount,
      dropped: optionalCount,
      startedAt: optionalCount,
      endedAt: optionalCount,
      comment: text,
    }),
    { maxLength: 3 },
  ),
  chunks: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
})

test('a written capture is read back, in either order and chunks of any size', () => {
  fc.assert(
    fc.property(captures, ({ section, interfaces, packets, statistics, chunks }) => {
      const encoder = new PcapngEncoder(section)
      const expected: CaptureBlock[] = [{ type: 'section', ...section }]
      for (const [number, options] of interfaces.entries()) {
        expect(encoder.addInterface(options)).toBe(number)
        expected.push({ type: 'interface', interface: number, ...options })
      }
      for (const { more, header, interface: any, ...packet } of packets) {
        const number = any % interfaces.length
        const { linkType, snapshotLength } = interfaces[number] as (typeof interfaces)[number]
        const fullLength = packet.bytes.length + more
        encoder.writePacket({ ...packet, interface: number, header, fullLength })
        expected.push({
          type: 'packet',
          ...packet,
          interface: number,
          linkType,
          bytes: Uint8Array.from([...header, ...packet.bytes]).slice(0, snapshotLength),
          fullLength: header.length + fullLength,
          byteOrder: section.byteOrder,
        })
      }
      for (const each of statistics) {
        const known = { ...each, interface: each.interface % interfaces.length }
        encoder.writeStatistics(known)
        expected.push({ type: 'statistics', ...known })
      }
      expect(inChunks(encoder.take(), chunks)).toEqual(expected)
    }),
  )
})

function inChunks(bytes: Uint8Array, sizes: readonly number[]): CaptureBlock[] {
  const decoder = new PcapngDecoder()
  const blocks: CaptureBlock[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] as number
    decoder.push(bytes.subarray(at, at + size))
    for (let block = decoder.next(); block !== undefined; block = decoder.next()) blocks.push(block)
    at += size
  }
  expect(decoder.finish()).toBeUndefined()
  expect(decoder.skipped).toBe(0)
  return blocks
}
