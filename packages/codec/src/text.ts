/** Text from elsewhere in an error or on a terminal: what it says is shown, what it would do there is not done. */

/**
 * Control characters (C0, DEL, C1), format characters (zero-width ones and the bidirectional controls are among them), line and paragraph
 * separators, and surrogates without their other half.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** `text` with each character that a terminal or a reader would not show written as `\u{...}` in hexadecimal. Linear in the input. */
export function escapeText(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`)
}

/** Characters of a quoted text; more of it helps nobody. */
const LONGEST_QUOTE = 80

/** `text` in single quotes, escaped, quotes and backslashes too, and cut after 80 characters. */
export function quoteText(text: string): string {
  const isLong = text.length > LONGEST_QUOTE
  const shown = isLong ? text.slice(0, LONGEST_QUOTE) : text
  return `'${escapeText(shown.replace(/['\\]/g, '\\$&'))}${isLong ? '...' : ''}'`
}
