import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  AddressView,
  addressBytes,
  compareAddresses,
  formatAddress,
  formatHardwareAddress,
  formatPrefix,
  parseAddress,
  parseHardwareAddress,
  parsePrefix,
  prefixContains,
  prefixOf,
  tryParseAddress,
  tryParsePrefix,
} from '../src/index.ts'
import { embed } from './captures.ts'

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
  expect(tryParseAddress(text)).toBeUndefined()
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

test('an error shows what it was given, escaped', () => {
  expect(() => parseAddress('1.2.3.\u009b31m')).toThrow(
    "expected an IPv4 or IPv6 address, got '1.2.3.\\u{9b}31m' (string)",
  )
  // Plain JavaScript has no types to stop it.
  const notText: unknown = 5
  expect(() => parseAddress(notText as string)).toThrow('expected an IPv4 or IPv6 address, got 5')
})

test('addresses are ordered: IPv4 first, then by value', () => {
  const texts = ['::1', '10.0.0.1', '2.0.0.1', '::', '255.255.255.255', '2001:db8::']
  const sorted = texts.map(parseAddress).sort(compareAddresses).map(formatAddress)
  expect(sorted).toEqual(['2.0.0.1', '10.0.0.1', '255.255.255.255', '::', '::1', '2001:db8::'])
  expect(compareAddresses(parseAddress('::1'), parseAddress('::1'))).toBe(0)
})

test.each([
  ['192.0.2.0/24', ['192.0.2.0', '192.0.2.255'], ['192.0.3.0', '192.0.1.255', '::192.0.2.1']],
  ['10.1.2.3', ['10.1.2.3'], ['10.1.2.2']],
  ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], ['::']],
  ['2001:db8::/33', ['2001:db8::', '2001:db8:7fff::1'], ['2001:db8:8000::', '2001:db7::']],
  ['::/0', ['::', 'ffff::1'], ['1.2.3.4']],
] as const)('%s', (text, inside, outside) => {
  const prefix = parsePrefix(text)
  for (const address of inside) expect([address, prefixContains(prefix, address)]).toEqual([address, true])
  for (const address of outside) expect([address, prefixContains(prefix, address)]).toEqual([address, false])
  for (const address of [...inside, ...outside]) {
    const { memory, offset, length } = embed(parseAddress(address), 3)
    expect(new AddressView().wrap(memory, offset, length).isIn(prefix)).toBe(prefixContains(prefix, address))
  }
})

test('bits after a prefix do not count', () => {
  expect(formatPrefix(parsePrefix('192.0.2.77/26'))).toBe('192.0.2.64/26')
  expect(prefixOf('192.0.2.77', 26)).toEqual(parsePrefix('192.0.2.64/26'))
  expect(parsePrefix('2001:db8::1/127').mask.at(-1)).toBe(0xfe)
})

test.each([
  '',
  '1.2.3.4/33',
  '::/129',
  '1.2.3.4/',
  '1.2.3.4/08',
  '1.2.3.4/-1',
  '1.2.3.4/1/1',
  '/8',
  '1.2.3.4/1.5',
  'a/8',
])('%j is not a prefix', (text) => {
  expect(tryParsePrefix(text)).toBeUndefined()
  expect(() => parsePrefix(text)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
})

test.each([-1, 33, 1.5, Number.NaN])('%d is not the length of an IPv4 prefix', (length) => {
  expect(() => prefixOf('1.2.3.4', length)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
})

test('hardware addresses', () => {
  const bytes = Uint8Array.of(2, 0, 0, 0, 12, 255)
  expect(formatHardwareAddress(bytes)).toBe('02:00:00:00:0c:ff')
  expect(parseHardwareAddress('02:00:00:00:0c:ff')).toEqual(bytes)
  expect(parseHardwareAddress('2-0-0-0-C-FF')).toEqual(bytes)
  for (const text of ['', '02:00:00:00:0c', '02:00:00:00:0c:ff:00', '02:00:00:00:0c:fff', '02:00:00:00:0c:gg']) {
    expect(() => parseHardwareAddress(text)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
  }
})

test('an address in a packet compares without text and turns into text', () => {
  const { memory, offset, length } = embed(parseAddress('192.0.2.7'), 5)
  const view = new AddressView().wrap(memory, offset, length)
  expect(view.equals(parseAddress('192.0.2.7'))).toBe(true)
  expect(view.equals(parseAddress('192.0.2.8'))).toBe(false)
  expect(view.equals(parseAddress('::192.0.2.7'))).toBe(false)
  expect([`${view}`, JSON.stringify({ view }), view.version]).toEqual(['192.0.2.7', '{"view":"192.0.2.7"}', 4])
  const kept = view.copy()
  memory.u8.fill(0)
  expect(formatAddress(kept)).toBe('192.0.2.7')
})
