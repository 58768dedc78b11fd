// Installs what README's commands need on a machine with Node, npm, git, a C compiler and Debian's package tool: the
// npm packages, the addon and the built packages and, with --measurements, what bench/ calls, with --profiles, the
// profiler, with --servers, the server that tests start. Does nothing that is done already.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { obtainCommands } from './debian.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const requested = new Set(process.argv.slice(2))

installPackages()
if (requested.has('--measurements')) installDebianPackages()
if (requested.has('--profiles')) installProfiler()
if (requested.has('--servers')) installServers()
if (requested.has('--build')) build()

function installPackages() {
  const stamp = join(root, 'node_modules', '.ringlink-setup')
  const digest = digestOf(['pnpm-lock.yaml', 'package.json'])
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  say('installing the npm packages')
  run('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'])
  writeFileSync(stamp, digest)
}

/** The tools of the measurements; the demos and the tests do not need them. */
function installDebianPackages() {
  const problem = obtainCommands({ iptables: 'iptables', ip: 'iproute2' })
  if (problem !== undefined) say(`the measurements lack something: ${problem}`)
}

/** Linux's sampling profiler, for the flame graphs. */
function installProfiler() {
  const problem = obtainCommands({ perf: 'linux-perf' })
  if (problem !== undefined) say(`flame graphs cannot be drawn: ${problem}`)
}

/**
 * The server that tests of transport-nats and the demo of a fleet start. Without it these tests are skipped, by name.
 */
function installServers() {
  const problem = obtainCommands({ 'nats-server': 'nats-server' })
  if (problem !== undefined) say(`the tests with a NATS server are skipped: ${problem}`)
}

/** The addon for this machine. The published packages contain a prebuilt one; a checkout does not. */
function buildAddon() {
  if (process.platform !== 'linux')
    say('netlink exists on Linux only: the addon is not built, the simulated kernel runs')
  else run(process.execPath, [join('packages', 'native', 'bin', 'ringlink-native.mjs'), 'build'])
}

function build() {
  buildAddon()
  run(process.execPath, [join('scripts', 'build.mjs')])
}

function digestOf(files) {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function run(command, args) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (status === 0) return
  say(`${command} ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`)
  process.exit(1)
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`)
}
