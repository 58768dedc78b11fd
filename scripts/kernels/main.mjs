// Runs the built project on Debian's stock kernels, under emulation, and prints one table of kernels and checks.
//
//   npm run test:kernels [-- [--quick] [--only TEXT] [--tests PATH] [--write] [kernel...] [-- command]]
//
// --quick: a few checks in five minutes. What there is no time, no download or no emulator for is skipped by name, so
// that only a check that failed is a failure. The kernel `here` is this machine's, without emulation. --only (any
// number): checks that have the text in their name. --tests (any number): only the tests of the real kernel whose paths
// start so. --write: the table of docs/platforms.md, from these results and, for what was not run now, from those that
// docs/platforms/ keeps.
//
// Needs Debian's packages (see COMMANDS); root installs them when they are missing. Kernels are kept in
// ~/.cache/ringlink.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { homedir, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { readCommandLine, refuseCommandLine } from '../command-line.mjs'
import { obtainCommands } from '../debian.mjs'
import { root } from '../workspace.mjs'
import { bundle } from './bundle.mjs'
import { allChecks, quickChecks, tests } from './checks.mjs'
import { guestScript, hasFailed, outcomeTable, outcomeText, parseOutcome } from './guest.mjs'
import { keepOutcomes } from './table.mjs'
import { bundleTests } from './test-files.mjs'

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
/** This machine's. */
const HERE = 'here'
const MEMORY = 1536
/** Seconds for everything on one kernel. */
const FULL_LIMIT = 4 * 3600
/** Seconds for all kernels with --quick, and those that one needs at least. */
const QUICK_BUDGET = 290
const QUICK_MINIMUM = 50

const here = fileURLToPath(new URL('.', import.meta.url))
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ringlink', 'kernels')

process.exitCode = await main(process.argv.slice(2))

async function main(words) {
  const { checks, kernels, command, write, quick } = parse(words)
  const start = performance.now()
  const problem = kernels.every(({ name }) => name === HERE) ? undefined : missing(quick ? QUICK_BUDGET / 3 : undefined)
  if (problem !== undefined) {
    console.log(`test:kernels (skipped: ${problem})`)
    return 0
  }
  const results = mkdtempSync(join(tmpdir(), 'ringlink-kernels-'))
  const columns = []
  for (const [index, { name, source }] of kernels.entries()) {
    const limit = () =>
      quick ? Math.floor((QUICK_BUDGET - (performance.now() - start) / 1000) / (kernels.length - index)) : FULL_LIMIT
    const machine = name === HERE ? thisMachine() : guest(name, source, limit())
    if (machine === undefined && !quick) return 1
    if (machine === undefined || limit() < QUICK_MINIMUM) {
      console.log(
        `test:kernels, ${name} (skipped: ${machine === undefined ? 'it could not be downloaded' : 'no time is left'})`,
      )
      continue
    }
    const out = join(results, name)
    mkdirSync(out)
    if (command !== undefined) {
      const began = performance.now()
      const status = await machine.run(out, MEMORY, limit(), command, (line) => console.log(`${name}: ${line}`))
      const outcome = { status, seconds: (performance.now() - began) / 1000, isCommand: true }
      columns.push({ name, version: machine.version, outcomes: new Map([['command', outcome]]) })
    } else {
      const { version } = machine
      // At once: a run of an hour may be ended before its last check.
      const keep = (outcomes) => write && keepOutcomes([{ name, version, outcomes }])
      columns.push({ name, version, outcomes: await check(machine, out, checks, limit(), keep) })
    }
  }
  const names = command !== undefined ? ['command'] : checks.map(({ name }) => name)
  console.log(`\n${outcomeTable(names, columns, quick ? 'skipped: no time' : undefined)}\n\nresults: ${results}`)
  const outcomes = names.flatMap((name) => columns.map((column) => column.outcomes.get(name)))
  return outcomes.some((outcome) => (outcome === undefined ? !quick : hasFailed(outcome))) ? 1 : 0
}

