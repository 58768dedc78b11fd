import { isNetlinkError } from '@ringlink/codec'
import { type FrameBatch, TransportError } from '@ringlink/transport'
import { type CheckedServeOptions, checkHandled, checkHandler, checkServeOptions, type ServeOptions } from './serve.ts'
import type { Session } from './session.ts'

/** What a loop over batches needs from its queue or log. */
export interface BatchSource {
  /** what the source is, for errors */
  readonly what: string
  /** true once closing has begun */
  isClosed(): boolean
  /** Aims the batch at `frames`. Releases them and returns false when they hold nothing to show. */
  aim(frames: FrameBatch): boolean
  /** Ends the batch that was shown last, if there is one. If it throws, the loop throws. */
  endBatch(): void
  /** minimum milliseconds between two wake-ups after everything was read; 0: no minimum */
  readonly interval: number
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

/**
 * The only loop over the batches of a session. If a batch is ready, it takes it without any promise besides the step's
 * own; otherwise it waits. Each step shows the same batch object, re-aimed.
 */
export class BatchLoop<Batch> {
  #session: Session
  #source: BatchSource
  #result: IteratorYieldResult<Batch>
  #current: AsyncIterator<Batch, undefined> | undefined
  #waiting = false
  #onIdle: (() => void) | undefined
  // Steps after which a wait for idleness ends anyway.
  #stepsLeft = 0
  #lastWake = Number.NEGATIVE_INFINITY
  // Ends the rest between two wake-ups that is running.
  #endRest: (() => void) | undefined
  #isHurried = false

  constructor(session: Session, batch: Batch, source: BatchSource) {
    this.#session = session
    this.#source = source
    this.#result = { done: false, value: batch }
  }

  /** Whether the loop waits for a batch. */
  get isWaiting(): boolean {
    return this.#waiting
  }

  /** Whether an iteration is running, to which an error can be thrown. */
  get isActive(): boolean {
    return this.#current !== undefined
  }

