/**
 * Requests, dumps, packet queues and packet logs over any netlink transport.
 */
export * from './errors.ts'
export { Log, type LogEvents, type LogStats, openLog } from './log.ts'
export { type LogOptions, type LogSettings, logTransportNeeds } from './log-options.ts'
export { type DropOptions, HeldPacket, QueuePacket, type RequeueOptions } from './packet.ts'
export { PacketBatch } from './packet-batch.ts'
export { openQueue, Queue, type QueueEvents, type QueueStats } from './queue.ts'
export { parseQueueCounters, type QueueCounters } from './queue-counters.ts'
export { type QueueOptions, type QueueSettings, queueTransportNeeds } from './queue-options.ts'
export { RecordBatch } from './record-batch.ts'
export { type Request, type RequestOptions, Session, type SessionOptions, type StrayErrorHandler } from './session.ts'
