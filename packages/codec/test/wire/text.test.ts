import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { escapeText } from '../../src/text.ts'
import { decodeText, encodeText } from '../../src/wire/text.ts'

describe('text of the kernel', () => {
  test('any bytes survive reading and writing', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .array(fc.constantFrom(0x41, 0x80, 0xbf, 0xc2, 0xe0, 0xed, 0xa0, 0xef, 0xbb, 0xbd, 0xf0, 0xf4, 0x90, 0xff))
        .map((list) => Uint8Array.from(list)),
      fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
    )
    fc.assert(
      fc.property(bytes, (value) => {
        expect(encodeText(decodeText(value))).toEqual(value)
      }),
      { numRuns: 3000 },
    )
  })

  test('UTF-8 is a plain string, including a replacement character and a byte order mark', () => {
    const strings = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ufffd', 'a\ufffdb', '\ufeffname', 'ä€😀'))
    fc.assert(
      fc.property(strings, (text) => {
        const bytes = new TextEncoder().encode(text)
        expect(decodeText(bytes)).toBe(text)
        expect(encodeText(text)).toEqual(bytes)
      }),
    )
  })

  test('a byte that is not UTF-8 is a lone surrogate; any other lone surrogate is refused', () => {
    expect(decodeText(Uint8Array.of(0xff, 0x61, 0xc3))).toBe('\udcffa\udcc3')
    for (const text of ['\ud800', 'a\udc7f', '\udc00b', '\udbff', '\udd00', '\udc80\ud801']) {
      expect(() => encodeText(text, 'name')).toThrow(
        expect.objectContaining({
          code: 'VALUE_RANGE',
          message: expect.stringContaining('name must be valid Unicode'),
        }),
      )
    }
  })
})

describe('escaped text', () => {
  test.each([
    ['\u001b[31m', '\\u{1b}[31m'],
    ['\u009b31m', '\\u{9b}31m'],
    ['\u007f', '\\u{7f}'],
    ['a\nb\tc', 'a\\u{a}b\\u{9}c'],
    ['\u202egpj.exe', '\\u{202e}gpj.exe'],
    ['\u2028\u200b\ufeff\u061c', '\\u{2028}\\u{200b}\\u{feff}\\u{61c}'],
    ['\u{e0041}', '\\u{e0041}'],
    ['\udcff\ud800', '\\xff\\u{d800}'],
    ['plain ä€😀 "text"', 'plain ä€😀 "text"'],
  ])('%j', (text, escaped) => {
    expect(escapeText(text)).toBe(escaped)
  })

  test('has no control, format or bidi character, for any text', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff)), (units) => {
        expect(escapeText(String.fromCharCode(...units))).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      }),
    )
  })
})
