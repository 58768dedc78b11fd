// How many bytes of the heap a packet of the batch interface costs. Drains the same packets in large and in small
// batches, which shows what a batch costs, and twice as many in large ones: what they cost more than their batches is
// the packets'. Runs in the namespace of the bench, with --expose-gc and a young generation in which nothing is
// collected during the measurement.
import { join } from 'node:path'
import { openQueue, openSocket, type Queue } from 'ringlink'
import { Arguments } from './handlers/arguments.ts'
import { answerBatch } from './handlers/loops.ts'
import type { Pace } from './handlers/pace.ts'
import { Work } from './handlers/work.ts'
import { BUILD } from './paths.ts'
import { Program } from './program.ts'
import { Port } from './rules.ts'

const PACKETS = 30_000
const ROUNDS = 8
const LARGE = 64
const SMALL = 8

interface Cost {
  readonly bytes: number
  readonly batches: number
}

/** Counts, and is never over. */
class CountingPace implements Pace {
  readonly isOver = false
  readonly left: number = Number.POSITIVE_INFINITY
  packets = 0
  batches = 0

  received(): void {
    this.batches++
  }

  answered(packets: number): void {
    this.packets += packets
  }
}

const large = await cheapest(LARGE, PACKETS)
const small = await cheapest(SMALL, PACKETS)
const twice = await cheapest(LARGE, 2 * PACKETS)
const perBatch = (small.bytes - large.bytes) / (small.batches - large.batches)
const perPacket = (twice.bytes - large.bytes - perBatch * (twice.batches - large.batches)) / PACKETS
process.stdout.write(`${JSON.stringify({ perPacket, perBatch })}\n`)

/** The least of several drains: what the engine allocates for itself, once, is not the work's. */
async function cheapest(batchSize: number, packets: number): Promise<Cost> {
  const queue = await openQueue({
    number: 0,
    copyRange: 128,
    maxLength: 65536,
    receiveBufferSize: 1 << 28,
    transport: (needs) => openSocket({ ...needs, batchSize }),
  })
  const costs: Cost[] = []
  for (let round = 0; round < ROUNDS; round++) costs.push(await drain(queue, packets))
  await queue.close()
  return costs.reduce((least, cost) => (cost.bytes < least.bytes ? cost : least))
}

async function drain(queue: Queue, count: number): Promise<Cost> {
  const args = [`port=${Port.Queue}`, 'mode=fill', `count=${count}`, 'size=64']
  const sender = new Program('send', join(BUILD, 'send'), args)
  await sender.expect('READY')
  await sender.expect('FILLED')
  const pace = new CountingPace()
  const work = new Work(new Arguments([]))
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  for await (const packets of queue) {
    answerBatch(packets, work, pace)
    if (pace.packets >= count) break
  }
  const bytes = process.memoryUsage().heapUsed - before
  await sender.stop()
  return { bytes, batches: pace.batches }
}
