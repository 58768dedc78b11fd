/** The verdicts of chains, where NF_QUEUE carries its queue and a flag (linux/netfilter.h). */
import { Verdict } from '@ringlink/codec'

/** NF_VERDICT_MASK */
export const VERDICT_MASK = 0xff
/** NF_VERDICT_FLAG_QUEUE_BYPASS */
export const QUEUE_BYPASS = 0x8000
const QUEUE_SHIFT = 16

/**
 * NF_QUEUE to a queue; `bypass`: the packet continues if nobody listens to it. Never negative: those are the verdicts
 * of rules.
 */
export function queueVerdict(number: number, bypass: boolean): number {
  return ((number << QUEUE_SHIFT) | (bypass ? QUEUE_BYPASS : 0) | Verdict.Queue) >>> 0
}

/** The queue of an NF_QUEUE verdict. */
export function queueOf(verdict: number): number {
  return verdict >>> QUEUE_SHIFT
}
