import { createEmitter, type Emitter } from './emitter.ts'
import { busyError, closedError, TransportError } from './errors.ts'
import { LossCounter } from './loss.ts'
import { newCounts, type TransportCounts } from './stats.ts'
import type {
  Capabilities,
  FrameBatch,
  Outbox,
  ReceiveOptions,
  Transport,
  TransportEvents,
  TransportStats,
} from './transport.ts'
import { clock, Turn } from './turn.ts'

interface Waiter {
  resolve(batch: FrameBatch): void
  reject(error: unknown): void
  signal: AbortSignal | undefined
  abort: (() => void) | undefined
}

/**
 * The base of all transports. It checks state and arguments once, enforces one consumer, waits, iterates, counts, and
 * calls the listeners. An implementation (the methods named `do…`) can trust its arguments, is called only while open,
 * and never runs the code of users.
 */
export abstract class BaseTransport implements Transport {
  abstract readonly capabilities: Capabilities
  abstract readonly portId: number
  abstract readonly stats: TransportStats
  abstract readonly outbox: Outbox
  readonly events: Emitter<TransportEvents> = createEmitter()
  /** for implementations: the counters */
  protected readonly counts: TransportCounts = newCounts()
  /** for implementations: the losses; listeners are called once the implementation has returned */
  protected readonly loss: LossCounter = new LossCounter(this.counts, () => this.doReadDrops())
  #closed = false
  // The end of a close that takes longer than a call.
  #ending: Promise<void> | undefined
  #waiter: Waiter | undefined
  #iterating = false
  // True inside the implementation, and in a listener of `overrun`, which may call any method.
  #receiving = false
  // An error thrown by a listener, to be thrown to the consumer.
  #listenerError: { readonly error: unknown } | undefined
  // A batch received just after its consumer had given up.
  #kept: FrameBatch | undefined
  readonly #turn = new Turn()
  // The last batch was full, or nothing has been received yet. A batch that was not full emptied the socket, so another
  // call at once would be a wasted system call.
  #mayHaveMore = true
  #isLookDue = false

  /**
   * The next batch if one is ready. It may return without one when it dropped foreign frames or noted a loss: listeners
   * are called, and it is called again. May throw.
   */
  protected abstract doReceive(): FrameBatch | undefined
  /**
   * As {@link doReceive}, but blocks for up to `timeout` milliseconds (negative: indefinitely) if none is ready. After
   * a loss or foreign frames it is called again with the remaining time.
   */
  protected abstract doReceiveBlocking(timeout: number): FrameBatch | undefined
  /**
   * Arranges for {@link wake} to be called from the event loop when there may be something to receive, even if it is
   * ready already.
   */
  protected abstract doWait(): void
  /** Cancels {@link doWait}. */
  protected abstract doStopWaiting(): void
  protected abstract doJoinGroup(group: number): void
  protected abstract doLeaveGroup(group: number): void
  protected abstract doReadProcNet(name: string): string
  /**
   * Frees everything: detaches batches and leases, closes descriptors. Called once. What takes longer than a call may
   * end later, when the promise resolves.
   */
  protected abstract doClose(): void | Promise<void>
  /**
   * The number of messages that the kernel has dropped at this socket since it was opened, in 32 bits; negative if
   * unknown, as here. Last called before {@link doClose}.
   */
  protected doReadDrops(): number {
    return -1
  }
  /** Time in milliseconds of the clock for timeouts. */
  protected now(): number {
    return clock.now()
  }

