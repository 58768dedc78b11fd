import type { OutboxBuffer } from '../outbox.ts'
import type { TransportStats } from '../transport.ts'
import type { RingFramePool } from './ring-batch.ts'

/** What a ring transport counts itself; `calls` are system calls that moved frames. */
export type RingCounts = Record<
  'frames' | 'bytes' | 'batches' | 'wakeups' | 'calls' | 'lost' | 'truncated' | 'foreign',
  number
>

/** The stats of a ring transport, read where they are kept. */
export function ringStats(counts: RingCounts, pool: RingFramePool, outbox: OutboxBuffer): TransportStats {
  return {
    get frames() {
      return counts.frames
    },
    get bytes() {
      return counts.bytes
    },
    get batches() {
      return counts.batches
    },
    get wakeups() {
      return counts.wakeups
    },
    get systemCalls() {
      return counts.calls
    },
    get lost() {
      return counts.lost
    },
    get truncated() {
      return counts.truncated
    },
    get foreign() {
      return counts.foreign
    },
    get held() {
      return pool.held
    },
    get copied() {
      return pool.copied
    },
    get sent() {
      return outbox.sent
    },
    get sentBytes() {
      return outbox.sentBytes
    },
  }
}
