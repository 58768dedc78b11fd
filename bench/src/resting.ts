// What a program pays before its first packet, and what a queue takes while none comes. In a process of its own, which
// imports ringlink only when it measures. Prints one line of JSON. Arguments: measure=start|idle transport=socket|ring
// entry=ringlink|ringlink/queue, what is imported.
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { Arguments } from './handlers/arguments.ts'
import { Port } from './rules.ts'

const args = new Arguments(process.argv.slice(2))
const ring = args.text('transport', 'ring') === 'ring'
const isQueueEntry = args.text('entry', 'ringlink') === 'ringlink/queue'
const IDLE_QUEUES = 16
/** The first number of queues that no rule feeds. */
const UNUSED = 1000
/** Bytes of a page, in which the kernel counts. */
const PAGE = 4096

const measured = args.text('measure', 'start') === 'start' ? await startUp() : await idle()
process.stdout.write(`${JSON.stringify(measured)}\n`)
process.exit(0)

/** Milliseconds of processor time from the import to the verdict on a first packet; all threads are in it. */
async function startUp() {
  const sender = createSocket('udp4')
  const before = process.cpuUsage()
  const began = performance.now()
  const { openQueue } = await (isQueueEntry ? import('ringlink/queue') : import('ringlink'))
  const imported = process.cpuUsage(before)
  const queue = await openQueue({ number: 0, ring })
  const opened = process.cpuUsage(before)
  sender.send('first', Port.Queue, '127.0.0.1')
  for await (const packets of queue) {
    packets.accept()
    queue.flush()
    break
  }
  const answered = process.cpuUsage(before)
  const elapsed = performance.now() - began
  return { cpu: milliseconds(answered), imported: milliseconds(imported), opened: milliseconds(opened), elapsed }
}

function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000
}

/** MiB for each of some queues with default options after a first one: in memory, and of addresses. */
async function idle() {
  const { openQueue } = await import('ringlink')
  await openQueue({ number: UNUSED, ring })
  globalThis.gc?.()
  const before = memory()
  for (let index = 1; index <= IDLE_QUEUES; index++) await openQueue({ number: UNUSED + index, ring })
  globalThis.gc?.()
  const after = memory()
  return {
    resident: (after.resident - before.resident) / IDLE_QUEUES,
    addresses: (after.addresses - before.addresses) / IDLE_QUEUES,
  }
}

/** In MiB. */
function memory() {
  const [addresses = 0, resident = 0] = readFileSync('/proc/self/statm', 'utf8').split(' ').map(Number)
  const mebibytes = (pages: number) => (pages * PAGE) / 2 ** 20
  return { addresses: mebibytes(addresses), resident: mebibytes(resident) }
}
