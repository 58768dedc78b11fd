import type { UringQueues } from '@ringlink/native'

/** `IORING_SETUP_` flags of `io_uring_setup()` (uapi/linux/io_uring.h). */
export const SetupFlag = {
  /** IORING_SETUP_SQPOLL: a thread of the kernel submits and receives */
  KernelThread: 1 << 1,
  /** IORING_SETUP_CQSIZE: the request sets the size of the completion queue */
  CompletionCount: 1 << 3,
  /** IORING_SETUP_COOP_TASKRUN (5.19): pending work does not interrupt this thread */
  CooperativeWork: 1 << 8,
  /** IORING_SETUP_TASKRUN_FLAG (5.19): pending work shows in the flags of the submission queue */
  WorkFlag: 1 << 9,
  /** IORING_SETUP_SINGLE_ISSUER (6.0): only this thread submits */
  SingleIssuer: 1 << 12,
  /** IORING_SETUP_DEFER_TASKRUN (6.1): pending work runs only when the ring is entered for completions */
  DeferredWork: 1 << 13,
} as const

/** Flags of the submission queue. */
const SubmissionFlag = {
  /** IORING_SQ_NEED_WAKEUP: the kernel's thread sleeps */
  NeedWakeup: 1 << 0,
  /** IORING_SQ_CQ_OVERFLOW: completions wait in the kernel for room */
  Overflow: 1 << 1,
  /** IORING_SQ_TASKRUN: there is work that entering runs */
  Work: 1 << 2,
} as const

/** Flags of a completion. */
export const CompletionFlag = {
  /** IORING_CQE_F_BUFFER: the upper half is the id of the filled buffer */
  Buffer: 1 << 0,
  /** IORING_CQE_F_MORE: the request continues */
  More: 1 << 1,
} as const

/** IORING_CQE_BUFFER_SHIFT */
export const BUFFER_SHIFT = 16

const COMPLETION_WORDS = 4
const RESULT = 2
const FLAGS = 3

/**
 * Both mapped queues of a ring, through which the kernel and this thread communicate without a system call. The kernel
 * moves the tail of completions and the head of submissions, we move the others.
 */
export class UringRings {
  /** of the current completion: bytes, or a negative errno */
  result = 0
  /** its flags */
  flags = 0
  readonly #words: Int32Array
  readonly #submissionTail: number
  readonly #submissionFlags: number
  readonly #completionHead: number
  readonly #completionTail: number
  readonly #completions: number
  readonly #mask: number
  #head: number
  // The kernel's tail when last read.
  #tail: number

  constructor(queues: UringQueues) {
    this.#words = new Int32Array(queues.rings)
    this.#submissionTail = queues.submissionTail >> 2
    this.#submissionFlags = queues.submissionFlags >> 2
    this.#completionHead = queues.completionHead >> 2
    this.#completionTail = queues.completionTail >> 2
    this.#completions = queues.completions >> 2
    this.#mask = queues.completionCount - 1
    this.#head = Atomics.load(this.#words, this.#completionHead)
    this.#tail = this.#head
  }

  /** Whether there are completions. */
  look(): boolean {
    this.#tail = Atomics.load(this.#words, this.#completionTail)
    return this.#head !== this.#tail
  }

  /** Moves to the next completion that {@link look} saw. Returns false if there is none. */
  next(): boolean {
    const head = this.#head
    if (head === this.#tail) return false
    const at = this.#completions + (head & this.#mask) * COMPLETION_WORDS
    this.result = this.#words[at + RESULT] as number
    this.flags = this.#words[at + FLAGS] as number
    this.#head = (head + 1) | 0
    return true
  }

  /** Returns the room of the consumed completions to the kernel. */
  giveBack(): void {
    Atomics.store(this.#words, this.#completionHead, this.#head)
  }

  /** Puts the only request into the submission queue. */
  submit(): void {
    Atomics.store(this.#words, this.#submissionTail, (this.#words[this.#submissionTail] as number) + 1)
  }

  /** Whether the kernel has work that it does when the ring is entered. */
  hasWork(): boolean {
    return (this.#submission() & (SubmissionFlag.Work | SubmissionFlag.Overflow)) !== 0
  }

  /** Whether the kernel thread sleeps, and sees a submission only when the ring is entered. */
  isAsleep(): boolean {
    return (this.#submission() & SubmissionFlag.NeedWakeup) !== 0
  }

  #submission(): number {
    return Atomics.load(this.#words, this.#submissionFlags)
  }
}
