// One Worker of bench/src/handlers/queue-workers.ts: a queue, and nothing else.
import { parentPort, workerData } from 'node:worker_threads'
import { createScanner } from '../ids/scanner.ts'
import { answerQueue } from './loops.ts'
import { openQueueFor } from './open.ts'
import { SharedClock, SharedPace } from './shared-pace.ts'
import { Words } from './words.ts'
import { Work } from './work.ts'

const { index, threads, buffer, list } = workerData as {
  index: number
  threads: number
  buffer: SharedArrayBuffer
  list: string[]
}
const words = new Words(list)
const queue = await openQueueFor(words, words.number('queue', 0) + index)
const work = words.number('patterns', 0) > 0 ? createScanner(words) : new Work(words)
const pace = new SharedPace(
  new SharedClock(threads, buffer),
  index,
  () => queue.transport.stats.systemCalls,
  () => work.checksum,
)
parentPort?.postMessage('open')
await answerQueue(words.text('api', 'batch'), queue, work, pace)
