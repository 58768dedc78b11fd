import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Experiment, Outcome, Settings } from './experiment.ts'
import { loadBetween, markLoad } from './machine-load.ts'
import { BUILD, DIST, PEERS } from './paths.ts'
import type { Peers } from './peers.ts'
import { Program } from './program.ts'

/** Connections in the table, and how often it is listed. */
const ENTRIES = 100_000
const WARM = 6
const ROUNDS = 10

interface ListerReport {
  readonly rows: number
  readonly systemCalls?: number
  readonly cpuSeconds: number
  readonly seconds: number
  readonly peakKilobytes: number
  readonly heapBytesPerRow?: number
}

/** How many connections a program can list in a second of CPU time, the kernel's part of it included. */
export function conntrackExperiment(peers: Peers): Experiment {
  let isFilled = false
  return {
    name: 'conntrack',
    group: 'conntrack',
    title: `a listing of ${ENTRIES.toLocaleString('en-US')} connections`,
    unit: 'connections/CPU second',
    better: 'more',
    contenders: ['c-nfct', 'ringlink', 'ringlink-one', 'ringlink-ring', 'pyroute2'],
    obstacle: (contender) => {
      if (contender === 'pyroute2') return pyroute2Obstacle()
      return peers.obstacles.get('conntrack')
    },
    run: async (contender, settings) => {
      if (!isFilled) spawnSync(join(BUILD, 'conntrack'), ['fill', String(ENTRIES)], { stdio: 'inherit' })
      isFilled = true
      return await list(contender, settings)
    },
  }
}

function pyroute2Obstacle(): string | undefined {
  const { status } = spawnSync('/usr/bin/python3', ['-c', 'import pyroute2'])
  return status === 0 ? undefined : "Debian's python3-pyroute2 is not installed"
}

async function list(contender: string, { scale }: Settings): Promise<Outcome> {
  const rounds = String(Math.max(1, Math.round(ROUNDS * scale)))
  const lister = program(contender, rounds)
  try {
    const before = markLoad([lister.pid])
    const report = await lister.json<ListerReport>()
    const load = loadBetween(before, markLoad([lister.pid]))
    const { rows, cpuSeconds, seconds, systemCalls = 0, peakKilobytes, heapBytesPerRow = 0 } = report
    const details = { rows, cpuSeconds, rowsPerSecond: rows / seconds, systemCalls, peakKilobytes, heapBytesPerRow }
    return { value: rows / cpuSeconds, details: { ...details, nanosecondsPerRow: (cpuSeconds / rows) * 1e9 }, load }
  } finally {
    await lister.stop()
  }
}

function program(contender: string, rounds: string): Program {
  switch (contender) {
    case 'c-nfct':
      return new Program(contender, join(BUILD, 'conntrack'), [String(WARM), rounds])
    case 'pyroute2':
      // Slow enough for one round to tell.
      return new Program(contender, '/usr/bin/python3', [join(PEERS, 'conntrack.py'), '0', '1'])
    default:
      return new Program(contender, process.execPath, [
        ...['--expose-gc', '--max-semi-space-size=128', '--min-semi-space-size=128'],
        join(DIST, 'conntrack-lister.js'),
        ...[`--warm=${WARM}`, `--rounds=${rounds}`],
        ...(contender === 'ringlink-ring' ? ['--transport=ring'] : []),
        ...(contender === 'ringlink-one' ? ['--batch=1'] : []),
      ])
  }
}
