import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { looksLikeHex, parseHex } from '../../src/inspect/hex.ts'

const BYTES = Uint8Array.from([0x14, 0, 0, 0, 0x10, 0xab, 0xcd, 0xef, 0x30, 0x31])

describe('hexadecimal text', () => {
  test.each([
    ['a stream', '1400000010abcdef3031'],
    ['bytes', '14 00 00 00 10 ab cd ef 30 31'],
    ['C', '{ 0x14, 0x00, 0x00, 0x00, 0x10, 0xab, 0xcd, 0xef, 0x30, 0x31 };'],
    ['escapes', '"\\x14\\x00\\x00\\x00\\x10\\xab\\xcd\\xef\\x30\\x31"'],
    ['comments', '14 00 00 00  # nlmsg_len 20\n10 ab cd ef // type\n30 31'],
    ['xxd', '00000000: 1400 0000 10ab cdef 3031                 ........01'],
    ['hexdump -C', '00000000  14 00 00 00 10 ab cd ef  30 31                    |........01|\n0000000a'],
    ['tcpdump -x', '\t0x0000:  1400 0000 10ab cdef 3031'],
    ['strace', ' | 00000  14 00 00 00 10 ab cd ef  30 31   ........01       |'.slice(3)],
  ])('%s', (_, text) => {
    expect(parseHex(text)).toEqual(BYTES)
  })

  test.each([
    ['14 0', 'an odd number'],
    ['14 xy', "line 1 has a character that is not a hexadecimal digit: 'x'"],
    ['14\nhello', "line 2 has a character that is not a hexadecimal digit: 'h'"],
  ])('%j is refused', (text, problem) => {
    expect(parseHex(text)).toContain(problem)
  })

  test('is read back as it was written, for any bytes and layout', () => {
    const layouts = fc.constantFrom('', ' ', ', 0x', '\\x', '\n')
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), layouts, (bytes, separator) => {
        const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(separator)
        expect(parseHex(text)).toEqual(bytes)
        expect(looksLikeHex(text)).toBe(true)
      }),
    )
  })
})
