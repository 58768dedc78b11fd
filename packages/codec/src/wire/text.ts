/**
 * Text of the kernel. Its names are bytes, which are UTF-8 as a rule and need not be: a byte that is not part of UTF-8 is read as the
 * lone surrogate U+DC80 to U+DCFF whose lower half it is (as Python's "surrogateescape" does), and written as that byte again. So any
 * name survives being read and written, and a name in UTF-8 is the plain string that one expects.
 */
import { EncodeError } from '../errors.ts'
import { escapeText } from '../text.ts'
import type { Memory } from './memory.ts'

// A byte order mark is text like any other.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const strictDecoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
const encoder = new TextEncoder()
/** What the decoder puts in the place of bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd'
/** The lone surrogate for byte 0x00; those for 0x80 to 0xff are used. */
const BYTE_BASE = 0xdc00
const LONE_SURROGATE = /\p{Cs}/u
const LONE_SURROGATES = /(\p{Cs})/u
/** Bytes of the longest sequence of UTF-8. */
const LONGEST_SEQUENCE = 4

/** The text that bytes stand for; each byte that is not UTF-8 becomes a lone surrogate. The bytes must not be shared memory. */
export function decodeText(bytes: Uint8Array): string {
  const text = decoder.decode(bytes)
  // A replacement character can also be what the bytes say.
  return text.includes(REPLACEMENT) ? decodeBytewise(bytes) : text
}

/** The bytes that {@link decodeText} reads as `text`. Throws code `VALUE_RANGE` for a lone surrogate that stands for no byte. */
export function encodeText(text: string, what = 'text'): Uint8Array {
  if (!LONE_SURROGATE.test(text)) return encoder.encode(text)
  const parts = text.split(LONE_SURROGATES).map((part) => {
    if (!LONE_SURROGATE.test(part)) return encoder.encode(part)
    const byte = part.charCodeAt(0) - BYTE_BASE
    if (byte >= 0x80 && byte <= 0xff) return Uint8Array.of(byte)
    throw new EncodeError('VALUE_RANGE', `${what} must be valid Unicode, got the lone surrogate ${escapeText(part)}`)
  })
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let end = 0
  for (const part of parts) {
    bytes.set(part, end)
    end += part.length
  }
  return bytes
}

/** Reads text up to its zero byte, or all of it where there is none, as {@link decodeText} does. */
export function readText(memory: Memory, offset: number, length: number): string {
  return decodeText(untilZero(memory.copy(offset, length)))
}

/** The bytes before the first zero byte. */
export function untilZero(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0)
  return end < 0 ? bytes : bytes.subarray(0, end)
}

function decodeBytewise(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    text +=
      length === 0
        ? String.fromCharCode(BYTE_BASE + (bytes[at] as number))
        : decoder.decode(bytes.subarray(at, at + length))
    at += Math.max(length, 1)
  }
  return text
}

/** Bytes of the sequence of UTF-8 at `at`; 0 where there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? LONGEST_SEQUENCE : first >= 0xe0 ? 3 : 2
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return 0
  try {
    // The decoder knows overlong sequences, surrogates and what lies beyond Unicode.
    strictDecoder.decode(bytes.subarray(at, at + length))
    return length
  } catch {
    return 0
  }
}
