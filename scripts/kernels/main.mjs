// Runs the built project on Debian's stock kernels, under emulation, and prints one table of kernels and checks.
//
//   npm run test:kernels [-- [--quick] [kernel...] [-- command]]
//
// Needs Debian's packages (see COMMANDS); root installs them when they are missing. Kernels are kept in ~/.cache/ringlink.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { obtainCommands } from '../debian.mjs'
import { root } from '../workspace.mjs'
import { bundle } from './bundle.mjs'
import { allChecks, quickChecks } from './checks.mjs'
import { guestScript, outcomeTable, outcomeText, parseOutcome } from './guest.mjs'

const COMMANDS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  cpio: 'cpio',
  depmod: 'kmod',
  xz: 'xz-utils',
  'apt-get': 'apt',
  dpkg: 'dpkg',
}
/** Debian 12's kernels, and the packages that they come in; another one is named as `name:package`. */
const KERNELS = { 6.1: 'linux-image-amd64', 6.12: 'linux-image-6.12-amd64' }
const MEMORY = 1536
/** Seconds for everything on one kernel. */
const QUICK_LIMIT = 900
const FULL_LIMIT = 4 * 3600

const here = fileURLToPath(new URL('.', import.meta.url))
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ringlink', 'kernels')

process.exitCode = await main(process.argv.slice(2))

async function main(words) {
  const { quick, kernels, command } = parse(words)
  const problem = missing()
  if (problem !== undefined) {
    console.log(`test:kernels (skipped: ${problem})`)
    return 0
  }
  const results = mkdtempSync(join(tmpdir(), 'ringlink-kernels-'))
  const columns = []
  for (const [name, source] of kernels) {
    const kernel = join(cache, name)
    mkdirSync(cache, { recursive: true })
    const fetched = spawnSync(join(here, 'fetch.sh'), [cache, `${name}:${source}`], { stdio: 'inherit' })
    if (fetched.status !== 0) return 1
    const version = readFileSync(join(kernel, 'version'), 'utf8').trim()
    const out = join(results, name)
    if (command !== undefined) {
      const status = await boot(kernel, out, MEMORY, FULL_LIMIT, command, (line) => console.log(`${name}: ${line}`))
      columns.push({ version, outcomes: new Map([['command', { status, seconds: 0 }]]) })
    } else columns.push({ version, outcomes: await check(kernel, version, out, quick) })
  }
  const names = command !== undefined ? ['command'] : (quick ? quickChecks : allChecks).map(({ name }) => name)
  console.log(`\n${outcomeTable(names, columns)}\n\nresults: ${results}`)
  const failed = names.some((name) => columns.some(({ outcomes }) => outcomes.get(name)?.status !== 0))
  return failed ? 1 : 0
}

function parse(words) {
  const separator = words.indexOf('--')
  const own = separator < 0 ? words : words.slice(0, separator)
  const { values, positionals } = parseArgs({
    args: own,
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false } },
  })
  const chosen = positionals.length === 0 ? Object.keys(KERNELS) : positionals
  const kernels = chosen.map((word) => {
    const [name, source = KERNELS[name]] = word.split(':')
    if (source === undefined) {
      throw new Error(`kernel must be one of ${Object.keys(KERNELS).join(', ')}, or name:package, got '${word}'`)
    }
    return [name, source]
  })
  return { quick: values.quick, kernels, command: separator < 0 ? undefined : words.slice(separator + 1).join(' ') }
}

/** Why there can be no guest here, after root has installed what was missing; `undefined`: there can. */
function missing() {
  if (process.arch !== 'x64' || process.platform !== 'linux') return `Debian's kernels for x64 need x64 Linux`
  return obtainCommands(COMMANDS)
}

/** Runs the checks on one kernel; their outcomes by name. */
async function check(kernel, version, out, quick) {
  const checks = quick ? quickChecks : allChecks
  mkdirSync(out, { recursive: true })
  await bundle(join(root, 'test', 'kernels', 'wake-ups.ts'), join(out, 'wake-ups.mjs'), '/project')
  const outcomes = new Map()
  const memory = Math.max(MEMORY, ...checks.map((it) => it.memory ?? 0))
  const inside = guestScript(checks, nodeStart())
  await boot(kernel, out, memory, quick ? QUICK_LIMIT : FULL_LIMIT, inside, (line) => {
    const outcome = parseOutcome(line)
    if (outcome === undefined) return console.log(`${version}: ${line}`)
    const { name } = checks[outcome.index]
    outcomes.set(name, outcome)
    console.log(`${version}: ${name}: ${outcomeText(outcome)}`)
  })
  return outcomes
}

/** Seconds that Node.js takes to start on this machine. */
function nodeStart() {
  const start = performance.now()
  spawnSync(process.execPath, ['-e', '0'])
  return (performance.now() - start) / 1000
}

/** Runs a command in a guest; `onLine` has what it prints. */
async function boot(kernel, out, memory, limit, command, onLine) {
  const processors = '2'
  const guest = spawn(join(here, 'vm.sh'), [kernel, root, out, `${memory}`, processors, `${limit}`, command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise((resolve) => guest.once('close', (code) => resolve(code ?? 1)))
  for await (const line of createInterface({ input: guest.stdout })) onLine(line.trimEnd())
  return exited
}
