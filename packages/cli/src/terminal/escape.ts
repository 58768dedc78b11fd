const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu
const LONGEST_QUOTE = 80

/** Text from elsewhere, safe on a terminal: control, format and bidi characters are written as `\u{...}`. */
export function escapeText(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

/** The same in quotes, cut where it is long. */
export function quoteText(text: string): string {
  const shown = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}...` : text
  return `'${escapeText(shown)}'`
}

/** As {@link escapeText}, with line breaks left as they are. */
export function escapeLines(text: string): string {
  return text.split('\n').map(escapeText).join('\n')
}
