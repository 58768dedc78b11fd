/**
 * Counters of a log since it was opened. Once it is closed and `untold` is 0, `records + lost` is the number of packets
 * that were logged; see docs/counters.md.
 */
export interface LogStats {
  /** records received */
  records: number
  /** records, of those above, that nobody had read at `close()` and that were not shown */
  unread: number
  /**
   * packets that were logged and lost, counted by the gaps in the sequence numbers; needs `sequence`. On a netlink ring
   * a lost packet gets no number: there it is half of `lostMessages`, because the kernel counts each packet twice
   */
  lost: number
  /** datagrams, each of one or more records, that the kernel could not deliver */
  lostMessages: number
  /**
   * of `lostMessages`, datagrams that may have been lost after the last record of a group, so that no number tells how
   * many packets they held; 0 until the log is closed
   */
  untold: number
  /** datagrams larger than a frame */
  truncated: number
  /** messages that could not be parsed */
  malformed: number
}

/** Counters at zero. */
export function newLogStats(): LogStats {
  return { records: 0, unread: 0, lost: 0, lostMessages: 0, untold: 0, truncated: 0, malformed: 0 }
}
