// A process with a queue, in the namespace that it was started in, brought to a stage of its life and then to an end.
// The first argument says which: JSON of Life. Prints `ready` once it is there and, where it closes the queue, what it
// has counted.
import { Worker } from 'node:worker_threads'
import { type HeldPacket, openQueue, openTransport, type Queue } from 'ringlink'
import { type Life, transportOptions } from './life.ts'

const life = JSON.parse(process.argv[2] ?? '{}') as Life
const held: HeldPacket[] = []
const hoard: Buffer[] = []
// Keeps the process alive that waits for a signal: a queue without a loop does not.
let alive: NodeJS.Timeout | undefined

if (life.inWorker) {
  const worker = new Worker(process.argv[1] as string, { argv: [JSON.stringify({ ...life, inWorker: false })] })
  const terminate = () => void worker.terminate().then((code) => report({ terminated: code }))
  worker.on('error', (error: Error) => report({ error: error.message }))
  process.once('SIGUSR2', terminate)
} else void begin()

async function begin(): Promise<void> {
  const queue = await openQueue({
    number: life.number,
    copyRange: 64,
    unanswered: 'accept',
    transport: (needs) => openTransport({ ...needs, ...transportOptions[life.transport] }),
    rule: { hook: 'output', priority: 'raw', match: { protocol: 'udp', destinationPort: life.port } },
  })
  process.once('SIGUSR2', () => void close(queue))
  if (life.stage !== 'opened') void read(queue)
  if (life.stage === 'closing') await once(() => queue.stats.packets > 0)
  if (life.stage === 'reading') await once(() => queue.stats.accepted > 0)
  if (life.stage === 'holding') await once(() => held.length > 0)
  if (life.stage === 'closing') void queue.close()
  report('ready')
  die(queue)
}

async function read(queue: Queue): Promise<void> {
  for await (const packets of queue) {
    for (const packet of packets) {
      if (life.stage === 'holding' && held.length < 1000) held.push(packet.hold())
      else packet.accept()
    }
  }
}

function die(queue: Queue): void {
  switch (life.end) {
    case 'close':
      void close(queue)
      break
    case 'process.exit':
      process.exit(3)
      break
    case 'throw':
      setImmediate(() => {
        throw new Error('the end')
      })
      break
    case 'reject':
      void Promise.reject(new Error('the end'))
      break
    case 'loop':
      for (;;);
    case 'fill':
      for (;;) hoard.push(Buffer.alloc(8 << 20, 1))
    case 'signal':
      alive = setInterval(() => {}, 1 << 30)
  }
}

async function close(queue: Queue): Promise<void> {
  clearInterval(alive)
  await queue.close()
  report({ stats: queue.stats, counters: queue.counters() })
}

function report(what: unknown): void {
  console.log(JSON.stringify(what))
}

/** Resolves in the turn of the event loop in which something has come true. */
async function once(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise(setImmediate)
}
