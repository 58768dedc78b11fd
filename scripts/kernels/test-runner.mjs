// Runs one bundled test file (test-files.mjs) with vitest's runner and matchers.
//
//   node <this file, bundled> <bundled test file, from this one's folder> <test file of the project>
//
// RINGLINK_SLOWNESS: how many times longer than elsewhere things take here (guest.mjs). Limits grow with it.
import { setImmediate } from 'node:timers/promises'
import { startTests } from '@vitest/runner'
import { getTests } from '@vitest/runner/utils'

const [bundled, file] = process.argv.slice(2)
const slowness = Number(process.env.RINGLINK_SLOWNESS ?? 1)

// What the matchers of vitest read of its workers.
globalThis.__vitest_worker__ = {
  config: { expect: { poll: { timeout: 1000 * slowness } }, snapshotOptions: {} },
  providedContext: {},
}

const [collected] = await startTests([{ filepath: file }], {
  config: {
    root: process.cwd(),
    name: 'kernel',
    setupFiles: [],
    passWithNoTests: false,
    allowOnly: false,
    sequence: { seed: 0, hooks: 'stack', setupFiles: 'list' },
    maxConcurrency: 1,
    // As vitest.config.ts has them.
    testTimeout: 120_000 * slowness,
    hookTimeout: 60_000 * slowness,
    retry: 0,
    tags: [],
    strictTags: false,
  },
  importFile: () => import(new URL(bundled, import.meta.url).href),
  onCollected: ([{ collectDuration }]) => console.log(`collected ${seconds(collectDuration)} ${file}`),
  onAfterRunTask: print,
})

const tests = getTests(collected)
const count = (state) => tests.filter((test) => stateOf(test) === state).length
const suites = [collected, ...suitesOf(collected)].filter(({ result }) => result?.errors?.length > 0)
for (const suite of suites) print(suite)
console.log(`${file}: ${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`)
// A rejection that nothing handles ends the process with an error, in the next turn at the latest.
await setImmediate()
// As vitest ends its workers: what a test has left open does not keep the process.
process.exit(tests.length > 0 && suites.length + count('fail') === 0 ? 0 : 1)

function print(task) {
  console.log(`${stateOf(task)} ${seconds(task.result?.duration)} ${task.fullName ?? task.name}`)
  for (const { name, message, stack = '', diff = '' } of task.result?.errors ?? [])
    console.log(
      [`${name}: ${message}`, ...stack.split('\n').filter((line) => line.startsWith('    at ')), diff].join('\n'),
    )
}

function seconds(milliseconds = 0) {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

function stateOf({ mode, result }) {
  return result?.state ?? (mode === 'skip' || mode === 'todo' ? 'skip' : 'fail')
}

function suitesOf({ tasks }) {
  return tasks.filter(({ type }) => type === 'suite').flatMap((suite) => [suite, ...suitesOf(suite)])
}
