/** Elements of several ranges each that overlap: a packet would be in both. */
import type { OptionPlace } from '@ringlink/codec/options'
import type { KeyRange } from '../set.ts'

/** Refuses combinations of ranges of which two overlap in every part. Throws code `ARGUMENT`. */
export function checkCombinations(combinations: readonly (readonly KeyRange[])[], place: OptionPlace): void {
  const sorted = combinations
    .map((ranges, index) => ({ ranges, index, first: ranges[0] as KeyRange }))
    .sort((a, b) => (a.first.from < b.first.from ? -1 : a.first.from > b.first.from ? 1 : a.index - b.index))
  // Those whose first range has not ended.
  let open: typeof sorted = []
  for (const current of sorted) {
    open = open.filter(({ first }) => first.to >= current.first.from)
    const other = open.find(({ ranges }) =>
      ranges.every((range, part) => meet(range, current.ranges[part] as KeyRange)),
    )
    if (other !== undefined) {
      const [first, second] = [Math.min(other.index, current.index), Math.max(other.index, current.index)]
      throw place.element(second).conflict(`overlaps ${place.element(first).path}`)
    }
    open.push(current)
  }
}

function meet(one: KeyRange, other: KeyRange): boolean {
  return one.from <= other.to && other.from <= one.to
}
