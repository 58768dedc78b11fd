import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkFrames,
  type Envelope,
  envelopeLength,
  FRAME_DESCRIPTION,
  FrameReader,
  frameSpace,
  messageId,
  readEnvelope,
  writeEnvelope,
  writeFrameDescription,
} from '../src/envelope.ts'

const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const hex = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(hexOf)
const frames = fc.array(
  fc.record({
    bytes: fc.uint8Array({ maxLength: 90 }),
    cut: fc.nat(1000),
    groups: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  }),
  { maxLength: 12 },
)
const header = fc.record({
  byteOrder: fc.constantFrom('little' as const, 'big' as const),
  compression: fc.constantFrom('none' as const, 'deflate' as const, 'zstd' as const),
  protocol: fc.integer({ min: 0, max: 0xffff }),
  host: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  bootId: hex(16).map((text) => text.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')),
  run: hex(8),
  first: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER - 1000 }),
  messages: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  ...{ lost: counter, droppedFrames: counter, droppedMessages: counter },
})

type Frames = readonly { bytes: Uint8Array; cut: number; groups: number }[]

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function messageOf(
  given: Omit<Envelope, 'last' | 'bodyLength'>,
  list: Frames,
): { bytes: Uint8Array; envelope: Envelope } {
  const bodyLength = list.reduce((sum, { bytes }) => sum + frameSpace(bytes.length), 0)
  const envelope = { ...given, last: given.first + list.length - 1, bodyLength }
  const bytes = new Uint8Array(envelopeLength(given.host) + bodyLength)
  const view = new DataView(bytes.buffer)
  let at = writeEnvelope(bytes, envelope)
  for (const { bytes: frame, cut, groups } of list) {
    writeFrameDescription(view, at, frame.length, frame.length + cut, groups)
    bytes.set(frame, at + FRAME_DESCRIPTION)
    at += frameSpace(frame.length)
  }
  return { bytes, envelope }
}

const example: Omit<Envelope, 'last' | 'bodyLength'> = {
  ...{ byteOrder: 'little', compression: 'none', protocol: 12, host: 'web1', run: '0011223344556677', first: 7 },
  ...{ bootId: '01234567-89ab-cdef-0123-456789abcdef', messages: 2, lost: 3, droppedFrames: 4, droppedMessages: 5 },
}
const exampleFrames: Frames = [{ bytes: Uint8Array.of(1, 2, 3, 4, 5), cut: 2, groups: 1 }]

describe('an envelope', () => {
  test('is these bytes', () => {
    const { bytes } = messageOf(example, exampleFrames)
    expect(hexOf(bytes)).toBe(
      [
        '524c4e46 01 01 00 04 000c 0058 0123456789abcdef0123456789abcdef 0011223344556677',
        '0000000000000007 0000000000000007 00000002 00000014 0000000000000003 0000000000000004 0000000000000005',
        '77656231 00000005 00000007 00000001 0102030405000000',
      ]
        .join('')
        .replaceAll(' ', ''),
    )
  })

  test('is read as it was written, at any alignment', () => {
    fc.assert(
      fc.property(header, frames, fc.nat(7), (given, list, shift) => {
        const { bytes, envelope } = messageOf({ ...given, compression: 'none' }, list)
        const moved = new Uint8Array(bytes.length + shift).subarray(shift)
        moved.set(bytes)
        const read = readEnvelope(moved)
        expect(read).toEqual({
          ...envelope,
          host: new TextDecoder().decode(new TextEncoder().encode(given.host)),
          bodyOffset: envelopeLength(given.host),
        })
        const body = moved.subarray(read.bodyOffset)
        checkFrames(body, list.length)
        const reader = new FrameReader(body)
        for (const { bytes: frame, cut, groups } of list) {
          expect(reader.next()).toBe(true)
          expect(body.subarray(reader.offset, reader.offset + reader.byteLength)).toEqual(frame)
          expect(reader).toMatchObject({ fullLength: frame.length + cut, groups })
        }
        expect(reader.next()).toBe(false)
      }),
    )
  })

  test('has an identity that no other message of the publisher has', () => {
    const empty = messageOf(example, []).envelope
    const next = messageOf(example, exampleFrames).envelope
    expect(messageId(empty)).toBe('01234567-89ab-cdef-0123-456789abcdef-0011223344556677-7-6')
    expect(messageId(next)).not.toBe(messageId(empty))
    expect(messageId({ ...next, run: '0011223344556678' })).not.toBe(messageId(next))
  })

  test('may have no frames, even before the first one', () => {
    const { bytes } = messageOf({ ...example, first: 0 }, [])
    expect(readEnvelope(bytes)).toMatchObject({ first: 0, last: -1, lost: 3 })
  })

  test('of another version is refused by name, also if nothing else follows', () => {
    const bytes = messageOf(example, exampleFrames).bytes
    bytes[4] = 2
    for (const end of [5, 40, bytes.length])
      expect(() => readEnvelope(bytes.subarray(0, end))).toThrow(
        expect.objectContaining({
          code: 'ENVELOPE_VERSION',
          message: expect.stringContaining('envelope version must be 1, got 2'),
        }),
      )
    bytes[4] = 1
    bytes[6] = 3
    expect(() => readEnvelope(bytes)).toThrow(expect.objectContaining({ code: 'ENVELOPE_VERSION' }))
  })

  test('that is damaged anywhere is refused, or has whole frames: nothing else is thrown, and nothing outside is read', () => {
    fc.assert(
      fc.property(
        header,
        frames,
        fc.array(fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) }), { maxLength: 4 }),
        fc.nat(),
        (given, list, damage, cut) => {
          const whole = messageOf(given, list).bytes
          for (const { at, value } of damage) whole[at % whole.length] = value
          const bytes = whole.subarray(0, whole.length - (cut % 3 === 0 ? cut % whole.length : 0))
          try {
            const { bodyOffset, first, last, compression } = readEnvelope(bytes)
            expect(bodyOffset).toBeLessThanOrEqual(bytes.length)
            if (compression === 'none') checkFrames(bytes.subarray(bodyOffset), last - first + 1)
          } catch (error) {
            expect(['ENVELOPE_FOREIGN', 'ENVELOPE_VERSION']).toContain((error as { code?: unknown }).code)
          }
        },
      ),
    )
  })

  test('is not any other bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        fc.pre(!hexOf(bytes).startsWith('524c4e46'))
        expect(() => readEnvelope(bytes)).toThrow(expect.objectContaining({ code: 'ENVELOPE_FOREIGN' }))
      }),
    )
  })
})
