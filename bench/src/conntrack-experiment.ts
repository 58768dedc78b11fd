import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { totalCalls } from './counting-experiments.ts'
import type { Experiment, Outcome, Settings } from './experiment.ts'
import { loadBetween, markLoad } from './machine-load.ts'
import { BUILD, DIST, PEERS } from './paths.ts'
import type { Peers } from './peers.ts'
import { Program } from './program.ts'

/** Connections in the table, and how often it is listed. */
const ENTRIES = 100_000
const WARM = 3
const ROUNDS = 10
/** Rounds of those that take long. */
const FEW_ROUNDS = 3
/** Datagrams for each wake-up of the event loop. */
const BATCHES = [64, 16, 4, 1] as const
/** Milliseconds for a listing by Python on a machine that is busy. */
const PATIENCE = 240_000
/** Debian's Python, which has the package python3-pyroute2. */
const PYTHON = '/usr/bin/python3'

interface ListerReport {
  readonly rows: number
  readonly cpuSeconds: number
  readonly seconds: number
  readonly peakKilobytes: number
  /** absent where the program does not count them */
  readonly systemCalls?: number
  readonly heapBytesPerRow?: number
  readonly heapBytesPerBatch?: number
  readonly heldBytesPerRow?: number
}

/** How many connections a program can list in a second of CPU time, the kernel's part of it included. */
export function conntrackExperiments(peers: Peers): Experiment[] {
  const group = 'conntrack'
  const unit = 'connections/CPU second'
  const size = ENTRIES.toLocaleString('en-US')
  let isFilled = false
  const run = async (contender: string, settings: Settings) => {
    if (!isFilled) spawnSync(join(BUILD, 'conntrack'), ['fill', String(ENTRIES)], { stdio: 'inherit' })
    isFilled = true
    return await list(contender, settings)
  }
  const obstacle = (contender: string) => {
    if (contender === 'pyroute2') return missing(PYTHON, ['-c', 'import pyroute2'], 'python3-pyroute2')
    if (contender === 'conntrack-tool') return missing('conntrack', ['--version'], 'conntrack')
    return peers.obstacles.get('conntrack')
  }
  return [
    {
      ...{ name: 'conntrack', group, unit, better: 'more', obstacle, run },
      title: `a listing of ${size} connections`,
      contenders: [
        'c-nfct',
        'ringlink',
        'ringlink-ring',
        'ringlink-rows',
        'ringlink-list',
        'conntrack-tool',
        'pyroute2',
      ],
    },
    {
      ...{ name: 'conntrack-wake-ups', group, unit, better: 'more', obstacle, run },
      title: `the same with views and the socket, by the number of datagrams that are received for a wake-up of the event loop`,
      contenders: BATCHES.map((batch) => `socket-${batch}`),
    },
  ]
}

function missing(command: string, words: readonly string[], debian: string): string | undefined {
  return spawnSync(command, words).status === 0 ? undefined : `Debian's ${debian} is not installed`
}

async function list(contender: string, { scale }: Settings): Promise<Outcome> {
  const isSlow = ['ringlink-rows', 'ringlink-list', 'conntrack-tool'].includes(contender)
  const rounds = Math.max(1, Math.round((isSlow ? FEW_ROUNDS : ROUNDS) * scale))
  const [command, words] = commandOf(contender, rounds)
  const lister = new Program(contender, command, words)
  try {
    const mark = () => markLoad([lister.pid], { ofChildren: contender === 'conntrack-tool' })
    const before = mark()
    const report = await lister.json<ListerReport>(PATIENCE)
    const load = loadBetween(before, mark())
    const { rows, cpuSeconds, seconds, peakKilobytes, heapBytesPerRow, heapBytesPerBatch, heldBytesPerRow } = report
    const { systemCalls = callsOfTool(contender) * (rows / ENTRIES) } = report
    return {
      value: rows / cpuSeconds,
      details: {
        ...{ rows, cpuSeconds, rowsPerSecond: rows / seconds, nanosecondsPerRow: (cpuSeconds / rows) * 1e9 },
        ...{ systemCallsPerThousandRows: (systemCalls / rows) * 1000, peakMegabytes: peakKilobytes / 1024 },
        ...(heapBytesPerRow === undefined ? {} : { heapBytesPerRow }),
        ...(heapBytesPerBatch === undefined ? {} : { heapBytesPerBatch }),
        ...(heldBytesPerRow === undefined ? {} : { heldBytesPerRow }),
      },
      load,
    }
  } finally {
    await lister.stop()
  }
}

function commandOf(contender: string, rounds: number): [string, readonly string[]] {
  switch (contender) {
    case 'c-nfct':
      return [join(BUILD, 'conntrack'), [String(WARM), String(rounds)]]
    case 'conntrack-tool':
      // It prints text, and is started for each listing.
      return [join(BUILD, 'conntrack'), ['tool', String(rounds), ...toolWords(contender)]]
    case 'pyroute2':
      return [PYTHON, [join(PEERS, 'conntrack.py'), '0', '1']]
    default:
      return [process.execPath, listerWords(contender, rounds)]
  }
}

function listerWords(contender: string, rounds: number): string[] {
  const [kind = '', word = ''] = contender.split('-')
  const api = contender === 'ringlink-rows' ? 'rows' : contender === 'ringlink-list' ? 'list' : 'views'
  return [
    ...['--expose-gc', '--max-semi-space-size=128', '--min-semi-space-size=128'],
    join(DIST, 'conntrack-lister.js'),
    ...[`--warm=${WARM}`, `--rounds=${rounds}`, `--api=${api}`],
    ...(contender === 'ringlink-ring' ? ['--transport=ring'] : []),
    ...(kind === 'socket' ? [`--batch=${word}`] : []),
  ]
}

function toolWords(contender: string): readonly string[] {
  return contender === 'pyroute2' ? [PYTHON, join(PEERS, 'conntrack.py'), '0', '1'] : ['conntrack', '-L']
}

const counted = new Map<string, number>()

/** The system calls of one listing by a program that does not count them, by strace, without those of its start. */
function callsOfTool(contender: string): number {
  const known = counted.get(contender)
  if (known !== undefined) return known
  const directory = mkdtempSync(join(tmpdir(), 'ringlink-bench-'))
  try {
    const output = join(directory, 'calls')
    const receives = '-etrace=sendto,sendmsg,recvfrom,recvmsg,recvmmsg,poll,select,epoll_wait,write'
    spawnSync('strace', ['-f', '--seccomp-bpf', '-c', receives, '-o', output, ...toolWords(contender)], {
      stdio: 'ignore',
    })
    const calls = totalCalls(readFileSync(output, 'utf8'))
    counted.set(contender, calls)
    return calls
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
