// The tests on the real kernel as programs for a guest: vitest itself takes minutes there before its first test.
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { filesBelow, root } from '../workspace.mjs'
import { bundle } from './bundle.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const SUFFIX = '.kernel.test.ts'

/** The test files whose paths start with one of `paths`, from the root of the project. */
export function testFiles(paths) {
  const files = paths.flatMap((path) => {
    const folder = statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() ? path : dirname(path)
    const found = filesBelow(join(root, folder), (name) => name.endsWith(SUFFIX) && !name.includes('node_modules'))
    return found.map((name) => join(folder, name)).filter((file) => file.startsWith(path))
  })
  return [...new Set(files)]
}

/** Bundles test files into the folder `tests` of the results; for `seen` see bundle(). */
export function bundleTests(files, results, seen) {
  const entries = { runner: join(here, 'test-runner.mjs') }
  for (const file of files) entries[bundled(file)] = join(root, file)
  return bundle(entries, join(results, 'tests'), seen)
}

/**
 * A command that runs test files, each in a process of its own, and fails when one does. Under emulation 10,000 rounds
 * of wake-ups take an hour.
 */
export function testCommand(files) {
  const runs = files.map((file) => `node $RESULTS/tests/runner.mjs ${bundled(file)}.mjs ${file} || status=1`)
  return ['export RINGLINK_WAKE_ROUNDS=200 status=0', ...runs, 'exit $status'].join('\n')
}

function bundled(file) {
  return file.slice(0, -SUFFIX.length)
}
