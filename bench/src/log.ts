// NFLOG, side by side with C: CPU time of the receiver per record, in one interleaved run whose order is reversed each
// repetition. Makes its own namespace.
//
//   node bench/dist/log.js [--repetitions 5] [--count 500000] [--threshold 64] [--json]
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runInNamespace } from './namespace.ts'

const HELP = `CPU time per NFLOG record: ringlink and the best C we can write, in one interleaved run.

  --repetitions N   default 5
  --count N         records measured in each (default 500000), after a warm-up of 200000
  --threshold N     records per datagram (default 64)
  --json            the result as one JSON object
  --help`

const { values } = parseArgs({
  options: {
    repetitions: { type: 'string', default: '5' },
    count: { type: 'string', default: '500000' },
    threshold: { type: 'string', default: '64' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    inside: { type: 'boolean', default: false },
  },
})
const here = dirname(fileURLToPath(import.meta.url))
const peers = join(here, '..', 'peers')
const PORT = 9000
const GROUP = 5
const WARM = 200_000
const BUFFER = 65536
/** What no receiver of this machine's can be behind: a rate at which nothing is lost, so that the work is the same. */
const RATE = 400_000

interface Result {
  records: number
  lost: number
  measured: number
  cpuSeconds: number
}

if (values.help) process.stdout.write(`${HELP}\n`)
else if (values.inside) await compare()
else
  runInNamespace(import.meta.url, [
    `-A OUTPUT -p udp --dport ${PORT} -j NFLOG --nflog-group ${GROUP} --nflog-prefix bench --nflog-threshold ${values.threshold}`,
    `-A INPUT -p udp --dport ${PORT} -j DROP`,
  ])

async function compare(): Promise<void> {
  const built = mkdtempSync(join(tmpdir(), 'ringlink-bench-'))
  for (const name of ['send', 'log']) {
    execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-o', join(built, name), join(peers, `${name}.c`)], {
      stdio: 'inherit',
    })
  }
  const count = Number(values.count)
  const receivers: Record<string, () => ChildProcess> = {
    c: () => start(join(built, 'log'), [GROUP, WARM, count, values.threshold, BUFFER].map(String)),
    ringlink: () =>
      start(process.execPath, [
        join(here, 'log-receiver.js'),
        ...Object.entries({ group: GROUP, warm: WARM, count, threshold: values.threshold, buffer: BUFFER }).flatMap(
          ([name, value]) => [`--${name}`, String(value)],
        ),
      ]),
  }
  const perRecord: Record<string, number[]> = { c: [], ringlink: [] }
  const lost: Record<string, number> = { c: 0, ringlink: 0 }
  for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
    const order = repetition % 2 === 0 ? ['c', 'ringlink'] : ['ringlink', 'c']
    for (const name of order) {
      const result = await measure(receivers[name] as () => ChildProcess, join(built, 'send'), WARM + count)
      perRecord[name]?.push((result.cpuSeconds / result.measured) * 1e9)
      lost[name] = (lost[name] ?? 0) + result.lost
      if (!values.json) process.stderr.write(`${name.padEnd(9)} ${JSON.stringify(result)}\n`)
    }
  }
  const ratios = (perRecord.ringlink ?? []).map((value, index) => value / (perRecord.c?.[index] as number))
  const summary = {
    threshold: Number(values.threshold),
    nanosecondsPerRecord: { c: spread(perRecord.c ?? []), ringlink: spread(perRecord.ringlink ?? []) },
    ratio: spread(ratios),
    lost,
  }
  process.stdout.write(`${JSON.stringify(summary, null, values.json ? undefined : 2)}\n`)
}

function start(command: string, args: string[]): ChildProcess {
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function measure(receiver: () => ChildProcess, sender: string, count: number): Promise<Result> {
  const child = receiver()
  let output = ''
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      output += chunk
      if (output.startsWith('READY')) resolve()
    })
    child.once('exit', () => reject(new Error(`the receiver ended early: ${output}`)))
  })
  const exited = once(child, 'exit')
  await ready
  // More than is measured, so that a loss at the end is seen by the numbers that follow it.
  const sending = start(sender, [String(PORT), String(count + 10_000), '64', String(RATE)])
  await Promise.all([exited, once(sending, 'exit')])
  return JSON.parse(output.slice('READY\n'.length)) as Result
}

function spread(numbers: number[]): { median: number; minimum: number; maximum: number } {
  const sorted = [...numbers].sort((a, b) => a - b)
  const round = (value: number | undefined) => Number((value ?? Number.NaN).toPrecision(4))
  return { median: round(sorted[sorted.length >> 1]), minimum: round(sorted[0]), maximum: round(sorted.at(-1)) }
}
