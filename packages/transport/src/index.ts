/**
 * The contract between netlink transports and their users (see transport.ts), and the parts that implementations share:
 * the base that checks state, frames in slabs, an outbox in plain memory.
 */
export { BaseTransport } from './base.ts'
export { createEmitter, type Emitter } from './emitter.ts'
export {
  closedError,
  commitError,
  openingError,
  outboxFullError,
  reservationError,
  systemError,
  TransportError,
  type TransportErrorCode,
} from './errors.ts'
export { type BatchOwner, IndexedBatch, iterateFrames } from './frames/batch.ts'
export { describeFrame, FRAME_WORDS, FrameWord, frameStride, POISON } from './frames/descriptor.ts'
export { COPIED, FrameLease, type LeaseOwner } from './frames/lease.ts'
export { FrameRing, type FrameRingOptions } from './frames/ring.ts'
export { copyBatch, SlabPool, type SlabSizes, slabCapabilities } from './frames/slab.ts'
export { FrameStore, type FrameTables } from './frames/store.ts'
export { LossCounter } from './loss.ts'
export { transportNeeds } from './needs.ts'
export { OutboxBuffer, type Transmit } from './outbox.ts'
export {
  encodeFilter,
  FilterExtension,
  type FilterInstruction,
  FilterOperation,
  MAXIMUM_FILTER_LENGTH,
  runFilter,
  type SocketFilter,
} from './socket-filter.ts'
export { liveStats, newCounts, type TransportCounts } from './stats.ts'
export type {
  Capabilities,
  Frame,
  FrameBatch,
  FrameOrigin,
  Lease,
  OpenTransport,
  Outbox,
  ReceiveOptions,
  Transport,
  TransportEvents,
  TransportNeeds,
  TransportStats,
} from './transport.ts'
export { FRAMES_PER_TURN, TIME_PER_TURN, Turn } from './turn.ts'
