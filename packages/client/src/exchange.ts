import { type DecodeError, type KernelError, Message, MessageFlag, type MessageView } from '@ringlink/codec'
import type { FrameBatch } from '@ringlink/transport'
import { type ClientError, DumpInterruptedError, IncompleteReplyError } from './errors.ts'
import type { SentRequest } from './kernel-error.ts'
import type { Request } from './request.ts'
import type { BorrowedRows } from './row-batch.ts'

/** How an exchange ends: with an acknowledgement, an acknowledgement and an answer, or the Done message of a dump. */
export type Expectation = 'acknowledgement' | 'answer' | 'dump'

/** The problem with an answer. */
export interface ReplyProblem {
  readonly code: 'TRUNCATED' | 'MALFORMED'
  readonly cause?: DecodeError | undefined
}

function nothing(): void {}

/** A request that was sent, and the answers received so far. */
export class Exchange {
  readonly sent: SentRequest
  /** rows left in place, of a dump that borrows them */
  readonly borrowed: BorrowedRows | undefined
  /** rows received and not yet taken */
  rows: Message[] = []
  /** no more messages are expected */
  ended = false
  /** no caller waits any more: later messages are discarded */
  abandoned = false
  /** a caller is waiting, for rows or for the end */
  hungry = false
  /** called when a message has arrived */
  notify: () => void = nothing
  /** called when no more messages will arrive */
  fail: (error: unknown) => void = nothing
  readonly #expectation: Expectation
  readonly #doneErrno: number | undefined
  /** the request may be sent a second time */
  readonly canRepeat: boolean
  /** the request asked for a copy of the notifications that it causes (`NLM_F_ECHO`) */
  readonly isEchoed: boolean
  #repeated = false
  #acknowledged = false
  #answered = false
  #interrupted = false
  #failure: KernelError | undefined
  #problem: ReplyProblem | undefined

  /** @param borrowed where the rows that are left in their frames are noted; left out: rows are copied */
  constructor(sent: SentRequest, expectation: Expectation, request: Request, borrowed?: BorrowedRows) {
    this.sent = sent
    this.borrowed = borrowed
    this.#expectation = expectation
    this.isEchoed = (new Message(sent.bytes).view.flags & MessageFlag.Echo) !== 0
    this.canRepeat = request.repeat !== undefined
    this.#doneErrno = request.repeat?.doneErrno
  }

  /** Marks that a caller is waiting. */
  wait(notify: () => void, fail: (error: unknown) => void): void {
    this.hungry = true
    this.notify = notify
    this.fail = fail
  }

  /** Marks that no caller is waiting for now. */
  rest(): void {
    this.hungry = false
    this.notify = nothing
    this.fail = nothing
  }

  /** Takes the rows that have arrived since the last call. */
  takeRows(): Message[] {
    const { rows } = this
    this.rows = []
    this.borrowed?.release()
    return rows
  }

  /** Copies rows that lie in `batch`, which is released by its other owner. */
  copyBorrowed(batch: FrameBatch): void {
    if (this.borrowed?.liesIn(batch) !== true) return
    this.rows.push(...this.borrowed.copy())
    this.borrowed.forget()
  }

  /** Whether rows have arrived that were not taken. */
  get hasRows(): boolean {
    return this.rows.length > 0 || (this.borrowed?.length ?? 0) > 0
  }

  /** Notes that the request was sent a second time. */
  noteRepeat(): void {
    this.#repeated = true
  }

  /** Takes a row of `frames`, copied or left in place. */
  addRow(view: MessageView, frames: FrameBatch): void {
    if (this.borrowed?.add(view, frames) !== true) this.rows.push(view.copy())
    if ((view.flags & MessageFlag.DumpInterrupted) !== 0) this.#interrupted = true
    // A multipart message (`NLM_F_MULTI`) is followed by Done.
    if ((view.flags & MessageFlag.Multipart) === 0) this.#noteAnswer()
  }

  acknowledge(): void {
    this.#acknowledged = true
    if (this.#expectation === 'acknowledgement' || (this.#expectation === 'answer' && this.#answered)) this.ended = true
  }

  /** The kernel refused the request. */
  refuse(error: KernelError): void {
    if (this.#repeated && error.errno === this.#doneErrno) {
      this.acknowledge()
      return
    }
    this.#failure ??= error
    this.ended = true
  }

  /** The Done message has arrived. */
  finish(isInterrupted: boolean): void {
    if (isInterrupted) this.#interrupted = true
    if (this.#expectation === 'dump') this.ended = true
    else this.#noteAnswer()
  }

  /** No more messages will arrive. */
  end(): void {
    this.ended = true
  }

  /** Notes that part of the answer is missing. The first problem is kept. */
  noteProblem(problem: ReplyProblem): void {
    this.#problem ??= problem
  }

  /** The kernel has refused the request. */
  get isRefused(): boolean {
    return this.#failure !== undefined
  }

  /** Why the answer is incomplete; `undefined` when it is complete. */
  get error(): KernelError | ClientError | undefined {
    const { what } = this.sent
    if (this.#failure !== undefined) return this.#failure
    if (this.#problem !== undefined) return new IncompleteReplyError(this.#problem, what, this.#allRows())
    return this.#interrupted ? new DumpInterruptedError(what, this.#allRows()) : undefined
  }

  /** Whether part of the answer was lost, possibly the message that ends it. */
  get isIncomplete(): boolean {
    return this.#problem !== undefined
  }

  #allRows(): Message[] {
    return this.borrowed === undefined ? this.rows : [...this.borrowed.copy(), ...this.rows]
  }

  #noteAnswer(): void {
    this.#answered = true
    if (this.#expectation === 'answer' && this.#acknowledged) this.ended = true
  }
}
