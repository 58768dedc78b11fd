import { join } from 'node:path'
import type { Experiment, Outcome, Settings } from './experiment.ts'
import { loadBetween, markLoad } from './machine-load.ts'
import { BUILD, DIST } from './paths.ts'
import { Program } from './program.ts'
import { Port } from './rules.ts'

/** Seconds for which the flood continues after the measurement. */
const TAIL = 0.5

/** What each contender answers: two queues, by one of the transports, or none, so that the same flood passes it by. */
const contenders: Readonly<Record<string, string[]>> = {
  ringlink: ['queues=2', 'transport=socket'],
  'ringlink-ring': ['queues=2', 'transport=ring'],
  'no-queue': ['queues=0'],
}

interface FairnessReport {
  readonly p50: number
  readonly p99: number
  readonly maximum: number
  readonly packetsPerSecond: number
  readonly requestsPerSecond: number
}

/** An HTTP server in the process that answers two queues under a flood. */
export const fairnessExperiment: Experiment = {
  name: 'fairness',
  group: 'fairness',
  title: 'loop delay p99 beside an HTTP server, flood on two queues',
  unit: 'ms',
  better: 'less',
  contenders: Object.keys(contenders),
  obstacle: () => undefined,
  run: (contender, settings) => measure(contender, contenders[contender] ?? [], settings),
}

async function measure(contender: string, args: readonly string[], { window }: Settings): Promise<Outcome> {
  const programs: Program[] = []
  const start = (command: string, all: readonly string[]) => {
    const program = new Program(contender, command, all)
    programs.push(program)
    return program
  }
  try {
    const seconds = Math.max(1, window)
    const handler = start(process.execPath, [join(DIST, 'fairness.js'), ...args, `seconds=${seconds}`])
    await handler.expect('READY')
    const client = start(process.execPath, [join(DIST, 'http-client.js')])
    await client.expect('READY')
    const port = contender === 'no-queue' ? Port.Unqueued : Port.TwoQueues
    const flood = [`port=${port}`, 'mode=flood', 'size=64', 'addresses=64', `seconds=${seconds + 2 * TAIL}`]
    const sender = start(join(BUILD, 'send'), flood)
    await sender.expect('READY')
    const pids = [handler.pid, client.pid, sender.pid]
    const before = markLoad(pids)
    handler.go()
    const { p99, ...details } = await handler.json<FairnessReport>()
    return { value: p99, details: { ...details }, load: loadBetween(before, markLoad(pids)) }
  } finally {
    await Promise.all(programs.map((program) => program.stop()))
  }
}
