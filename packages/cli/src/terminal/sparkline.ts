const BLOCKS = '▁▂▃▄▅▆▇█'
const ASCII = '.:-=+*#@'

/** Whether the locale says that the terminal shows UTF-8. */
export function showsUnicode({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv = process.env): boolean {
  const locale = LC_ALL || LC_CTYPE || LANG || ''
  return /utf-?8/i.test(locale)
}

/** The last `width` values as bars, scaled to the highest; zero has the lowest bar. */
export function sparkline(values: readonly number[], width: number, unicode: boolean): string {
  const bars = [...(unicode ? BLOCKS : ASCII)]
  const shown = width > 0 ? values.slice(-width) : []
  const highest = Math.max(0, ...shown)
  return shown
    .map((value) => bars[highest === 0 ? 0 : Math.min(bars.length - 1, Math.floor((value / highest) * bars.length))])
    .join('')
}
