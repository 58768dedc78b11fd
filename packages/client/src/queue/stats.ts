/**
 * Counters of a queue since it was opened. `packets + lost + unseen` is the number of packets that the kernel gave an
 * id. `packets` equals `accepted + dropped + other` once each packet has its verdict, which is the case when the queue
 * is closed.
 */
export interface QueueStats {
  /** packets received; a batch counts as a whole when it arrives */
  packets: number
  /** packets by verdict; `other` are requeued, repeated and stopped ones */
  accepted: number
  dropped: number
  other: number
  /** of the packets above, those that got the `unanswered` verdict */
  unanswered: number
  /**
   * packets that the kernel queued, could not deliver and dropped: gaps in the ids. Those after the last delivered
   * packet are counted when the queue closes. Packets that did not fit into a full queue never got an id; `counters()`
   * reports them
   */
  lost: number
  /** packets that the kernel could not deliver and let pass: the gaps in the ids with `failOpen` */
  unseen: number
  /** packets larger than a frame, which got the `unanswered` verdict without being shown */
  truncated: number
  /** messages that could not be parsed */
  malformed: number
  /** verdicts that came too late: the packet, or every packet that a batch verdict covered, was no longer queued */
  late: number
  /**
   * of the answered packets above, those whose verdict the kernel refused for another reason, or whose verdict could
   * not be sent: the kernel keeps them until the queue is closed, and drops them
   */
  refused: number
  /** batch verdicts sent, each for several of the packets above */
  batchVerdicts: number
}

/** Counters at zero, to sum over queues. */
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
