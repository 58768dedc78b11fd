import type { TransportStats } from './transport.ts'

/** The counters that a transport increments itself. */
export type TransportCounts = {
  -readonly [Count in Exclude<keyof TransportStats, 'held' | 'copied' | 'sent' | 'sentBytes'>]: number
}

/** Counters at 0. */
export function newCounts(): TransportCounts {
  return { frames: 0, bytes: 0, batches: 0, wakeups: 0, systemCalls: 0, lost: 0, truncated: 0, foreign: 0 }
}

const NOTHING: TransportStats = { ...newCounts(), held: 0, copied: 0, sent: 0, sentBytes: 0 }

/**
 * The stats of a transport, read from where they are kept.
 *
 * @param below for a decorator: the transport below, which waits for the kernel, and whose losses and leases also count
 * for the decorator
 */
export function liveStats(
  counts: Readonly<TransportCounts>,
  frames: Pick<TransportStats, 'held' | 'copied'>,
  outbox: Pick<TransportStats, 'sent' | 'sentBytes'>,
  below: TransportStats = NOTHING,
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
      return counts.wakeups + below.wakeups
    },
    get systemCalls() {
      return counts.systemCalls + below.systemCalls
    },
    get lost() {
      return counts.lost + below.lost
    },
    get truncated() {
      return counts.truncated
    },
    get foreign() {
      return counts.foreign + below.foreign
    },
    get held() {
      return frames.held + below.held
    },
    get copied() {
      return frames.copied + below.copied
    },
    get sent() {
      return outbox.sent
    },
    get sentBytes() {
      return outbox.sentBytes
    },
  }
}
