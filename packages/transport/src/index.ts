/**
 * The contract between netlink transports and their users (see transport.ts), and the parts that implementations share:
 * the base that checks state, frames in slabs, an outbox in plain memory.
 */
export * from './base.ts'
export * from './emitter.ts'
export * from './errors.ts'
export * from './frames/batch.ts'
export * from './frames/descriptor.ts'
export * from './frames/lease.ts'
export * from './frames/ring.ts'
export * from './frames/slab.ts'
export * from './frames/store.ts'
export * from './loss.ts'
export * from './needs.ts'
export * from './outbox.ts'
export * from './socket-filter.ts'
export * from './stats.ts'
export * from './transport.ts'
export * from './turn.ts'
