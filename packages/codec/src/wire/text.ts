/**
 * Text of the kernel. Its names are bytes, usually but not always UTF-8. A byte that is not part of UTF-8 is read as a
 * lone surrogate U+DC80 to U+DCFF, which has the byte in its lower half (as Python's "surrogateescape" does), and is
 * written as that byte again. So every name survives reading and writing, and a name in UTF-8 is a plain string.
 */
import { EncodeError } from '../errors.ts'
import { escapeText } from '../text.ts'
import type { Memory } from './memory.ts'

// A byte order mark is ordinary text here.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const strictDecoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
const encoder = new TextEncoder()
/** The character that the decoder returns for bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd'
/** The lone surrogate for byte 0x00; those for 0x80 to 0xff are used. */
const BYTE_BASE = 0xdc00
const LONE_SURROGATE = /\p{Cs}/u
const LONE_SURROGATES = /(\p{Cs})/u
/** Length in bytes of the longest UTF-8 sequence. */
const LONGEST_SEQUENCE = 4

/** Decodes bytes as text; each byte that is not UTF-8 becomes a lone surrogate. The bytes must not be shared memory. */
export function decodeText(bytes: Uint8Array): string {
  const text = decoder.decode(bytes)
  // The bytes can also encode a replacement character.
  return text.includes(REPLACEMENT) ? decodeBytewise(bytes) : text
}

/**
 * The bytes that {@link decodeText} reads as `text`. Throws code `VALUE_RANGE` for a lone surrogate that does not
 * represent a byte.
 */
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

/** Reads text up to its zero byte, or to the end if there is none, as {@link decodeText} does. */
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

/** Length in bytes of the UTF-8 sequence at `at`; 0 if there is none. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number
  if (first < 0x80) return 1
  const length = first >= 0xf0 ? LONGEST_SEQUENCE : first >= 0xe0 ? 3 : 2
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return 0
  try {
    // The decoder rejects overlong sequences, surrogates and code points beyond Unicode.
    strictDecoder.decode(bytes.subarray(at, at + length))
    return length
  } catch {
    return 0
  }
}
