// Rounds of traffic over every transport, with faults and changes, for as long as asked, and a chart of what the
// process used:
//
//   npm run soak                                          five minutes, as a nightly run
//   npm run soak -- --minutes 30 [--share 0.3] [--seed N] [--write]
//
// --results: where the chart and the samples are put; default build/soak. Red (exit 1): a difference of one packet, or
// growth. --share: how much of the time is spent on rounds. --write: the section of docs/reliability.md.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { readCommandLine, refuseCommandLine } from '../command-line.mjs'
import { bundle } from '../kernels/bundle.mjs'
import { keepRecord } from '../reliability.mjs'
import { root } from '../workspace.mjs'
import { drawChart } from './chart.mjs'

const description = {
  title: 'Soak',
  text: `Queues and logs of the real kernel, over all transports in turn: opened with random buffers and limits, fed by rules of several forms, loaded
with up to 4,000 packets, answered by a program that accepts, drops, changes, holds, forgets, breaks and throws, with messages dropped, doubled, cut
and sends cut short in half of the rounds, while sets of the rules change; then closed, and every packet accounted for.`,
}

const { values } = readCommandLine('soak', {
  options: {
    minutes: { type: 'string', default: '5' },
    share: { type: 'string', default: '1' },
    seed: { type: 'string', default: `${Math.floor(Math.random() * 0x7fffffff)}` },
    results: { type: 'string', default: join(root, 'build', 'soak') },
    write: { type: 'boolean', default: false },
  },
})
const minutes = numberOf('minutes', 1 / 60, 10_000)
const share = numberOf('share', 0.01, 1)
const seed = numberOf('seed', 0, 0x7fffffff)
const { results } = values
mkdirSync(results, { recursive: true })

const program = join(results, 'program.mjs')
await bundle({ program: join(root, 'test', 'soak', 'program.ts') }, results, root)
console.log(`soak: ${minutes} minutes, share ${share}, seed ${seed}`)
const result = await run(['--expose-gc', program, JSON.stringify({ seconds: minutes * 60, share, seed })])
if (result === undefined) process.exit(1)
const chart = drawChart(result.samples)
writeFileSync(join(results, 'soak.svg'), chart)
writeFileSync(join(results, 'soak.json'), JSON.stringify(result, null, 2))
for (const problem of result.problems) console.log(`PROBLEM: ${problem}`)
const figures = figuresOf(result)
for (const [what, value] of figures) console.log(`${what}: ${value}`)
console.log(`chart and samples: ${results}`)
if (values.write) keepRecord('soak', { ...description, command: command(), figures, chart })
process.exitCode = result.problems.length > 0 ? 1 : 0

/** The program's result, which its last line has. */
async function run(words) {
  const child = spawn('nice', ['-n', '10', process.execPath, ...words], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)))
  let last = ''
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) console.log(line)
    last = line
  }
  const status = await exited
  if (status === 0) return JSON.parse(last)
  console.log(`soak: the program ended with ${status}`)
  return undefined
}

function figuresOf({ samples, byTransport, ...totals }) {
  const used = (measure) =>
    `${mebibytes(Math.min(...samples.map(measure)))} to ${mebibytes(Math.max(...samples.map(measure)))} MiB`
  const count = (measure) => [...new Set(samples.map(measure))].sort((one, other) => one - other).join(', ')
  return [
    ['minutes', minutes],
    ['queues and logs opened, loaded and closed', totals.rounds],
    ...Object.entries(byTransport).map(([name, rounds]) => [`of these, over a ${name}`, rounds]),
    ['packets sent', totals.packets],
    ['of these, lost in full buffers, and each one counted', totals.lost],
    ['faults injected between the kernel and the client', totals.faults],
    ['changes of sets during the traffic', totals.changes],
    ['sums of docs/counters.md that were not 0, and measures that grew', totals.problems.length],
    ['heap after a collection', used((it) => it.heap)],
    ['resident memory', used((it) => it.resident)],
    ['open descriptors between rounds', count((it) => it.descriptors)],
    ['open sockets of the addon between rounds', count((it) => it.handles)],
  ]
}

function mebibytes(bytes) {
  return (bytes / 2 ** 20).toFixed(1)
}

function command() {
  return `npm run soak -- --minutes ${minutes}${share === 1 ? '' : ` --share ${share}`} --seed ${seed}`
}

function numberOf(name, least, most) {
  const value = Number(values[name])
  if (value >= least && value <= most) return value
  return refuseCommandLine('soak', `--${name} must be a number from ${least} to ${most}, got '${values[name]}'`)
}
