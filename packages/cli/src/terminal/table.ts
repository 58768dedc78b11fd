import { stripVTControlCharacters } from 'node:util'

export interface Column {
  readonly title?: string
  /** default left */
  readonly align?: 'left' | 'right'
}

/** The width of a text on a terminal, without its colours. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length
}

/** Rows in columns of minimal width, two blanks apart; first a row of titles if any column has one. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const titles = columns.map(({ title = '' }) => title)
  const all = titles.some((title) => title !== '') ? [titles, ...rows] : rows
  const widths = columns.map((_, i) => Math.max(0, ...all.map((row) => widthOf(row[i] ?? ''))))
  return all.map((row) =>
    columns
      .map(({ align }, i) => {
        const cell = row[i] ?? ''
        const room = ' '.repeat((widths[i] ?? 0) - widthOf(cell))
        return align === 'right' ? room + cell : cell + room
      })
      .join('  ')
      .trimEnd(),
  )
}

/** The text cut to `width` columns; colours stay, and end with it. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let shown = 0
  let result = ''
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what sets colours begins with ESC
  for (const [part] of text.matchAll(/\x1b\[[\d;]*m|./gsu)) {
    if (part.startsWith('\x1b[')) result += part
    else if (shown++ < width) result += part
  }
  return result
}
