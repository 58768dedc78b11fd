/**
 * Makes untrusted text safe to show in an error or on a terminal: it is shown, and its control characters have no
 * effect.
 */

/**
 * Control characters (C0, DEL, C1), format characters (zero-width ones and the bidirectional controls are among them),
 * line and paragraph separators, and surrogates without their other half.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** The characters that `decodeText` returns for bytes that are not UTF-8. */
const FIRST_BYTE = 0xdc80
const LAST_BYTE = 0xdcff

/**
 * Escapes `text`: each invisible character becomes `\u{...}` in hexadecimal, and a byte that is not UTF-8 (see
 * `decodeText`) `\x...`. The result is one line. Linear in the input.
 */
export function escapeText(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const point = character.codePointAt(0) as number
    if (point >= FIRST_BYTE && point <= LAST_BYTE) return `\\x${(point & 0xff).toString(16)}`
    return `\\u{${point.toString(16)}}`
  })
}

/**
 * `value` as JSON in which the characters that {@link escapeText} escapes are escaped too, as `\u....`, so that it is
 * safe on a terminal. A parser reads the same value as from `JSON.stringify`.
 */
export function jsonText(value: object): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (character) => {
    const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')
  })
}

/** Maximum characters of a quoted text. */
const LONGEST_QUOTE = 80

/** `text` in single quotes, escaped, quotes and backslashes too, and cut after 80 characters. */
export function quoteText(text: string): string {
  const isLong = text.length > LONGEST_QUOTE
  const shown = isLong ? text.slice(0, LONGEST_QUOTE) : text
  return `'${escapeText(shown.replace(/['\\]/g, '\\$&'))}${isLong ? '...' : ''}'`
}
