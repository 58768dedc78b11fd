// ringlink as a handler of the bench: answers one queue on the thread that it runs on. The arguments are in
// bench/README.md.

import { Arguments } from './arguments.ts'
import { answerQueue } from './loops.ts'
import { Meter } from './meter.ts'
import { openQueueFor } from './open.ts'
import { Work } from './work.ts'

const args = new Arguments(process.argv.slice(2))
const queue = await openQueueFor(args, args.number('queue', 0))
const work = new Work(args)
const meter = new Meter(args, () => ({
  systemCalls: queue.transport.stats.systemCalls,
  errors: queue.stats.late + queue.stats.refused + queue.stats.malformed + queue.stats.truncated,
  lost: queue.stats.lost,
  checksum: work.checksum,
}))
meter.ready()
await answerQueue(args.text('api', 'batch'), queue, work, meter)
