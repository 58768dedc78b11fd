// One Worker of bench/src/handlers/queue-workers.ts: a queue, and nothing else.
import { parentPort, workerData } from 'node:worker_threads'
import { createScanner } from '../ids/scanner.ts'
import { Arguments } from './arguments.ts'
import { answerQueue } from './loops.ts'
import { openQueueFor } from './open.ts'
import { SharedClock, SharedPace } from './shared-pace.ts'
import { Work } from './work.ts'

const { index, threads, buffer, list } = workerData as {
  index: number
  threads: number
  buffer: SharedArrayBuffer
  list: string[]
}
const args = new Arguments(list)
const queue = await openQueueFor(args, args.number('queue', 0) + index)
const work = args.number('patterns', 0) > 0 ? createScanner(args) : new Work(args)
const pace = new SharedPace(
  new SharedClock(threads, buffer),
  index,
  () => queue.transport.stats.systemCalls,
  () => work.checksum,
)
parentPort?.postMessage('open')
await answerQueue(args.text('api', 'batch'), queue, work, pace)
