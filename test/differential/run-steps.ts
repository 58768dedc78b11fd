/** What performs the steps of one kind of scripts on a machine. */
export interface StepRunner<Step> {
  /** a line or several for each step, with nothing in them that may differ between kernels */
  readonly lines: string[]
  step(index: number, step: Step): Promise<void>
  close(): Promise<void>
}

/** Performs a script and closes the runner. Returns its lines. */
export async function runSteps<Step>(runner: StepRunner<Step>, script: readonly Step[]): Promise<string[]> {
  try {
    for (const [index, step] of script.entries()) await runner.step(index, step)
    return runner.lines
  } finally {
    await runner.close()
  }
}
