import { join } from 'node:path'
import { earlier, type Reference } from './compare.ts'
import type { Experiment, Outcome, Settings } from './experiment.ts'
import { loadBetween, markLoad } from './machine-load.ts'
import { BUILD, DIST } from './paths.ts'
import type { Peers } from './peers.ts'
import { Program } from './program.ts'

/**
 * Records that warm a receiver, and those that are measured. So many because a busy log is woken a thousand times a
 * second only.
 */
const WARM = { 1: 500_000, 64: 1_000_000 } as const
const COUNT = { 1: 1_000_000, 64: 2_000_000 } as const
/** More than is measured, so that a loss at the end is seen by the numbers that follow it. */
const TAIL = 10_000
/** Bytes of a datagram of the log (NFULA_CFG_NLBUFSIZ). */
const BUFFER = 65536
/** A rate that every receiver on this machine can follow: nothing is lost, so the work is the same. */
const RATE = { 1: 250_000, 64: 400_000 } as const

/** Milliseconds that the client rests between two wake-ups of a busy log (its default), and C may. */
const REST = 10

interface ReceiverReport {
  readonly records: number
  readonly lost: number
  readonly measured: number
  readonly cpuSeconds: number
}

/** How many records a receiver of a packet log can read in a second of its CPU time. */
export function logExperiment(threshold: 1 | 64, peers: Peers, reference?: Reference): Experiment {
  const ours = ['ringlink', 'ringlink-ring']
  return {
    name: `log-${threshold}`,
    group: 'log',
    title: `a packet log, ${threshold === 1 ? 'a datagram for each record' : `${threshold} records in a datagram`}`,
    unit: 'records/CPU second',
    better: 'more',
    contenders:
      reference === undefined ? ['c-best', 'c-resting', ...ours] : ours.flatMap((name) => [name, earlier(name)]),
    obstacle: (contender) => (contender.startsWith('c-') ? peers.obstacles.get('log') : undefined),
    run: (contender, settings) =>
      runLog(contender, ours.includes(contender) ? DIST : (reference?.dist ?? DIST), threshold, settings),
  }
}

async function runLog(
  contender: string,
  dist: string,
  threshold: 1 | 64,
  { scale, sampling }: Settings,
): Promise<Outcome> {
  const warm = Math.round(WARM[threshold] * scale)
  const count = Math.round(COUNT[threshold] * scale)
  const args = { group: threshold, warm, count, threshold, buffer: BUFFER }
  const receiver = contender.startsWith('c-')
    ? new Program(contender, join(BUILD, 'log'), [
        ...Object.values(args).map(String),
        ...(contender === 'c-resting' ? [String(REST)] : []),
      ])
    : new Program(contender, process.execPath, [
        join(dist, 'log-receiver.js'),
        `--transport=${contender.startsWith('ringlink-ring') ? 'ring' : 'socket'}`,
        ...Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ])
  const programs = [receiver]
  try {
    await receiver.expect('READY')
    await sampling?.attach?.(receiver.pid)
    const before = markLoad([receiver.pid])
    const sender = new Program('send', join(BUILD, 'send'), [
      'mode=flood',
      `port=${9300 + threshold}`,
      'size=64',
      `count=${warm + count + TAIL}`,
      `rate=${RATE[threshold]}`,
    ])
    programs.push(sender)
    const report = await receiver.json<ReceiverReport>()
    const load = loadBetween(before, markLoad([receiver.pid, sender.pid]))
    const { measured, cpuSeconds, lost, records } = report
    const details = { records, lost, measured, cpuSeconds, nanosecondsPerRecord: (cpuSeconds / measured) * 1e9 }
    return { value: measured / cpuSeconds, details, load, ...(lost === 0 ? {} : { problem: `${lost} records lost` }) }
  } finally {
    await Promise.all(programs.map((program) => program.stop()))
  }
}
