// Runs lint, types and all tests. The tests on the real kernel need a network namespace of their own: root makes one as
// it is; anybody else gets there through a user namespace, so the whole run moves into one, with a network that it
// owns.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const arguments_ = process.argv.slice(2)
const { execPath } = process

// The type checker has one thread, so the other checks run on another core.
await Promise.all([checkText(), step('types', [execPath, join('scripts', 'check-types.mjs')])])
const vitest = [execPath, join('node_modules', 'vitest', 'vitest.mjs'), 'run', ...arguments_]
const needsNamespace = !works('unshare', ['-n', 'true']) && works('unshare', ['-Urn', 'true'])
await step('tests', needsNamespace ? ['unshare', '-Urn', ...vitest] : vitest)

async function checkText() {
  await step('lint', [execPath, 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'])
  await step('documents', [execPath, join('scripts', 'package-graph.mjs'), '--check'])
  await step('table of errors', [execPath, join('scripts', 'error-table.mjs'), '--check'])
  await step('unused', [execPath, join('node_modules', 'knip', 'bin', 'knip.js'), '--no-progress', '--no-config-hints'])
}

function works(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0
}

/** Runs a command; ends the whole run if it fails. */
async function step(name, [command, ...args]) {
  process.stderr.write(`${name}: ${command === execPath ? 'node' : command} ${args.join(' ')}\n`)
  const child = spawn(command, args, { cwd: root, stdio: 'inherit' })
  const [status] = await once(child, 'exit')
  if (status === 0) return
  process.stderr.write(`${name} failed\n`)
  process.exit(status ?? 1)
}
