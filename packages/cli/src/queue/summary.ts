import type { Queue } from 'ringlink'
import { formatRows, whole } from '../terminal/text.ts'

/** The counters so far, over all queues. */
export interface Totals {
  /** packets received, and the bytes of them */
  readonly packets: number
  readonly bytes: number
  readonly accepted: number
  readonly dropped: number
  /** packets, of those above, that the program gave no verdict: they got the `--unanswered` one */
  readonly unanswered: number
  /** packets that the kernel dropped because the queue or the socket's buffer was full */
  readonly lost: number
  /** packets that wait in the kernel */
  readonly waiting: number
  /** verdicts that came when the kernel no longer had the packet */
  readonly late: number
}

/** Sums the counters of the queues and of the kernel. */
export class Tally {
  bytes = 0
  /** packets that the program has looked at */
  answered = 0
  #queues: readonly Queue[]
  #lost: number[] = []
  #waiting: number[] = []

  constructor(queues: readonly Queue[]) {
    this.#queues = queues
  }

  read(): Totals {
    const queues = this.#queues
    queues.forEach((queue, i) => {
      this.#readCounters(queue, i)
    })
    const sum = (pick: (queue: Queue) => number) => queues.reduce((total, queue) => total + pick(queue), 0)
    return {
      packets: sum(({ stats }) => stats.packets),
      bytes: this.bytes,
      accepted: sum(({ stats }) => stats.accepted),
      dropped: sum(({ stats }) => stats.dropped),
      unanswered: sum(({ stats }) => stats.unanswered),
      lost: this.#lost.reduce((total, lost) => total + lost, 0),
      waiting: this.#waiting.reduce((total, waiting) => total + waiting, 0),
      late: sum(({ stats }) => stats.late),
    }
  }

  /** The kernel also counts packets that it dropped because the queue was full. It forgets these counters at close. */
  #readCounters(queue: Queue, i: number): void {
    try {
      const counters = queue.counters()
      if (counters === undefined) return
      this.#lost[i] = counters.queueDropped + counters.userDropped
      this.#waiting[i] = counters.waiting
    } catch {
      // Closed, or a transport without these files: the last counters of the kernel, and the gaps in the ids.
      this.#lost[i] = Math.max(this.#lost[i] ?? 0, queue.stats.lost)
      this.#waiting[i] ??= 0
    }
  }
}

/** The summary, for people. */
export function formatSummary(totals: Totals, seconds: number, transport: string): string {
  const { packets, accepted, dropped, unanswered, lost, waiting, late } = totals
  const rate = seconds > 0 ? packets / seconds : 0
  const rows: [string, number, string][] = [
    ['packets', packets, `${whole(rate)} a second for ${seconds.toFixed(1)} s, by ${transport}`],
    ['accepted', accepted, ''],
    ['dropped', dropped, ''],
    ['lost', lost, lost > 0 ? 'the kernel had no room for them: try --max-length, --copy-range, --fail-open' : ''],
  ]
  if (unanswered > 0) rows.push(['unanswered', unanswered, 'of those above'])
  if (waiting > 0) rows.push(['unread', waiting, 'were still in the kernel at the end'])
  if (late > 0) rows.push(['late', late, 'verdicts on packets that the kernel no longer had'])
  return formatRows(rows)
}

/** The text after the rates while it runs. */
export function describeTotals({ accepted, dropped, lost, waiting }: Totals): readonly (readonly [string, number])[] {
  return Object.entries({ accepted, dropped, lost, waiting })
}