function parse(words) {
  const separator = words.indexOf('--')
  const own = separator < 0 ? words : words.slice(0, separator)
  const { values, positionals } = readCommandLine('test:kernels', {
    args: own,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      tests: { type: 'string', multiple: true },
      write: { type: 'boolean', default: false },
    },
  })
  const chosen = positionals.length === 0 ? Object.keys(KERNELS) : positionals
  const kernels = chosen.map((word) => {
    const [name, source = KERNELS[name]] = word.split(':')
    if (source !== undefined || name === HERE) return { name, source }
    const expected = `one of ${[...Object.keys(KERNELS), HERE].join(', ')}, or name:package`
    return refuseCommandLine('test:kernels', `a kernel must be ${expected}, got '${word}'`)
  })
  const { quick, only = [''], tests: paths, write } = values
  if (paths !== undefined && write)
    refuseCommandLine('test:kernels', '--write keeps the outcomes of whole checks, so use --only with it')
  const named = (quick ? quickChecks : allChecks).filter(({ name }) => only.some((text) => name.includes(text)))
  const checks = paths === undefined ? named : paths.map((path) => tests(path, path))
  const empty = paths?.find((_, index) => checks[index].files.length === 0)
  if (empty !== undefined) refuseCommandLine('test:kernels', `no test of the real kernel has a path '${empty}...'`)
  if (checks.length === 0) refuseCommandLine('test:kernels', `no check has ${JSON.stringify(only)} in its name`)
  return { checks, kernels, command: separator < 0 ? undefined : words.slice(separator + 1).join(' '), write, quick }
}

/** Why there can be no guest here, after root has installed what was missing; `undefined`: there can. */
function missing(limit) {
  if (process.arch !== 'x64' || process.platform !== 'linux') return `Debian's kernels for x64 need x64 Linux`
  return obtainCommands(COMMANDS, limit)
}

/**
 * A stock kernel under emulation; `undefined`: it could not be downloaded within `limit` seconds, and fetch.sh has said
 * why.
 */
function guest(name, source, limit) {
  const kernel = join(cache, name)
  mkdirSync(cache, { recursive: true })
  const isDone = (...command) =>
    spawnSync('timeout', [`${Math.max(1, limit)}`, ...command], { stdio: 'inherit' }).status === 0
  const fetch = () => isDone(join(here, 'fetch.sh'), cache, `${name}:${source}`)
  // Debian's lists may be missing, or older than its packages.
  if (!fetch() && !(process.getuid?.() === 0 && isDone('apt-get', 'update', '-qq') && fetch())) return undefined
  const processors = '2'
  return {
    version: readFileSync(join(kernel, 'version'), 'utf8').trim(),
    project: '/project',
    run: (out, memory, limit, command, onLine) =>
      lines(join(here, 'vm.sh'), [kernel, root, out, `${memory}`, processors, `${limit}`, command], {}, onLine),
  }
}

/** This machine, as the guests are. */
function thisMachine() {
  return {
    version: release(),
    project: root,
    run: (out, _memory, limit, command, onLine) =>
      lines(
        'timeout',
        [`${limit}`, 'bash', '-c', command],
        { cwd: root, env: { ...process.env, RESULTS: out } },
        onLine,
      ),
  }
}

/** Runs the checks on one kernel; their outcomes by name. `keep` gets all so far after each. */
async function check(machine, out, checks, limit, keep) {
  const programs = checks.flatMap((it) => it.program ?? [])
  const entries = programs.map((program) => [program, join(root, 'test', 'kernels', `${program}.ts`)])
  await bundle(Object.fromEntries(entries), out, machine.project)
  await bundleTests([...new Set(checks.flatMap((it) => it.files ?? []))], out, machine.project)
  const outcomes = new Map()
  const memory = Math.max(MEMORY, ...checks.map((it) => it.memory ?? 0))
  await machine.run(out, memory, limit, guestScript(checks, nodeStart()), (line) => {
    const outcome = parseOutcome(line)
    if (outcome === undefined) return console.log(`${machine.version}: ${line}`)
    const { name } = checks[outcome.index]
    outcomes.set(name, outcome)
    console.log(`${machine.version}: ${name}: ${outcomeText(outcome)}`)
    keep(outcomes)
  })
  return outcomes
}

/** Seconds that Node.js takes to start on this machine: the fastest start of five, as other work slows some down. */
function nodeStart() {
  const starts = Array.from({ length: 5 }, () => {
    const start = performance.now()
    spawnSync(process.execPath, ['-e', '0'])
    return (performance.now() - start) / 1000
  })
  return Math.min(...starts)
}

/** Runs a command; `onLine` has what it prints. Resolves to its exit status. */
async function lines(command, words, options, onLine) {
  // A group of its own, because a guest outlives the script that has started it.
  const child = spawn(command, words, { ...options, stdio: ['ignore', 'pipe', 'inherit'], detached: true })
  const end = (signal) => {
    process.kill(-child.pid)
    process.kill(process.pid, signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end)
  const exited = new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)))
  for await (const line of createInterface({ input: child.stdout })) onLine(line.trimEnd())
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, end)
  return exited
}
