import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]
/** Puts a text in colour, or does not. */
export type Paint = (style: Style, text: string) => string

export const plain: Paint = (_, text) => text
export const inColour: Paint = (style, text) => styleText(style, text, { validateStream: false })

/** Colours on a terminal unless NO_COLOR is set (no-color.org), and anywhere with FORCE_COLOR. */
export function paintFor(stream: { readonly isTTY?: boolean | undefined }, environment = process.env): Paint {
  const { NO_COLOR, FORCE_COLOR, TERM } = environment
  if (NO_COLOR) return plain
  if (FORCE_COLOR !== undefined) return FORCE_COLOR === '0' || FORCE_COLOR === 'false' ? plain : inColour
  return stream.isTTY === true && TERM !== 'dumb' ? inColour : plain
}
