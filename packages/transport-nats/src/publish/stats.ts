/** The counters of a publisher. All frames that the source delivered are stored, dropped, unconfirmed, or pending. */
export interface PublisherStats {
  /** frames that the source delivered */
  readonly frames: number
  /** netlink messages in them: records of a log, events of connections */
  readonly messages: number
  /** NATS messages that the server has stored */
  readonly batches: number
  /** frames in them, and netlink messages in these */
  readonly storedFrames: number
  readonly storedMessages: number
  /** bytes of payload of these */
  readonly storedBytes: number
  /** messages that the server had stored before, when a connection broke */
  readonly duplicates: number
  /**
   * frames dropped because the memory was full, or because they do not fit into a message; and netlink messages in them
   */
  readonly droppedFrames: number
  readonly droppedMessages: number
  /**
   * frames that were sent, and of which it is not known whether the server has stored them; and netlink messages in
   * them
   */
  readonly unconfirmedFrames: number
  readonly unconfirmedMessages: number
  /** datagrams that the kernel dropped before the source could deliver them */
  readonly lost: number
  /** attempts that failed: the message was sent again */
  readonly retries: number
  /** connections that broke, and were replaced */
  readonly reconnects: number
}

export type PublisherCounts = { -readonly [Count in keyof PublisherStats]: PublisherStats[Count] }

export function newPublisherCounts(): PublisherCounts {
  return {
    ...{ frames: 0, messages: 0, batches: 0, storedFrames: 0, storedMessages: 0, storedBytes: 0, duplicates: 0 },
    ...{ droppedFrames: 0, droppedMessages: 0, unconfirmedFrames: 0, unconfirmedMessages: 0 },
    ...{ lost: 0, retries: 0, reconnects: 0 },
  }
}
