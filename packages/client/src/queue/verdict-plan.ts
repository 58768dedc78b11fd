/**
 * Which verdicts of a batch become one: NFQNL_MSG_VERDICT_BATCH answers all packets that the kernel still queues with ids up
 * to the one that it names. It asks nobody whether user space has read them, so it may be used only where every packet up to
 * that id has had its verdict before, or shall have this one. Pure: typed arrays in, one plan out, nothing allocated.
 */

/** How a packet of a batch stands. */
export const Standing = {
  Unanswered: 0,
  /** has its verdict, which is to be written with the others of its batch */
  Answered: 1,
  /** its verdict is in the outbox */
  Settled: 2,
  /** waits in the kernel for a verdict that is given later */
  Held: 3,
} as const

/** Fewer equal verdicts than these are written singly. */
export const SMALLEST_FOLD = 2

/** Of the packets from `from` to `end`: what a batch verdict covers. Those with other verdicts are to be written before it. */
export class FoldPlan {
  /** where the plan ends: at the first packet that must wait, or where it was told to */
  end = 0
  /** packets before `end` whose verdicts are to be written, one way or the other */
  answered = 0
  /** of those: how many the batch verdict covers; 0: there is none */
  covered = 0
  /** the verdict that those have */
  verdict = 0
  /** index of the last of them: its id is the batch verdict's */
  last = -1
}

/**
 * Whether ids go up, from `before` on where that is not undefined, as the kernel compares them: by signed distance, so that they
 * may wrap at 32 bits. Where they do not, one came out of order or twice, and nothing may be folded.
 */
export function isIncreasing(ids: Uint32Array, length: number, before: number | undefined): boolean {
  let index = 0
  let previous = before ?? (ids[index++] as number)
  for (; index < length; index++) {
    const id = ids[index] as number
    if (((id - previous) | 0) <= 0) return false
    previous = id
  }
  return true
}

/**
 * Plans for the packets `from` to `to - 1` of a batch whose ids are increasing, in which every packet before `from` has its verdict
 * in the outbox. The verdict that most of them have is the one to fold; where none has a majority, one of the frequent ones.
 */
export function planFold(
  plan: FoldPlan,
  verdicts: Uint32Array,
  standings: Uint8Array,
  from: number,
  to: number,
): FoldPlan {
  findCandidate(plan, verdicts, standings, from, to)
  const { end, verdict } = plan
  let covered = 0
  let last = -1
  for (let index = from; index < end; index++) {
    if (standings[index] !== Standing.Answered || verdicts[index] !== verdict) continue
    covered++
    last = index
  }
  const isWorthIt = covered >= SMALLEST_FOLD
  plan.covered = isWorthIt ? covered : 0
  plan.last = isWorthIt ? last : -1
  return plan
}

/** Boyer and Moore's majority vote: one pass, two variables. */
function findCandidate(plan: FoldPlan, verdicts: Uint32Array, standings: Uint8Array, from: number, to: number): void {
  let candidate = 0
  let votes = 0
  let answered = 0
  let index = from
  for (; index < to; index++) {
    const standing = standings[index]
    if (standing === Standing.Settled) continue
    if (standing !== Standing.Answered) break
    answered++
    const verdict = verdicts[index] as number
    if (votes === 0) candidate = verdict
    votes += verdict === candidate ? 1 : -1
  }
  plan.end = index
  plan.answered = answered
  plan.verdict = candidate
}
