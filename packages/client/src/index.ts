/**
 * Requests, dumps and packet queues over any netlink transport.
 */
export * from './errors.ts'
export { type DropOptions, HeldPacket, QueuePacket, type RequeueOptions } from './packet.ts'
export { PacketBatch } from './packet-batch.ts'
export { openQueue, Queue, type QueueEvents, type QueueStats } from './queue.ts'
export { parseQueueCounters, type QueueCounters } from './queue-counters.ts'
export { type QueueOptions, type QueueSettings, queueTransportNeeds } from './queue-options.ts'
export { type Request, type RequestOptions, Session, type SessionOptions, type StrayErrorHandler } from './session.ts'
