/**
 * The simulated kernel's logs against the real one's, as its queues in queue.kernel.test.ts. Random scripts: default
 * 10.
 */
import { compareKernels } from './compare.ts'
import { anyLogScript } from './log-arbitrary.ts'
import { logScripts } from './log-scripts.ts'
import { logRules } from './script.ts'

compareKernels('the simulated kernel logs as the real one', {
  rules: logRules,
  scripts: logScripts,
  random: anyLogScript,
  runs: 10,
})
