// Runs the property tests for long: FAST_CHECK_RUNS of each (default 20000), and the comparison of the real kernel with the
// simulated one over RINGLINK_DIFFERENTIAL_RUNS random scripts (default 1000). A failure prints the seed that repeats it.
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const environment = {
  ...process.env,
  FAST_CHECK_RUNS: process.env.FAST_CHECK_RUNS ?? '20000',
  RINGLINK_DIFFERENTIAL_RUNS: process.env.RINGLINK_DIFFERENTIAL_RUNS ?? '1000',
}
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout', '3600000']
const { status } = spawnSync(
  process.execPath,
  [...vitest, '.fuzz.ts', 'packet-view', 'test/differential', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
    env: environment,
  },
)
process.exit(status ?? 1)
