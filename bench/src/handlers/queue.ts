// ringlink as a handler of the bench: answers one queue on the thread that it runs on. The words are in bench/README.md.
import { answerQueue } from './loops.ts'
import { Meter } from './meter.ts'
import { openQueueFor } from './open.ts'
import { Words } from './words.ts'
import { Work } from './work.ts'

const words = new Words(process.argv.slice(2))
const queue = await openQueueFor(words, words.number('queue', 0))
const work = new Work(words)
const meter = new Meter(words, () => ({
  systemCalls: queue.transport.stats.systemCalls,
  errors: queue.stats.late + queue.stats.refused + queue.stats.malformed + queue.stats.truncated,
  lost: queue.stats.lost,
  checksum: work.checksum,
}))
meter.ready()
await answerQueue(words.text('api', 'batch'), queue, work, meter)
