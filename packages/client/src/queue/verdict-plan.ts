/**
 * Which verdicts of a batch become one: NFQNL_MSG_VERDICT_BATCH answers all packets that the kernel still queues with
 * ids up to the one that it names. That includes packets that user space has not read, so it may be used only if every
 * packet up to that id already has its verdict or is to get this one. Pure: typed arrays in, one plan out, nothing
 * allocated.
 */

/** The verdict state of a packet in a batch. */
export const VerdictState = {
  Unanswered: 0,
  /** has a verdict, to be written with the others of its batch */
  Answered: 1,
  /** its verdict is in the outbox */
  Settled: 2,
  /** held: waits in the kernel for a later verdict */
  Held: 3,
} as const

/** Fewer equal verdicts than this are written one by one. */
export const SMALLEST_FOLD = 2

/**
 * A plan for the packets from `from` to `end`: which of them a batch verdict covers. Other verdicts are to be written
 * before it.
 */
export class BatchVerdictPlan {
  /** where the plan ends: at the first packet that must wait, or at the given end */
  end = 0
  /** packets before `end` whose verdicts are to be written, singly or in the batch verdict */
  answered = 0
  /** how many of those the batch verdict covers; 0: no batch verdict */
  covered = 0
  /** the verdict of those */
  verdict = 0
  /** index of the last of those: the batch verdict names its id */
  last = -1
}

/**
 * Whether the ids increase, starting after `before` unless that is undefined. Compares by signed distance as the kernel
 * does, so they may wrap at 32 bits. If they do not increase, one came out of order or twice, and no verdicts may be
 * coalesced.
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
 * Plans for the packets `from` to `to - 1` of a batch whose ids are increasing, in which every packet before `from` has
 * its verdict in the outbox. Coalesces the verdict that most of them have; if none has a majority, one of the frequent
 * ones.
 */
export function planBatchVerdict(
  plan: BatchVerdictPlan,
  verdicts: Uint32Array,
  states: Uint8Array,
  from: number,
  to: number,
): BatchVerdictPlan {
  findCandidate(plan, verdicts, states, from, to)
  const { end, verdict } = plan
  let covered = 0
  let last = -1
  for (let index = from; index < end; index++) {
    if (states[index] !== VerdictState.Answered || verdicts[index] !== verdict) continue
    covered++
    last = index
  }
  const isWorthIt = covered >= SMALLEST_FOLD
  plan.covered = isWorthIt ? covered : 0
  plan.last = isWorthIt ? last : -1
  return plan
}

/** Boyer and Moore's majority vote: one pass, two variables. */
function findCandidate(
  plan: BatchVerdictPlan,
  verdicts: Uint32Array,
  states: Uint8Array,
  from: number,
  to: number,
): void {
  let candidate = 0
  let votes = 0
  let answered = 0
  let index = from
  for (; index < to; index++) {
    const state = states[index]
    if (state === VerdictState.Settled) continue
    if (state !== VerdictState.Answered) break
    answered++
    const verdict = verdicts[index] as number
    if (votes === 0) candidate = verdict
    votes += verdict === candidate ? 1 : -1
  }
  plan.end = index
  plan.answered = answered
  plan.verdict = candidate
}
