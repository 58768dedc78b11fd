// ringlink as a handler of the bench, with a Worker for each of `workers` queues. This thread only measures.
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { fanOut } from 'ringlink'
import { DIST } from '../paths.ts'
import { Arguments } from './arguments.ts'
import type { FanOutData } from './fan-out-module.ts'
import { say } from './meter.ts'
import { queueOptionsOf } from './open.ts'
import type { HandlerReport } from './pace.ts'
import { machineTime, SharedClock } from './shared-pace.ts'

/** Milliseconds between two looks at the shared clock. */
const INTERVAL = 4

const list = process.argv.slice(2)
const args = new Arguments(list)
const threads = args.number('workers', 1)
const warm = args.number('warm', 0)
const count = args.number('count', 0)
const window = args.number('window', 1.2) * 1000
const clock = new SharedClock(threads)
await (args.text('api', 'batch') === 'fan-out' ? startFanOut() : startWorkers())
say('READY')
// A pause is rehearsed: what happens for the first time throws compiled code away.
await until(() => clock.seen >= warm / 2)
clock.pause()
await until(() => true)
clock.rehearse()
await until(() => clock.seen >= warm)
clock.pause()
say('WARM')
await once(process.stdin, 'data')
const cpu = process.cpuUsage()
const calls = sum(clock.systemCalls)
clock.run()
await until(() => (count > 0 ? clock.seen >= count : isWindowOver()))
const packets = clock.seen
const end = count > 0 ? Math.max(...clock.last) : machineTime()
const { user, system } = process.cpuUsage(cpu)
const report: HandlerReport = {
  packets,
  seconds: (end - begin()) / 1000,
  user: user / 1e6,
  system: system / 1e6,
  systemCalls: asCount(sum(clock.systemCalls) - calls),
  errors: 0,
  lost: 0,
  checksum: sum(clock.checksums),
}
clock.end()
say(JSON.stringify(report))

async function startWorkers(): Promise<void> {
  const workers = Array.from({ length: threads }, (_, index) => {
    const workerData = { index, threads, buffer: clock.buffer, list }
    return new Worker(join(DIST, 'handlers', 'queue-worker.js'), { workerData })
  })
  await Promise.all(workers.map((worker) => once(worker, 'message')))
}

async function startFanOut(): Promise<void> {
  const first = args.number('queue', 0)
  const data: FanOutData = { first, threads, buffer: clock.buffer, list }
  const ring = args.text('transport', 'socket') !== 'socket'
  await fanOut({
    ...queueOptionsOf(args),
    queues: Array.from({ length: threads }, (_, index) => first + index),
    module: join(DIST, 'handlers', 'fan-out-module.js'),
    data,
    ring,
  })
}

function asCount(calls: number): number | null {
  return Number.isNaN(calls) ? null : calls
}

function begin(): number {
  return Math.min(...clock.first.filter((time) => time > 0))
}

function isWindowOver(): boolean {
  return clock.first.some((time) => time > 0) && machineTime() - begin() >= window
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0)
}

async function until(condition: () => boolean): Promise<void> {
  do await new Promise((resolve) => setTimeout(resolve, INTERVAL))
  while (!condition())
}
