import { isNetlinkError } from '@ringlink/codec'
import { type FrameBatch, TransportError } from '@ringlink/transport'
import { type CheckedServeOptions, checkHandled, checkHandler, checkServeOptions, type ServeOptions } from './serve.ts'
import type { Session } from './session.ts'

/** What a loop over batches asks of the queue or log that it belongs to. */
export interface BatchSource {
  /** what it is, for errors */
  readonly what: string
  /** true once closing has begun */
  isClosed(): boolean
  /** Aims the batch at `frames`; false, with the frames released, when there is nothing in them to show. */
  aim(frames: FrameBatch): boolean
  /** Ends the batch that was shown last, if there is one. May throw: the loop then does. */
  endBatch(): void
  /** milliseconds between two wake-ups at the least, once all has been read that there was; 0: as they come */
  readonly interval: number
}

const END: IteratorReturnResult<undefined> = { done: true, value: undefined }

/**
 * The one loop over the batches of a session: it takes what is there without a promise more than the step itself needs, and waits
 * when nothing is. The same batch is shown at each step, aimed anew.
 */
export class BatchLoop<Batch> {
  #session: Session
  #source: BatchSource
  #result: IteratorYieldResult<Batch>
  #current: AsyncIterator<Batch, undefined> | undefined
  #waiting = false
  #onIdle: (() => void) | undefined
  #lastWake = Number.NEGATIVE_INFINITY

  constructor(session: Session, batch: Batch, source: BatchSource) {
    this.#session = session
    this.#source = source
    this.#result = { done: false, value: batch }
  }

  /** Whether the loop waits for something to come. */
  get isWaiting(): boolean {
    return this.#waiting
  }

  /** Whether somebody iterates: an error can be thrown to them. */
  get isActive(): boolean {
    return this.#current !== undefined
  }

  /** Begins. One at a time: throws code `BUSY`. */
  begin(): AsyncIterator<Batch, undefined> {
    if (this.#current !== undefined)
      throw new TransportError('BUSY', 'iterate', `somebody is reading ${this.#source.what} already`)
    const iterator: AsyncIterator<Batch, undefined> = {
      next: () => (this.#current === iterator ? this.#next() : Promise.resolve(END)),
      return: async () => {
        // One that has ended must not end the loop that came after it.
        if (this.#current === iterator) this.#leave()
        return END
      },
    }
    this.#current = iterator
    return iterator
  }

  /**
   * The loop without the event loop, for a thread that does nothing else: blocks until there is a batch, hands it to `handle`, ends
   * it, and so on, until it is stopped or the source is closed. Throws what `handle` throws, after the batch has ended as after a throw
   * in a loop, and what a loop rejects with; code `BUSY` where somebody iterates, or a request is in flight.
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

  /** Sends verdicts of held packets: the microtask that would do it does not run. */
  #flushTurn(): void {
    const { outbox } = this.#session.transport
    if (outbox.pendingCommits > 0) outbox.flush()
  }

  /** The first error is the one to be told, whatever goes wrong behind it; none when it was the close that ended a wait. */
  #leaveAfter(error: unknown): void {
    if (this.#isEnd(error)) return
    try {
      this.#leave()
    } catch {
      // As with `for await`: the error of the body wins.
    }
    throw error
  }

  /** Whether it was the close that ended a wait, and nothing else. */
  #isEnd(error: unknown): boolean {
    return this.#source.isClosed() && isNetlinkError(error, 'CLOSED')
  }

  #leave(): void {
    this.#stop()
    if (!this.#source.isClosed()) this.#source.endBatch()
  }

  /** Resolves once everything that was received has been shown: the loop waits for more, or there is no loop. */
  idle(): Promise<void> {
    if (this.#current === undefined || this.#waiting) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onIdle = resolve
    })
  }

  #noteIdle(): void {
    this.#onIdle?.()
    this.#onIdle = undefined
  }

  #next(): Promise<IteratorResult<Batch, undefined>> {
    if (this.#source.isClosed()) return Promise.resolve(this.#end())
    try {
      this.#source.endBatch()
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
    return this.#source.interval > 0 ? this.#rest().then(() => this.#receive()) : this.#receive()
  }

  /** Not an async function, and with callbacks that stay: each turn of the event loop waits once, and this is half the allocations. */
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

  /** After frames with nothing to show: a loop, because callbacks that wait for each other would pile up. */
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
    this.#waiting = !this.#session.hasParked
    if (this.#waiting) this.#noteIdle()
  }

  /** What the frames that were waited for give; `undefined` when there is nothing in them to show. */
  #take(frames: FrameBatch): IteratorResult<Batch, undefined> | undefined {
    this.#waiting = false
    if (this.#source.isClosed()) {
      // It came while the source was being closed, and is answered like all that nobody has seen.
      if (!frames.released && this.#source.aim(frames)) this.#source.endBatch()
      return this.#end()
    }
    return this.#source.aim(frames) ? this.#result : undefined
  }

  /** Lets time pass until the interval since the last wake-up is over. */
  async #rest(): Promise<void> {
    const rest = this.#restLeft()
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest))
    this.#lastWake = performance.now()
  }

  /** Milliseconds to wait before the next read: none while the last one has left something. */
  #restLeft(): number {
    if (!this.#session.emptied) return 0
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
