// The equations of docs/counters.md with random faults, a million packets for each transport, in rounds of 20,000 that
// have a seed each:
//
//   npm run test:counters                            all transports, about ten minutes
//   npm run test:counters -- --transport NAME        one of them
//   npm run test:counters -- --packets N --seed S    more or fewer packets, and the same faults again
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCommandLine, refuseCommandLine, wholeNumber } from './command-line.mjs'
import { ProgressLog } from './progress.mjs'
import { alignedLines } from './text-table.mjs'

const TRANSPORTS = ['simulated socket', 'simulated netlink ring', 'socket', 'ring', 'ring with a kernel thread']
/** Milliseconds between two looks at the rounds that have ended. */
const INTERVAL = 1000

const { values } = readCommandLine('counters', {
  options: { packets: { type: 'string' }, seed: { type: 'string' }, transport: { type: 'string' } },
})
const packets = wholeNumber('counters', '--packets', values.packets, 1_000_000)
const seed = wholeNumber('counters', '--seed', values.seed, Math.floor(Math.random() * 0x7fffffff))
const { transport } = values
if (transport !== undefined && !TRANSPORTS.includes(transport)) {
  refuseCommandLine('counters', `--transport must be one of '${TRANSPORTS.join("', '")}', got '${transport}'`)
}

const folder = mkdtempSync(join(tmpdir(), 'ringlink-counters-'))
const log = new ProgressLog(join(folder, 'rounds'))
const rounds = []
let failed = false
try {
  for (const name of transport === undefined ? TRANSPORTS : [transport]) {
    process.stdout.write(`counters: ${packets} packets over a ${name}, seed ${seed}\n`)
    const status = await load(name)
    if (status !== 0) {
      failed = true
      const words = `--transport '${name}' --packets ${packets} --seed ${seed}`
      process.stdout.write(`counters: failed over a ${name}; repeat it: npm run test:counters -- ${words}\n`)
    }
  }
} finally {
  rmSync(folder, { recursive: true })
}
process.stdout.write(`\n${table().join('\n')}\n`)
if (failed) process.exitCode = 1

/** Runs the tests of one transport, and prints each round once it has ended. Resolves with the exit code. */
async function load(name) {
  const file = name.startsWith('simulated') ? 'million.test.ts' : 'million.kernel.test.ts'
  const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', `test/counters/${file}`], {
    cwd: dirname(dirname(fileURLToPath(import.meta.url))),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      RINGLINK_PACKETS: `${packets}`,
      RINGLINK_SEED: `${seed}`,
      RINGLINK_TRANSPORT: name,
      RINGLINK_COUNTERS_LOG: log.path,
    },
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  const timer = setInterval(showRounds, INTERVAL)
  const status = await new Promise((resolve) => child.once('close', resolve))
  clearInterval(timer)
  showRounds()
  if (status !== 0) process.stdout.write(output)
  return status
}

function showRounds() {
  for (const round of log.next()) {
    rounds.push(round)
    const { transport: name, what, trouble, round: number, rounds: all, seed: its, count, received, lost } = round
    const counts = `${count} packets, ${received} received, ${lost} lost, ${faultsOf(round)} faults`
    process.stdout.write(
      `${name}: ${what}, ${trouble}, round ${number} of ${all}, seed ${its}: ${counts}, difference ${round.difference}\n`,
    )
  }
}

/** The faults of a round; those that still wait are among the delayed ones. */
function faultsOf({ faults: { waiting: _, ...faults } }) {
  return Object.values(faults).reduce((sum, count) => sum + count, 0)
}

/** The sums of all rounds of each kind. */
function table() {
  const groups = new Map()
  for (const round of rounds) {
    const key = [round.transport, round.what, round.trouble].join('\0')
    const sums = groups.get(key) ?? [0, 0, 0, 0, 0, 0]
    const values = [1, round.count, round.received, round.lost, faultsOf(round), round.difference]
    groups.set(
      key,
      sums.map((sum, index) => sum + values[index]),
    )
  }
  const head = ['transport', 'what', 'faults', 'rounds', 'packets', 'received', 'lost', 'faulty', 'difference']
  const rows = [head, ...[...groups].map(([key, sums]) => [...key.split('\0'), ...sums.map(String)])]
  return alignedLines(rows, 3)
}
