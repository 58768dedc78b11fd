// Looks for faults in the addon's C: cppcheck and clang-tidy read it, and the tests that call it run with an addon that
// AddressSanitizer and UndefinedBehaviorSanitizer watch, which end the process at their first report.
//
//   npm run test:native [-- FILE...]      FILE: only these tests, and no analysis
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compile } from '../../packages/native/scripts/compile.mjs'
import { obtainCommands } from '../debian.mjs'
import { root } from '../workspace.mjs'
import { analyse } from './analyse.mjs'

const KERNEL_TESTS = ['packages/transport-socket', 'packages/transport-mmap']
const UNIT_TESTS = ['packages/native']
const WATCHED = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer', '-g', '-O1']
// The runtime has to be there before the addon, because Node.js itself is not linked with it.
const RUNTIMES = ['libasan.so', 'libubsan.so']

process.exitCode = main(process.argv.slice(2))

function main(files) {
  if (process.platform !== 'linux') {
    console.log('test:native (skipped: the addon exists on Linux only)')
    return 0
  }
  const readers = files.length === 0 ? { cppcheck: 'cppcheck', 'clang-tidy': 'clang-tidy' } : {}
  const problem = obtainCommands({ ...readers, gcc: 'gcc' })
  if (problem !== undefined) {
    console.log(`test:native (skipped: ${problem})`)
    return 0
  }
  if (files.length === 0 && !analyse()) return 1
  return runWatched(files) ? 0 : 1
}

/** Whether the tests pass with the watched addon. */
function runWatched(files) {
  const runtimes = RUNTIMES.map(runtimePath)
  const directory = mkdtempSync(join(tmpdir(), 'ringlink-sanitizers-'))
  try {
    const addon = join(directory, 'ringlink.node')
    if (!compile({ compiler: ['gcc'], output: addon, flags: WATCHED })) return false
    const environment = {
      ...process.env,
      LD_PRELOAD: runtimes.join(':'),
      // V8 keeps its memory until the process ends, so leaks cannot be told apart; the tests count handles and mappings
      // themselves.
      ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:allocator_may_return_null=1',
      UBSAN_OPTIONS: 'print_stacktrace=1:abort_on_error=1',
      RINGLINK_WATCHED_ADDON: addon,
      NODE_OPTIONS: `--require ${fileURLToPath(new URL('load-watched.cjs', import.meta.url))}`,
    }
    const runs =
      files.length > 0
        ? [['--project', 'unit', '--project', 'kernel', ...files]]
        : [
            ['--project', 'unit', ...UNIT_TESTS],
            ['--project', 'kernel', ...KERNEL_TESTS],
          ]
    return runs.every((words) => vitest(words, environment))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function vitest(words, env) {
  const options = ['--testTimeout=120000', '--hookTimeout=60000', '--passWithNoTests=false']
  const command = [join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...options, ...words]
  return spawnSync(process.execPath, command, { cwd: root, env, stdio: 'inherit' }).status === 0
}

/** Where gcc keeps a runtime library. */
function runtimePath(library) {
  return spawnSync('gcc', [`-print-file-name=${library}`], { encoding: 'utf8' }).stdout.trim()
}
