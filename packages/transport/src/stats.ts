import type { TransportStats } from './transport.ts'

/** What a transport counts itself; `calls` are system calls that moved frames, in either direction. */
export type TransportCounts = Record<
  'frames' | 'bytes' | 'batches' | 'wakeups' | 'calls' | 'lost' | 'truncated' | 'foreign',
  number
>

/** Counts that begin at 0. */
export function newCounts(): TransportCounts {
  return { frames: 0, bytes: 0, batches: 0, wakeups: 0, calls: 0, lost: 0, truncated: 0, foreign: 0 }
}

/** The stats of a transport, read where they are kept. */
export function liveStats(
  counts: TransportCounts,
  frames: { readonly held: number; readonly copied: number },
  outbox: { readonly sent: number; readonly sentBytes: number },
): TransportStats {
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
      return frames.held
    },
    get copied() {
      return frames.copied
    },
    get sent() {
      return outbox.sent
    },
    get sentBytes() {
      return outbox.sentBytes
    },
  }
}
