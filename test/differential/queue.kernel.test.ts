/**
 * The simulated kernel's queues against the real one's. Scripts written by hand, then some at random;
 * RINGLINK_DIFFERENTIAL_RUNS says how many (default 25), RINGLINK_DIFFERENTIAL_SEED repeats a run.
 */
import { anyScript } from './arbitrary.ts'
import { compareKernels } from './compare.ts'
import { queueRules } from './script.ts'
import { scripts } from './scripts.ts'

compareKernels('the simulated kernel answers as the real one', {
  rules: queueRules,
  scripts,
  random: anyScript,
  runs: 25,
})
