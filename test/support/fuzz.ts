/**
 * How property tests are fuzzed: `npm run fuzz` sets how often each is tried (FAST_CHECK_RUNS), the seed
 * (FAST_CHECK_SEED) and a file to which each property appends the number of its inputs (FAST_CHECK_LOG). Import it
 * before a property runs.
 */
import { appendFileSync } from 'node:fs'
import fc from 'fast-check'

const { FAST_CHECK_RUNS, FAST_CHECK_SEED, FAST_CHECK_LOG } = process.env

/** How often a property is tried: `quick` times by `npm test`, or as often as `npm run fuzz` asks. */
export function runsOf(quick: number): number {
  return FAST_CHECK_RUNS === undefined ? quick : Number(FAST_CHECK_RUNS)
}

/** For properties that cost about as much as most. */
export const runs: number = runsOf(200)

if (FAST_CHECK_SEED !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(FAST_CHECK_SEED) })
if (FAST_CHECK_LOG !== undefined) {
  fc.configureGlobal({
    ...fc.readConfigureGlobal(),
    reporter: (details) => {
      appendFileSync(FAST_CHECK_LOG, `${details.numRuns}\n`)
      if (details.failed) throw new Error(fc.defaultReportMessage(details))
    },
  })
}
