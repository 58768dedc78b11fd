/** Consecutive numbers of records that a program was given: first and last. */
export type SeenRange = readonly [first: number, last: number]

/** Collects the numbers of records, in the order in which a program is given them. */
export class SeenNumbers {
  readonly ranges: [number, number][] = []

  add(number: number): void {
    const range = this.ranges.at(-1)
    if (range !== undefined && number === range[1] + 1) range[1] = number
    else this.ranges.push([number, number])
  }
}

/** How many numbers ranges hold, each counted once, and how many come again. */
export function countRanges(ranges: readonly SeenRange[]): { distinct: number; again: number } {
  let distinct = 0
  let again = 0
  let reached = -1
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const overlap = Math.max(0, Math.min(reached, last) - first + 1)
    again += overlap
    distinct += last - first + 1 - overlap
    reached = Math.max(reached, last)
  }
  return { distinct, again }
}
