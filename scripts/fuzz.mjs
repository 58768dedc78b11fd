// Runs the property tests for long:
//
//   npm run fuzz -- --count N     at least N inputs over all properties (default 1000000)
//   npm run fuzz -- --seed S      repeats a run: each prints its seed
//   npm run fuzz -- WORDS         only the test files whose path has one of them
//
// and with RINGLINK_DIFFERENTIAL_RUNS the comparison of the real kernel with the simulated one over that many random scripts.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** About as many properties as there are. */
const PROPERTIES = 150
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { values, positionals } = parseArgs({
  options: { count: { type: 'string' }, seed: { type: 'string' } },
  allowPositionals: true,
})
const count = wholeNumber('--count', values.count, 1_000_000)
let seed = wholeNumber('--seed', values.seed, Math.floor(Math.random() * 0x7fffffff))
const files = positionals.length > 0 ? positionals : ['.fuzz.ts', 'packet-view']
if (positionals.length === 0 && process.env.RINGLINK_DIFFERENTIAL_RUNS !== undefined) files.push('test/differential')

const folder = mkdtempSync(join(tmpdir(), 'ringlink-fuzz-'))
const log = join(folder, 'inputs')
let inputs = 0
// Inputs of a round in which each property is tried once: a guess, then what the round before had.
let perRun = PROPERTIES
try {
  for (let round = 1; inputs < count; round++, seed++) {
    const runs = Math.max(20, Math.ceil((count - inputs) / perRun))
    process.stdout.write(`fuzz: round ${round}, seed ${seed}, ${runs} inputs for each property\n`)
    const { status } = spawnSync(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout', '86400000', ...files],
      {
        cwd: root,
        stdio: 'inherit',
        env: { ...process.env, FAST_CHECK_RUNS: `${runs}`, FAST_CHECK_SEED: `${seed}`, FAST_CHECK_LOG: log },
      },
    )
    const seen = countedInputs()
    if (status !== 0 || seen === inputs) {
      process.stdout.write(`fuzz: failed after ${seen} inputs; repeat it with --count ${count} --seed ${seed}\n`)
      process.exitCode = status || 1
      break
    }
    perRun = Math.max(1, (seen - inputs) / runs)
    inputs = seen
    process.stdout.write(`fuzz: ${inputs} inputs so far, seed ${seed}, no failure\n`)
  }
} finally {
  rmSync(folder, { recursive: true })
}

function countedInputs() {
  if (!existsSync(log)) return 0
  return readFileSync(log, 'utf8')
    .split('\n')
    .reduce((sum, line) => sum + Number(line), 0)
}

function wholeNumber(option, text, preset) {
  if (text === undefined) return preset
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  process.stderr.write(`fuzz: ${option} must be a whole number, got '${text}'\n`)
  process.exit(2)
}