  receive(options: ReceiveOptions = {}): Promise<FrameBatch> {
    if (this.#closed) return Promise.reject(closedError('receive'))
    if (this.#iterating) return Promise.reject(busyError())
    return this.#receive(options.signal)
  }

  receiveNow(): FrameBatch | undefined {
    if (this.#closed) throw closedError('receive')
    if (this.#iterating || this.#isReceiving()) throw busyError()
    return this.#takeInTurn()
  }

  stopReceiving(reason: unknown): void {
    if (this.#waiter !== undefined) this.#giveUp(reason)
  }

  poll(timeout = 0): FrameBatch | undefined {
    if (this.#closed) throw closedError('poll')
    if (this.#iterating || this.#isReceiving()) throw busyError()
    if (typeof timeout !== 'number' || Number.isNaN(timeout)) {
      throw new TransportError(
        'ARGUMENT',
        'poll',
        `the timeout must be a number of milliseconds, got ${String(timeout)}`,
      )
    }
    const batch = this.#take(timeout)
    if (batch === undefined) this.#throwListenerError()
    return batch
  }

  [Symbol.asyncIterator](): AsyncIterator<FrameBatch, undefined> {
    if (this.#iterating || this.#isReceiving()) throw busyError()
    this.#iterating = true
    let batch: FrameBatch | undefined
    let done = false
    let asking = false
    const finish = (): IteratorResult<FrameBatch, undefined> => {
      if (!done) {
        done = true
        this.#iterating = false
        batch?.release()
        batch = undefined
      }
      return { done: true, value: undefined }
    }
    return {
      next: async () => {
        if (asking) throw busyError()
        batch?.release()
        batch = undefined
        if (done || this.#closed) return finish()
        asking = true
        try {
          const received = await this.#receive(undefined)
          if (done) {
            received.release()
            return finish()
          }
          batch = received
          return { done: false, value: received }
        } catch (error) {
          if (done || this.#closed) return finish()
          finish()
          throw error
        } finally {
          asking = false
        }
      },
      return: async () => {
        const ended = finish()
        if (asking && this.#waiter !== undefined) this.#giveUp(closedError('iterate'))
        return ended
      },
    }
  }

  joinGroup(group: number): void {
    this.#checkGroup('join group', group)
    this.doJoinGroup(group)
  }

  leaveGroup(group: number): void {
    this.#checkGroup('leave group', group)
    this.doLeaveGroup(group)
  }

  readProcNet(name: string): string {
    if (this.#closed) throw closedError('read /proc/net')
    return this.doReadProcNet(name)
  }

  async close(): Promise<void> {
    if (this.#closed) return this.#ending
    this.#closed = true
    // Messages dropped at the end of a burst are in no batch's loss, and their number is known only while the socket is
    // open.
    this.loss.compare()
    this.#settle()?.reject(closedError('receive'))
    this.#ending = this.doClose() ?? undefined
    this.#announceLoss()
    if (this.#ending !== undefined) await this.#ending
    this.#tell(() => this.events.emit('close'))
    this.#throwListenerError()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * For implementations: there may be something to receive. Calling it too early or twice does no harm.
   *
   * @param turn `same`: it may be called from a microtask, in the turn of the event loop in which the last batch was
   * given out
   */
  protected wake(turn: 'new' | 'same' = 'new'): void {
    if (this.#waiter === undefined) return
    if (turn === 'new') this.#turn.begin(this.now())
    else if (this.#turn.isOver(this.now())) {
      setImmediate(() => this.wake())
      return
    }
    try {
      const batch = this.#take(0)
      if (this.#waiter === undefined) this.#kept = batch
      else if (batch === undefined) this.#waitOn()
      else this.#settle()?.resolve(batch)
    } catch (error) {
      this.#settle()?.reject(error)
    }
  }

  /** For implementations: counts a frame to deliver. */
  protected countFrame(byteLength: number, fullLength: number): void {
    this.counts.bytes += byteLength
    if (fullLength > byteLength) this.counts.truncated++
  }

  /** For implementations: counts a batch to deliver. Returns the losses that it reports. */
  protected countBatch(length: number): number {
    this.counts.batches++
    this.counts.frames += length
    return this.loss.takeForBatch()
  }

  /** For implementations: waiting failed; the pending receive rejects with `error`. */
  protected fail(error: unknown): void {
    this.#settle()?.reject(error)
  }

  #receive(signal: AbortSignal | undefined): Promise<FrameBatch> {
    if (this.#closed) return Promise.reject(closedError('receive'))
    if (this.#isReceiving()) return Promise.reject(busyError())
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    try {
      const batch = this.#takeInTurn()
      return batch === undefined ? this.#wait(signal) : Promise.resolve(batch)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The next batch, if one is likely to be ready and this turn of the event loop is not over. */
  #takeInTurn(): FrameBatch | undefined {
    if (this.#kept === undefined && (!this.#mayHaveMore || this.#turn.isOver(this.now()))) return undefined
    const batch = this.#take(0)
    if (batch === undefined) this.#throwListenerError()
    return batch
  }

  /** The next batch of the implementation, now or after blocking. A listener may close the transport in between. */
  #take(timeout: number): FrameBatch | undefined {
    const kept = this.#kept
    if (kept !== undefined) {
      this.#kept = undefined
      return kept
    }
    this.#throwListenerError()
    this.#receiving = true
    try {
      const batch = this.#takeFrom(timeout)
      this.#turn.note(batch?.length ?? 0)
      this.#mayHaveMore = batch !== undefined && batch.length >= this.capabilities.batchSize
      if (this.loss.congested && batch !== undefined && !this.#mayHaveMore) this.#noteEmptied()
      this.#announceLoss()
      if (!this.#closed) return batch
      batch?.release()
    } catch (error) {
      if (!this.#closed) throw error
    } finally {
      this.#receiving = false
    }
    this.#throwListenerError()
    throw closedError('receive')
  }

  #takeFrom(timeout: number): FrameBatch | undefined {
    const deadline = timeout > 0 ? this.now() + timeout : 0
    for (let left = timeout; ; left = timeout > 0 ? Math.max(0, deadline - this.now()) : timeout) {
      const { foreign } = this.counts
      const { overruns } = this.loss
      const batch = left === 0 ? this.doReceive() : this.doReceiveBlocking(left)
      const isInterrupted = this.loss.hasNews || this.loss.overruns !== overruns || this.counts.foreign !== foreign
      if (batch !== undefined || !isInterrupted) return batch
      this.#announceLoss()
      if (this.#closed || this.#listenerError !== undefined) return undefined
    }
  }

  /**
   * A batch that is not full came after an overrun: it emptied the queue, or as much of it as a ring had taken over.
   */
  #noteEmptied(): void {
    const { ring, unnumberedLoss } = this.capabilities
    if (!ring) this.loss.noteEmpty()
    // A netlink ring looks at its socket's error itself.
    else if (unnumberedLoss !== true) this.loss.compare()
  }

  #announceLoss(): void {
    if (!this.loss.hasNews) return
    const lost = this.loss.takeForListeners()
    this.#tell(() => this.events.emit('overrun', lost))
  }

  /**
   * Calls listeners. An error of a listener costs the consumer no batch: it is thrown once there is no batch to return.
   */
  #tell(emit: () => void): void {
    try {
      emit()
    } catch (error) {
      this.#listenerError ??= { error }
    }
  }

  #throwListenerError(): void {
    const thrown = this.#listenerError
    this.#listenerError = undefined
    if (thrown !== undefined) throw thrown.error
  }

  #wait(signal: AbortSignal | undefined): Promise<FrameBatch> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const abort = signal === undefined ? undefined : () => this.#giveUp(signal.reason)
      if (abort !== undefined) signal?.addEventListener('abort', abort, { once: true })
      this.#waiter = { resolve, reject, signal, abort }
      try {
        this.#waitOn()
      } catch (error) {
        this.#settle()?.reject(error)
      }
    })
  }

  #waitOn(): void {
    this.#throwListenerError()
    this.doWait()
    if (!this.loss.hasNews) return
    this.#announceLoss()
    this.#throwListenerError()
  }

  #giveUp(reason: unknown): void {
    this.doStopWaiting()
    this.#lookAfterTurn()
    this.#settle()?.reject(reason)
  }

  /**
   * An abandoned wait says nothing about arrivals during it. Once the event loop has run, the next receive looks for
   * itself; otherwise a consumer that always gives up before it is woken would never receive anything.
   */
  #lookAfterTurn(): void {
    if (this.#isLookDue) return
    this.#isLookDue = true
    setImmediate(() => {
      this.#isLookDue = false
      this.#turn.begin(this.now())
      this.#mayHaveMore = true
    })
  }

  #isReceiving(): boolean {
    return this.#receiving || this.#waiter !== undefined
  }

  #settle(): Waiter | undefined {
    const waiter = this.#waiter
    this.#waiter = undefined
    if (waiter?.abort !== undefined) waiter.signal?.removeEventListener('abort', waiter.abort)
    return waiter
  }

  #checkGroup(operation: string, group: number): void {
    if (this.#closed) throw closedError(operation)
    if (!Number.isInteger(group) || group < 1 || group > 0x7fffffff) {
      throw new TransportError(
        'ARGUMENT',
        operation,
        `the group must be an integer from 1 to 2147483647, got ${String(group)}`,
      )
    }
  }
}
