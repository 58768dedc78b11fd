import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapeText, jsonText, quoteText } from '../src/errors.ts'

test('characters that a terminal would act on are escaped', () => {
  expect(escapeText('a\u001b[31mb\r\n\u0085\u202e\u200b\u2028\ud800c é 漢 😀')).toBe(
    'a\\u{1b}[31mb\\u{d}\\u{a}\\u{85}\\u{202e}\\u{200b}\\u{2028}\\u{d800}c é 漢 😀',
  )
})

test('control and format characters, separators and lone surrogates are escaped, and nothing else', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)) }),
      (text) => {
        const escaped = escapeText(text)
        expect(escaped).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
        if (!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)) expect(escaped).toBe(text)
      },
    ),
  )
})

test('a quoted text ends where its quotes end', () => {
  expect(quoteText("it's \\u{0}\0")).toBe("'it\\'s \\\\u{0}\\u{0}'")
  expect(quoteText('x'.repeat(81))).toBe(`'${'x'.repeat(80)}...'`)
})

test('JSON has no character that a terminal would act on, and means the same', () => {
  expect(jsonText({ name: '\u009b31m\u007f\u202e\u{e0001}é\udc80' })).toBe(
    String.raw`{"name":"\u009b31m\u007f\u202e\udb40\udc01é\udc80"}`,
  )
  const text = fc.string({ unit: fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)) })
  fc.assert(
    fc.property(fc.dictionary(text, fc.array(text)), (value) => {
      const json = jsonText(value)
      expect(json).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})
