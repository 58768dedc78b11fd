#!/usr/bin/env node
// Tries the memory-mapped rings of netlink on the running kernel. Needs Node, the built packages (dist) and the addon.
//
//   node check-kernel.mjs [--json] [--here [--change]] [--help]
import { spawnSync } from 'node:child_process'
import { release } from 'node:os'
import { fileURLToPath } from 'node:url'
import { runChecks } from './checks.mjs'
import { realKernel } from './real-kernel.mjs'

const HELP = `Tries the memory-mapped rings of netlink (Linux 3.10 to 4.5, CONFIG_NETLINK_MMAP) on the running kernel.

  node check-kernel.mjs [--json] [--here [--change]]

  --json   one JSON object instead of lines: kernel, node, rings, results [{ name, status, detail }]
  --here   in this network namespace; nothing in it is changed, and what would need that is skipped.
           Otherwise in a new one (unshare -n), where loopback gets 300 addresses and a rule for a packet queue
  --change with --here: the same in this one, for a machine that is thrown away

Run it as root: rings need CAP_NET_ADMIN in the initial user namespace. One line each: PASS, FAIL, or SKIP with the reason.
Exit status 0: nothing failed, or this kernel has no rings. 1: something failed. 2: it could not be tried.`

const ENOPROTOOPT = 92
const known = ['--json', '--here', '--change', '--help']
const flags = process.argv.slice(2)
const asked = (flag) => flags.includes(flag)

async function load() {
  const [mmap, open, options, system, ring, socket, client] = await Promise.all(
    [
      '../dist/index.js',
      '../dist/netlink/open.js',
      '../dist/netlink/options.js',
      '../dist/netlink/system.js',
      '../../transport/dist/netlink-ring/index.js',
      '../../transport-socket/dist/index.js',
      '../../client/dist/index.js',
    ].map((path) => import(path)),
  )
  return { ...mmap, ...open, ...options, ...system, ...ring, ...socket, ...client }
}

function finish(rings, results) {
  const failed = results.some(({ status }) => status === 'FAIL')
  if (asked('--json')) {
    console.log(JSON.stringify({ kernel: release(), node: process.version, rings, results }, null, 2))
  } else if (results.length > 0) {
    const count = (wanted) => results.filter(({ status }) => status === wanted).length
    console.log(`${count('PASS')} passed, ${count('FAIL')} failed, ${count('SKIP')} skipped on Linux ${release()}`)
  }
  process.exitCode = failed ? 1 : 0
}

/** Runs this script in a new network namespace; false when none is available. */
function runInside() {
  const script = fileURLToPath(import.meta.url)
  if (spawnSync('unshare', ['-n', 'true']).status !== 0) return false
  const command = ['-n', process.execPath, script, '--here', '--change', ...flags]
  process.exitCode = spawnSync('unshare', command, { stdio: 'inherit' }).status ?? 2
  return true
}

async function main() {
  const unknown = flags.find((flag) => !known.includes(flag))
  if (unknown !== undefined || asked('--help')) {
    console.log(unknown === undefined ? HELP : `unknown option ${unknown}\n\n${HELP}`)
    process.exitCode = unknown === undefined ? 0 : 2
    return
  }
  const lib = await load()
  const refusal = lib.probeNetlinkRing()
  if (refusal !== undefined) {
    if (!asked('--json'))
      console.log(`Linux ${release()}: ${refusal.explanation} (${refusal.step}, errno ${refusal.errno})`)
    finish(refusal, [])
    if (refusal.errno !== ENOPROTOOPT) process.exitCode = 2
    return
  }
  if (!asked('--here') && runInside()) return
  const kernel = await realKernel(lib, asked('--here') && asked('--change'))
  const results = await runChecks(kernel, ({ name, status, detail }) => {
    if (!asked('--json')) console.log(`${status}  ${name}${detail === '' ? '' : `: ${detail}`}`)
  })
  finish('there', results)
}

main().then(
  // A failed check may have left something open that would keep the process alive.
  () => process.stdout.write('', () => process.exit()),
  (error) => {
    console.error(`cannot run the checks: ${error.message}`)
    process.exit(2)
  },
)
