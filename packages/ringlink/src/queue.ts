// biome-ignore-all lint/performance/noBarrelFile: the entry of a subpath

/**
 * `ringlink/queue`: answers packets and nothing else, from one file that has all the code it needs, so that a program
 * starts in half the processor time (docs/performance.md). Its classes are copies of those of `ringlink`: `instanceof`
 * with a class of one is false for objects of the other. `isNetlinkError` of either recognises the errors of both.
 */
import type { Queue } from '@ringlink/client'
import { isPlainQueue, openPlainQueue } from '@ringlink/client/internal'
import { type QueueOptions, withQueueTransport } from './open.ts'

export type {
  HeldPacket,
  PacketBatch,
  PacketVerdictChanges,
  Queue,
  QueueEvents,
  QueuePacket,
  QueueStats,
} from '@ringlink/client'
export { isNetlinkError } from '@ringlink/codec'
export { openTransport, type QueueOptions, type TransportChoice } from './open.ts'

/**
 * Opens a queue, as `openQueue` of `ringlink`, with the same options and errors. The first queue with `rule` or `sets`
 * loads all of `ringlink`, which opens it.
 */
export async function openQueue(given: QueueOptions): Promise<Queue> {
  const options = withQueueTransport(given)
  if (isPlainQueue(options)) return openPlainQueue(options)
  const { openQueue: openWithRules } = await import('ringlink')
  return openWithRules(given)
}
