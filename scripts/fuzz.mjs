// Fuzzes the readers of bytes and the checks of options:
//
//   npm run fuzz -- --count N     N inputs (default 1000000) over the views, the readers of attributes, inspect, checks of rules, pcapng
//                                 and pcap; then the property tests, with a hundredth of that
//   npm run fuzz -- --seed S      repeats a run: each prints its seed
//   npm run fuzz -- WORDS         at least N inputs over only the test files whose path has one of the words
//
// and with RINGLINK_DIFFERENTIAL_RUNS the comparison of the real kernel with the simulated one over that many random
// scripts.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCommandLine, wholeNumber } from './command-line.mjs'
import { ProgressLog } from './progress.mjs'
import { alignedLines } from './text-table.mjs'

/** The files of inputs that cost microseconds (test/support/byte-fuzz.ts), and those of property tests. */
const BYTES = ['codec.fuzz', 'capture.fuzz', 'check.fuzz']
const PROPERTIES = [
  ...['attribute-set.fuzz', 'inspect.fuzz', 'large.fuzz', 'captures.fuzz', 'replies.fuzz', 'families.fuzz'],
  ...['arguments.fuzz', 'packet.fuzz', 'queue/packet.test', 'log/record.test', 'conntrack/view.test'],
]
/** Inputs of each property in a run of so many. */
const PROPERTY_PART = 20_000
/** About as many properties as there are. */
const PROPERTY_COUNT = 150
/** Milliseconds between two looks at the progress. */
const INTERVAL = 2000

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { values, positionals } = readCommandLine('fuzz', {
  options: { count: { type: 'string' }, seed: { type: 'string' } },
  allowPositionals: true,
})
const count = wholeNumber('fuzz', '--count', values.count, 1_000_000)
const firstSeed = wholeNumber('fuzz', '--seed', values.seed, Math.floor(Math.random() * 0x7fffffff))
const folder = mkdtempSync(join(tmpdir(), 'ringlink-fuzz-'))
const log = new ProgressLog(join(folder, 'inputs'))
/** Of each target: inputs so far, seconds of processor time, the slowest input in seconds and the longest in bytes. */
const targets = new Map()
let properties = 0
try {
  const succeeded = positionals.length > 0 ? await fuzzFiles() : await fuzzAll()
  if (!succeeded) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}

/** The inputs over all targets, then the property tests. */
async function fuzzAll() {
  process.stdout.write(`fuzz: ${count} inputs, seed ${firstSeed}\n`)
  const succeeded = await run(BYTES, { FUZZ_COUNT: `${count}`, FAST_CHECK_SEED: `${firstSeed}` })
  process.stdout.write(`\n${table().join('\n')}\n\n`)
  if (!succeeded) return failed()
  const runs = Math.max(20, Math.ceil(count / PROPERTY_PART))
  const files = [...PROPERTIES]
  if (process.env.RINGLINK_DIFFERENTIAL_RUNS !== undefined) files.push('test/differential')
  process.stdout.write(`fuzz: property tests, seed ${firstSeed}, ${runs} inputs for each property\n`)
  if (!(await run(files, { FAST_CHECK_RUNS: `${runs}`, FAST_CHECK_SEED: `${firstSeed}` }))) return failed()
  const inputs = sum(({ inputs }) => inputs)
  process.stdout.write(`fuzz: ${inputs} inputs, and ${properties} of property tests, seed ${firstSeed}, no failure\n`)
  return true
}

/** At least so many inputs over some files, in rounds: how many a round has, shows only when it has ended. */
async function fuzzFiles() {
  const all = () => properties + sum(({ inputs }) => inputs)
  let perRun = PROPERTY_COUNT
  for (let round = 1, seed = firstSeed; all() < count; round++, seed++) {
    const before = all()
    const runs = Math.max(20, Math.ceil((count - before) / perRun))
    process.stdout.write(`fuzz: round ${round}, seed ${seed}, ${runs} inputs for each property\n`)
    const given = { FAST_CHECK_RUNS: `${runs}`, FUZZ_COUNT: `${count - before}`, FAST_CHECK_SEED: `${seed}` }
    if (!(await run(positionals, given)) || all() === before) return failed()
    perRun = Math.max(1, (all() - before) / runs)
    process.stdout.write(`fuzz: ${all()} inputs so far, seed ${seed}, no failure\n`)
  }
  return true
}

/** Runs test files, one at a time, and shows their progress. Resolves with whether they succeeded. */
async function run(files, environment) {
  const words = ['node_modules/vitest/vitest.mjs', 'run', '--maxWorkers=1', '--testTimeout', '86400000', ...files]
  const env = { ...process.env, ...environment, FAST_CHECK_LOG: log.path }
  const child = spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env })
  const timer = setInterval(showProgress, INTERVAL)
  const status = await new Promise((resolve) => child.once('close', resolve))
  clearInterval(timer)
  showProgress()
  return status === 0
}

function failed() {
  const inputs = properties + sum(({ inputs }) => inputs)
  process.stdout.write(`fuzz: failed after ${inputs} inputs; repeat it with --count ${count} --seed ${firstSeed}\n`)
  return false
}

/** Reads the lines that the tests have added: a number of inputs of a property, or the progress of a target. */
function showProgress() {
  for (const entry of log.next()) {
    if (typeof entry === 'number') {
      properties += entry
      continue
    }
    const { target, of, slowest, longest, seconds } = entry
    const inputs = (targets.get(target)?.inputs ?? 0) + entry.inputs
    targets.set(target, { inputs, slowest, longest, seconds })
    process.stdout.write(`fuzz: ${target}: ${inputs} of ${of} inputs, ${seconds.toFixed(1)} s of processor time\n`)
  }
}

function sum(read) {
  return [...targets.values()].reduce((total, target) => total + read(target), 0)
}

function table() {
  const head = ['target', 'inputs', 'longest, bytes', 'seconds of CPU', 'inputs a second', 'slowest, ms']
  const rows = [...targets].map(([name, { inputs, longest, seconds, slowest }]) => [
    name,
    ...[inputs, longest, Math.round(seconds), Math.round(inputs / seconds), Math.round(slowest * 1000)].map(String),
  ])
  rows.push(['all', String(sum(({ inputs }) => inputs)), '', String(Math.round(sum(({ seconds }) => seconds))), '', ''])
  return alignedLines([head, ...rows], 1)
}
