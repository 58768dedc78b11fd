// Runs lint, types and all tests. The tests on the real kernel need a network namespace of their own: root makes one as it
// is; anybody else gets there through a user namespace, so the whole run moves into one, with a network that it owns.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const arguments_ = process.argv.slice(2)

step('lint', process.execPath, ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'])
step('documents', process.execPath, [join('scripts', 'package-graph.mjs'), '--check'])
step('table of errors', process.execPath, [join('scripts', 'error-table.mjs'), '--check'])
step('unused', process.execPath, [join('node_modules', 'knip', 'bin', 'knip.js'), '--no-progress', '--no-config-hints'])
step('types', process.execPath, [join('scripts', 'check-types.mjs')])
const vitest = [process.execPath, join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...arguments_]
const [command, ...rest] =
  works('unshare', ['-n', 'true']) || !works('unshare', ['-Urn', 'true']) ? vitest : ['unshare', '-Urn', ...vitest]
step('tests', command, rest)

function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

function step(name, command, args) {
  process.stderr.write(`${name}: ${command === process.execPath ? 'node' : command} ${args.join(' ')}\n`)
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
