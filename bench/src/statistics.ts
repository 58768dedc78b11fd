/** Statistics of the repetitions of a measurement. */
export interface Spread {
  readonly median: number
  readonly minimum: number
  readonly maximum: number
  readonly count: number
}

/** Median, smallest and largest; undefined of nothing. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] as number
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
  return { median, minimum: sorted[0] as number, maximum: sorted.at(-1) as number, count: sorted.length }
}

/** A value of one repetition. */
export interface Sample {
  readonly repetition: number
  readonly value: number
}

/** The ratio `a / b` in each repetition that has both: what is measured at the same time shares the machine's mood. */
export function pairedRatios(a: readonly Sample[], b: readonly Sample[]): number[] {
  const other = new Map(b.map(({ repetition, value }) => [repetition, value]))
  return a.flatMap(({ repetition, value }) => {
    const divisor = other.get(repetition)
    return divisor === undefined || divisor === 0 ? [] : [value / divisor]
  })
}
