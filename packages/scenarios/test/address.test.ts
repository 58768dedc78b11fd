import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressBytes, formatAddress, parseAddress } from '../src/address.ts'

test.each([
  ['0.0.0.0', [0, 0, 0, 0]],
  ['192.0.2.255', [192, 0, 2, 255]],
  ['::', Array(16).fill(0)],
  ['::1', [...Array(15).fill(0), 1]],
  ['1::', [0, 1, ...Array(14).fill(0)]],
  ['2001:db8::8:800:200c:417a', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 8, 8, 0, 0x20, 0xc, 0x41, 0x7a]],
  ['::ffff:192.0.2.1', [...Array(10).fill(0), 255, 255, 192, 0, 2, 1]],
])('%s', (text, bytes) => {
  expect(parseAddress(text)).toEqual(Uint8Array.from(bytes))
  expect(formatAddress(Uint8Array.from(bytes))).toBe(text)
})

test.each([
  // RFC 5952 section 4: no leading zeros, no run of one, the longest run, the first of equals, lower case
  ['2001:0db8::0001', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:DB8::AbCd', '2001:db8::abcd'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
])('%s is written %s', (text, canonical) => {
  expect(formatAddress(parseAddress(text))).toBe(canonical)
})

test.each([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.-4',
  ' 1.2.3.4',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1::2:3:4:5:6:7:8',
  '12345::',
  'g::',
  ':1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:',
  'fe80::1%eth0',
  '::/0',
  '1.2.3.4::',
  '::1.2.3.4:5',
  '::1.2.3.400',
  '1'.repeat(50),
])('%j is refused', (text) => {
  expect(() => parseAddress(text)).toThrow(expect.objectContaining({ name: 'EncodeError', code: 'VALUE_RANGE' }))
})

test('bytes of another length are refused', () => {
  expect(() => addressBytes(new Uint8Array(5))).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
  expect(() => formatAddress(new Uint8Array(0))).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
})

test('any address survives its text', () => {
  const bytes = fc
    .tuple(
      fc.constantFrom(4, 16),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    )
    // A mask makes runs of zeros likely.
    .map(([length, value, mask]) => value.map((byte, at) => ((mask[at] as number) < 140 ? 0 : byte)).slice(0, length))
  fc.assert(
    fc.property(bytes, (address) => {
      expect(parseAddress(formatAddress(address))).toEqual(address)
    }),
  )
})

test('any text is parsed or refused', () => {
  const text = fc.string({ unit: fc.constantFrom(...'0123456789abcdefF:.%/ ') })
  fc.assert(
    fc.property(text, (input) => {
      try {
        expect([4, 16]).toContain(parseAddress(input).length)
      } catch (error) {
        expect(error).toMatchObject({ code: 'VALUE_RANGE' })
      }
    }),
  )
})
