import type { Results, Run } from './results.ts'
import { pairedRatios, type Sample, type Spread, spreadOf } from './statistics.ts'

/** The values of one contender in one workload. */
export function samplesOf(runs: readonly Run[], workload: string, contender: string): Sample[] {
  return runs.filter((run) => run.workload === workload && run.contender === contender)
}

/** Median and range of a contender's values. */
export function spreadOfValue(results: Results, workload: string, contender: string): Spread | undefined {
  return spreadOf(samplesOf(results.runs, workload, contender).map(({ value }) => value))
}

/** Median and range of one of a contender's details. */
export function detailOf(results: Results, workload: string, contender: string, detail: string): Spread | undefined {
  const runs = results.runs.filter((run) => run.workload === workload && run.contender === contender)
  return spreadOf(runs.flatMap(({ details }) => details[detail] ?? []))
}

/** Median and range of the ratios of two contenders, one of each repetition. */
export function ratioOf(results: Results, workload: string, contender: string, to: string): Spread | undefined {
  return spreadOf(pairedRatios(samplesOf(results.runs, workload, contender), samplesOf(results.runs, workload, to)))
}
