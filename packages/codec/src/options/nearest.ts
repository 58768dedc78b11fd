/** Longer keys are not typing errors, and comparing them costs their length squared. */
const LONGEST_KEY = 64
/** Shorter keys are part of nearly every name. */
const SHORTEST_PART = 3

/**
 * The names among `known` that `given` may have meant, at most two: those within a few typing errors; else those that
 * contain it or that it contains; else those that it abbreviates (`dport` for `destinationPort`).
 */
export function nearestNames(given: string, known: readonly string[]): readonly string[] {
  if (given.length > LONGEST_KEY) return []
  const key = given.toLowerCase().replace(/[-_]/g, '')
  const distances = known.map((name) => editDistance(key, name.toLowerCase()))
  const least = Math.min(...distances)
  if (least <= Math.max(1, key.length / 3)) return known.filter((_, i) => distances[i] === least).slice(0, 2)
  if (key.length < SHORTEST_PART) return []
  const parts = known
    .filter((name) => name.length >= SHORTEST_PART)
    .filter((name) => name.toLowerCase().includes(key) || key.includes(name.toLowerCase()))
  if (parts.length > 0) return parts.slice(0, 2)
  const abbreviated = known.filter((name) => isAbbreviation(key, name.toLowerCase()))
  return abbreviated.sort((a, b) => a.length - b.length).slice(0, 2)
}

/** Whether `short` is `long` with letters left out, except the first. */
function isAbbreviation(short: string, long: string): boolean {
  if (short[0] !== long[0]) return false
  let at = 0
  for (const letter of long) if (letter === short[at]) at++
  return at === short.length
}

/**
 * The number of letters to insert, remove, replace or swap with a neighbour to turn one into the other (optimal string
 * alignment).
 */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let least = Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1)
      const isExchange = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isExchange) least = Math.min(least, (before[j - 2] as number) + 1)
      next.push(least)
    }
    before = row
    row = next
  }
  return row[b.length] as number
}
