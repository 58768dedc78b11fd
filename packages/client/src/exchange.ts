import { type DecodeError, type KernelError, Message, MessageFlag, type MessageView } from '@ringlink/codec'
import { type ClientError, DumpInterruptedError, IncompleteReplyError } from './errors.ts'
import type { SentRequest } from './kernel-error.ts'
import type { Request } from './request.ts'

/** What ends an exchange: an acknowledgement, an acknowledgement and an answer, or the Done message of a dump. */
export type Expectation = 'acknowledgement' | 'answer' | 'dump'

/** What is wrong with an answer. */
export interface ReplyProblem {
  readonly code: 'TRUNCATED' | 'MALFORMED'
  readonly cause?: DecodeError | undefined
}

function nothing(): void {}

/** One request that was sent, and what has come in answer to it. */
export class Exchange {
  readonly sent: SentRequest
  /** the rows that were received and not taken */
  rows: Message[] = []
  /** nothing more is expected */
  ended = false
  /** nobody waits any more: what still comes is discarded */
  abandoned = false
  /** somebody waits now, for rows or for the end */
  hungry = false
  /** called when something has come */
  notify: () => void = nothing
  /** called when nothing will come any more */
  fail: (error: unknown) => void = nothing
  readonly #expectation: Expectation
  readonly #doneErrno: number | undefined
  /** it may be sent a second time */
  readonly canRepeat: boolean
  /** it asked for a copy of the notifications that it causes */
  readonly isEchoed: boolean
  #repeated = false
  #acknowledged = false
  #answered = false
  #interrupted = false
  #failure: KernelError | undefined
  #problem: ReplyProblem | undefined

  constructor(sent: SentRequest, expectation: Expectation, request: Request) {
    this.sent = sent
    this.#expectation = expectation
    this.isEchoed = (new Message(sent.bytes).view.flags & MessageFlag.Echo) !== 0
    this.canRepeat = request.repeat !== undefined
    this.#doneErrno = request.repeat?.doneErrno
  }

  /** Somebody waits from now on. */
  wait(notify: () => void, fail: (error: unknown) => void): void {
    this.hungry = true
    this.notify = notify
    this.fail = fail
  }

  /** Nobody waits any more, for now. */
  rest(): void {
    this.hungry = false
    this.notify = nothing
    this.fail = nothing
  }

  /** The rows that have come since they were last taken. */
  takeRows(): Message[] {
    const { rows } = this
    this.rows = []
    return rows
  }

  /** It was sent a second time. */
  noteRepeat(): void {
    this.#repeated = true
  }

  addRow(view: MessageView): void {
    this.rows.push(view.copy())
    if ((view.flags & MessageFlag.DumpInterrupted) !== 0) this.#interrupted = true
    // One of several messages is followed by Done.
    if ((view.flags & MessageFlag.Multipart) === 0) this.#noteAnswer()
  }

  acknowledge(): void {
    this.#acknowledged = true
    if (this.#expectation === 'acknowledgement' || (this.#expectation === 'answer' && this.#answered)) this.ended = true
  }

  /** The kernel refuses it. */
  refuse(error: KernelError): void {
    if (this.#repeated && error.errno === this.#doneErrno) {
      this.acknowledge()
      return
    }
    this.#failure ??= error
    this.ended = true
  }

  /** The Done message has come. */
  finish(isInterrupted: boolean): void {
    if (isInterrupted) this.#interrupted = true
    if (this.#expectation === 'dump') this.ended = true
    else this.#noteAnswer()
  }

  /** Nothing more comes. */
  end(): void {
    this.ended = true
  }

  /** Part of the answer is missing. The first problem counts. */
  noteProblem(problem: ReplyProblem): void {
    this.#problem ??= problem
  }

  /** The kernel has refused it */
  get isRefused(): boolean {
    return this.#failure !== undefined
  }

  /** Why the answer, as it is, is not a whole one; `undefined` when nothing is wrong with it. */
  get error(): KernelError | ClientError | undefined {
    const { what } = this.sent
    if (this.#failure !== undefined) return this.#failure
    if (this.#problem !== undefined) return new IncompleteReplyError(this.#problem, what, this.rows)
    return this.#interrupted ? new DumpInterruptedError(what, this.rows) : undefined
  }

  /** Whether part of the answer was lost, so that its end may be what is missing. */
  get isIncomplete(): boolean {
    return this.#problem !== undefined
  }

  #noteAnswer(): void {
    this.#answered = true
    if (this.#expectation === 'answer' && this.#acknowledged) this.ended = true
  }
}
