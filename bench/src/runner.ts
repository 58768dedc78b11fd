import type { Experiment, Outcome, Settings } from './experiment.ts'
import { resolution, waitForQuiet } from './machine-load.ts'
import type { Missing, Run } from './results.ts'

/** Cores that others may use while something is measured. */
const MOST_BY_OTHERS = 0.25
/** Cores that they may use before it begins, and seconds over which that is seen. */
const QUIET = 0.1
const QUIET_SAMPLE = 0.2
/** Shortest wait, in seconds. */
const LEAST_PATIENCE = 0.2

export interface Progress {
  /** A run has ended. */
  run(experiment: Experiment, run: Run): void
  missing(missing: Missing): void
  /** The time is up, in the middle of this repetition (from 0). */
  outOfTime(repetition: number): void
}

/**
 * Runs every contender of every experiment, in turn within each repetition, and in the reverse order in every
 * other repetition, so that what changes slowly in the machine is the same for all.
 */
export async function runAll(
  experiments: readonly Experiment[],
  settings: Settings,
  progress: Progress,
): Promise<{ runs: Run[]; missing: Missing[] }> {
  const runs: Run[] = []
  const missing = new Map<string, Missing>()
  const leaveOut = (experiment: Experiment, contender: string, reason: string) => {
    const entry = { workload: experiment.name, contender, reason }
    missing.set(`${experiment.name}\0${contender}`, entry)
    progress.missing(entry)
  }
  for (const experiment of experiments) {
    for (const contender of experiment.contenders) {
      const obstacle = experiment.obstacle(contender)
      if (obstacle !== undefined) leaveOut(experiment, contender, obstacle)
    }
  }
  const quiet = new Quiet(settings.patience)
  const end = performance.now() + settings.limit * 1000
  for (let repetition = 0; repetition < settings.repetitions; repetition++) {
    for (const experiment of experiments) {
      const order = repetition % 2 === 0 ? experiment.contenders : [...experiment.contenders].reverse()
      for (const contender of order) {
        if (missing.has(`${experiment.name}\0${contender}`)) continue
        if (repetition > 0 && performance.now() > end) {
          progress.outOfTime(repetition)
          return { runs, missing: [...missing.values()] }
        }
        try {
          const run = await measure(experiment, contender, repetition, settings, quiet)
          runs.push(run)
          progress.run(experiment, run)
        } catch (error) {
          leaveOut(experiment, contender, error instanceof Error ? error.message : String(error))
        }
      }
    }
  }
  return { runs, missing: [...missing.values()] }
}

/**
 * Waits for a quiet machine, shorter each time that it does not become one: such a machine would be waited for all
 * night.
 */
class Quiet {
  #patience: number

  constructor(patience: number) {
    this.#patience = patience
  }

  async wait(): Promise<void> {
    if (this.#patience === 0) return
    const isQuiet = await waitForQuiet(QUIET, this.#patience, QUIET_SAMPLE)
    if (!isQuiet) this.#patience = Math.max(LEAST_PATIENCE, this.#patience / 2)
  }
}

/** One run, again while others disturb it; of those that were all disturbed the one that was the least. */
async function measure(
  experiment: Experiment,
  contender: string,
  repetition: number,
  settings: Settings,
  quiet: Quiet,
): Promise<Run> {
  let best: { outcome: Outcome; others: number } | undefined
  for (let redone = 0; ; redone++) {
    await quiet.wait()
    const outcome = await experiment.run(contender, settings)
    const { load } = outcome
    const others = load?.others ?? 0
    const most = load === undefined ? MOST_BY_OTHERS : Math.max(MOST_BY_OTHERS, resolution(load.seconds))
    if (best === undefined || others < best.others) best = { outcome, others }
    if (others > most && redone < settings.redos) continue
    const { value, details, problem } = best.outcome
    return {
      workload: experiment.name,
      contender,
      repetition,
      value,
      details,
      otherCores: best.others,
      isDisturbed: best.others > most,
      redone,
      ...(problem === undefined ? {} : { problem }),
    }
  }
}
