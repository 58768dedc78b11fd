/** Any bytes as a capture: read or refused with a documented code. */

import { gzipSync } from 'node:zlib'
import { isNetlinkError } from '@ringlink/codec/errors'
import { runs } from '@ringlink/test-support/fuzz'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CaptureDecoder, openLinkLayer, readCapture } from '../src/index.ts'
import { richCapture } from './support/damage.ts'
import { pcapFile } from './support/pcap.ts'

const MEBIBYTE = 1024 * 1024
const documented = ['MESSAGE_TYPE', 'UNSUPPORTED', 'MESSAGE_LENGTH', 'ATTRIBUTE_MISSING', 'ATTRIBUTE_COUNT'] as const

const order = fc.constantFrom('little' as const, 'big' as const)
const packets = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 })
const files = fc.oneof(
  fc.tuple(order, packets).map(([byteOrder, list]) => richCapture(byteOrder, list)),
  fc
    .record({
      order,
      unit: fc.constantFrom('microseconds' as const, 'nanoseconds' as const),
      linkType: fc.constantFrom(0, 1, 12, 101, 108, 113, 228, 229, 239, 253, 276, 147),
      list: packets,
    })
    .map(({ list, ...layout }) =>
      pcapFile(
        layout,
        list.map((bytes) => ({ seconds: 1, fraction: 2, bytes, cut: 0 })),
      ),
    ),
  fc.uint8Array({ maxLength: 300 }),
)
/** Files with bytes changed, repeated up to a mebibyte. */
const inputs = fc
  .record({
    file: files,
    changes: fc.array(fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 4, 0xff))), { maxLength: 8 }),
    length: fc.oneof(fc.nat(2000), fc.nat(MEBIBYTE)),
  })
  .map(({ file, changes, length }) => {
    const input = new Uint8Array(length)
    for (let at = 0; at < length && file.length > 0; at += file.length) input.set(file.subarray(0, length - at), at)
    for (const [offset, value] of changes) if (length > 0) input[offset % length] = value
    return input
  })

function expectDocumented(error: unknown): void {
  if (!documented.some((code) => isNetlinkError(error, code))) throw error
}

test('a capture of anything is read or refused with a documented code, never beyond its bytes', () => {
  const property = fc.property(inputs, fc.integer({ min: 1, max: 100_000 }), (input, size) => {
    const decoder = new CaptureDecoder()
    let bytes = 0
    try {
      for (let at = 0; at < input.length; at += size) {
        decoder.push(input.subarray(at, at + size))
        for (let block = decoder.next(); block !== undefined; block = decoder.next()) {
          if (block.type !== 'packet') continue
          bytes += block.bytes.length
          expect(openLinkLayer(block)?.offset ?? 0).toBeLessThanOrEqual(block.bytes.length)
          expect(block.fullLength).toBeGreaterThanOrEqual(block.bytes.length)
        }
      }
    } catch (error) {
      expectDocumented(error)
    }
    expect(bytes).toBeLessThanOrEqual(input.length)
    expect(decoder.damaged).toBeLessThanOrEqual(input.length)
    decoder.finish()
  })
  fc.assert(property, { numRuns: runs })
})

test('compressed bytes of anything too', async () => {
  const changed = fc
    .tuple(inputs, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
    .map(([input, changes, cut]) => {
      const bytes = Uint8Array.from(gzipSync(input.subarray(0, 4096)))
      for (const [offset, value] of changes) bytes[2 + (offset % (bytes.length - 2))] = value
      return cut % 3 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes
    })
  const property = fc.asyncProperty(changed, async (input) => {
    try {
      for await (const _ of readCapture(input));
    } catch (error) {
      expectDocumented(error)
    }
  })
  await fc.assert(property, { numRuns: Math.ceil(runs / 4) })
})
