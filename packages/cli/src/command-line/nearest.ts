import { escapeText } from '../terminal/escape.ts'

/** Longer words are nobody's slip of the keyboard. */
const LONGEST_WORD = 64

/** `, did you mean --drop?`, or nothing where no known word is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const [nearest] = nearestNames(word, known)
  return nearest === undefined ? '' : `, did you mean ${escapeText(nearest)}?`
}

/** The known words that few typing errors make of `word`, and those that it begins; the nearest first. */
export function nearestNames(word: string, known: readonly string[]): readonly string[] {
  if (word.length > LONGEST_WORD) return []
  const limit = Math.max(1, Math.floor(word.replace(/^-+/, '').length / 3))
  return known
    .map((name) => ({ name, distance: name.startsWith(word) ? 0 : editDistance(word, name) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .map(({ name }) => name)
}

/** Letters to insert, remove or replace to make `b` of `a`, and neighbours to exchange. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const exchanged = isExchange ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, exchanged))
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
