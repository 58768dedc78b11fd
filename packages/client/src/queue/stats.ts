/**
 * What a queue has seen and answered since it was opened. All packets that the kernel gave an id are `packets + lost + unseen`, and
 * `packets` is `accepted + dropped + other` once each has its verdict, which all have when the queue is closed.
 */
export interface QueueStats {
  /** packets received, the whole batch as soon as it comes */
  packets: number
  /** packets by verdict; `other` are requeued, repeated and stopped ones */
  accepted: number
  dropped: number
  other: number
  /** packets, of those above, that had the `unanswered` verdict */
  unanswered: number
  /**
   * packets that the kernel queued, could not deliver and dropped: gaps in their ids, those after the last packet as soon as the queue is
   * closed. Those that did not fit into a full queue never had an id; `counters()` has them
   */
  lost: number
  /** packets that the kernel let pass unseen because it could not deliver them: the gaps, with `failOpen` */
  unseen: number
  /** packets larger than a frame, answered by the `unanswered` verdict without being shown */
  truncated: number
  /** messages that could not be read */
  malformed: number
  /** verdicts that came too late: the packet, or all that a batch verdict covered, was no longer queued */
  late: number
  /** verdicts that the kernel refused for another reason */
  refused: number
  /** batch verdicts, each of which answered several of the packets above */
  batchVerdicts: number
}

/** Counters at zero: for sums over queues. */
export function newQueueStats(): QueueStats {
  return {
    packets: 0,
    accepted: 0,
    dropped: 0,
    other: 0,
    unanswered: 0,
    lost: 0,
    unseen: 0,
    truncated: 0,
    malformed: 0,
    late: 0,
    refused: 0,
    batchVerdicts: 0,
  }
}
