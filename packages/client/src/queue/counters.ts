/** The kernel's counters of a queue: a line of /proc/net/netfilter/nfnetlink_queue. */
export interface QueueCounters {
  /** queue number */
  readonly number: number
  /** port id of the socket that owns it */
  readonly portId: number
  /** packets waiting for their verdict */
  readonly waiting: number
  /** `CopyMode` */
  readonly copyMode: number
  /** bytes */
  readonly copyRange: number
  /** packets dropped because the queue was full */
  readonly queueDropped: number
  /** packets dropped because the socket's receive buffer was full: each is a gap in the ids */
  readonly userDropped: number
  /** the packet id assigned last */
  readonly lastId: number
}

/** The kernel's file of counters, below /proc/net. */
export const QUEUE_COUNTERS_FILE = 'netfilter/nfnetlink_queue'

/** Parses the counters of all queues from the text of that file. Skips lines of any other form. */
export function parseQueueCounters(text: string): QueueCounters[] {
  return text.split('\n').flatMap((line) => {
    const columns = line.trim().split(/\s+/).map(Number)
    const [number, portId, waiting, copyMode, copyRange, queueDropped, userDropped, lastId] = columns
    if (columns.length < 8 || columns.some(Number.isNaN)) return []
    return [{ number, portId, waiting, copyMode, copyRange, queueDropped, userDropped, lastId } as QueueCounters]
  })
}