  /** Begins the iteration. Throws code `BUSY` if one is running. */
  begin(): AsyncIterator<Batch, undefined> {
    if (this.#current !== undefined)
      throw new TransportError('BUSY', 'iterate', `another loop is reading ${this.#source.what} already`)
    const iterator: AsyncIterator<Batch, undefined> = {
      next: () => (this.#current === iterator ? this.#next() : Promise.resolve(END)),
      return: async () => {
        // An iteration that has ended must not end the loop that followed it.
        if (this.#current === iterator) this.#leave()
        return END
      },
    }
    this.#current = iterator
    return iterator
  }

  /**
   * The loop without the event loop, for a dedicated thread: blocks until there is a batch, passes it to `handle`, ends
   * it, and repeats until it is stopped or the source is closed. Throws what `handle` throws, after ending the batch as
   * a throw in a loop does, and what a loop rejects with; code `BUSY` during an iteration or while a request is in
   * flight.
   */
  serve(handle: (batch: Batch) => void, options: ServeOptions): void {
    checkHandler(handle)
    const checked = checkServeOptions(options)
    const iterator = this.begin()
    try {
      this.#serve(handle, checked)
    } catch (error) {
      this.#leaveAfter(error)
    }
    if (this.#current === iterator) this.#leave()
  }

  #serve(handle: (batch: Batch) => void, { stop, signal, pollInterval, onTurn }: CheckedServeOptions): void {
    const { value: batch } = this.#result
    const { interval } = this.#source
    while (!stop.stopped && signal?.aborted !== true) {
      onTurn?.()
      if (this.#source.isClosed()) return
      this.#flushTurn()
      if (interval > 0) {
        const rest = this.#restLeft()
        if (rest > 0) stop.rest(rest)
        this.#lastWake = performance.now()
      }
      const frames = this.#session.receiveBlocking(pollInterval)
      if (frames === undefined || !this.#source.aim(frames)) continue
      checkHandled(handle(batch))
      if (this.#source.isClosed()) return
      this.#source.endBatch()
    }
  }

  /** Sends verdicts of held packets here, because microtasks do not run during this loop. */
  #flushTurn(): void {
    const { outbox } = this.#session.transport
    if (outbox.pendingCommits > 0) outbox.flush()
  }

  /** Report the first error, even if another one follows; report none if the close ended a wait. */
  #leaveAfter(error: unknown): void {
    if (this.#isEnd(error)) return
    try {
      this.#leave()
    } catch {
      // As with `for await`, the error of the body wins.
    }
    throw error
  }

  /** Whether the close ended a wait, without any other error. */
  #isEnd(error: unknown): boolean {
    return this.#source.isClosed() && isNetlinkError(error, 'CLOSED')
  }

  #leave(): void {
    this.#stop()
    if (!this.#source.isClosed()) this.#source.endBatch()
  }

  /**
   * Resolves once everything that was received has been shown and ended: the loop waits for more, or there is no loop.
   *
   * @param parked number of batches parked for the loop: it resolves once these and the current one have ended, even if
   * more come
   */
  idle(parked = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#current === undefined || this.#waiting) return Promise.resolve()
    this.#stepsLeft = parked + 1
    return new Promise((resolve) => {
      this.#onIdle = resolve
    })
  }

  /** The source is about to end: ends the rest between two wake-ups, and there is no other. */
  hurry(): void {
    this.#isHurried = true
    this.#endRest?.()
  }

  #noteIdle(): void {
    this.#onIdle?.()
    this.#onIdle = undefined
  }

  #next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#source.isClosed()) return Promise.resolve(this.#end())
    try {
      this.#source.endBatch()
      if (this.#onIdle !== undefined && this.#stepsLeft-- <= 0) this.#noteIdle()
      for (;;) {
        const frames = this.#session.receiveNow()
        if (frames === undefined) return this.#wait()
        if (this.#source.aim(frames)) return Promise.resolve(this.#result)
      }
    } catch (error) {
      if (this.#isEnd(error)) return Promise.resolve(this.#end())
      this.#stop()
      return Promise.reject(error)
    }
  }

  #wait(): Promise<IteratorResult<Batch, undefined>> {
    return this.#source.interval > 0 ? this.#rest().then(() => this.#receiveAfterRest()) : this.#receive()
  }

  /** The source may have been closed completely by then, and its session does not receive any more. */
  #receiveAfterRest(): IteratorResult<Batch, undefined> | Promise<IteratorResult<Batch, undefined>> {
    return this.#source.isClosed() ? this.#end() : this.#receive()
  }

  /**
   * Not an async function, and with reused callbacks: this runs once per turn of the event loop and so makes half the
   * allocations.
   */
  #receive(): Promise<IteratorResult<Batch, undefined>> {
    this.#noteWaiting()
    return this.#session.receive().then(this.#onFrames, this.#onFailure)
  }

  readonly #onFrames = (
    frames: FrameBatch,
  ): IteratorResult<Batch, undefined> | Promise<IteratorResult<Batch, undefined>> => {
    try {
      return this.#take(frames) ?? this.#receiveMore()
    } catch (error) {
      return this.#onFailure(error)
    }
  }

  readonly #onFailure = (error: unknown): IteratorReturnResult<undefined> => {
    this.#waiting = false
    if (this.#isEnd(error)) return this.#end()
    this.#stop()
    throw error
  }

  /** Continues after frames with nothing to show. A loop, because callbacks that wait for each other would pile up. */
  async #receiveMore(): Promise<IteratorResult<Batch, undefined>> {
    try {
      for (;;) {
        this.#noteWaiting()
        const result = this.#take(await this.#session.receive())
        if (result !== undefined) return result
      }
    } catch (error) {
      return this.#onFailure(error)
    }
  }

  #noteWaiting(): void {
    this.#waiting = this.#session.parked === 0
    if (this.#waiting) this.#noteIdle()
  }

  /** The step for the frames that arrived; `undefined` when they hold nothing to show. */
  #take(frames: FrameBatch): IteratorResult<Batch, undefined> | undefined {
    this.#waiting = false
    if (this.#source.isClosed()) {
      // This batch came while the source was closing, and is answered like other unread ones.
      if (!frames.released && this.#source.aim(frames)) this.#source.endBatch()
      return this.#end()
    }
    return this.#source.aim(frames) ? this.#result : undefined
  }

  /** Waits until the interval since the last wake-up has passed. */
  async #rest(): Promise<void> {
    const rest = this.#restLeft()
    if (rest > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, rest)
        this.#endRest = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#endRest = undefined
    }
    this.#lastWake = performance.now()
  }

  /** Milliseconds to wait before the next read: 0 if the last read left something. */
  #restLeft(): number {
    if (this.#isHurried || !this.#session.emptied) return 0
    return this.#lastWake + this.#source.interval - performance.now()
  }

  #stop(): void {
    this.#current = undefined
    this.#noteIdle()
  }

  #end(): IteratorReturnResult<undefined> {
    this.#stop()
    return END
  }
}
