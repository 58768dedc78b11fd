// Imported because the global of that name is a getter.
import { performance } from 'node:perf_hooks'
import { createEmitter, type Emitter } from './emitter.ts'
import { closedError, TransportError } from './errors.ts'
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
import { Turn } from './turn.ts'

interface Waiter {
  resolve(batch: FrameBatch): void
  reject(error: unknown): void
  signal: AbortSignal | undefined
  abort: (() => void) | undefined
}

/**
 * What all transports share: it checks state and arguments once, keeps the one consumer, the waiting, the iteration and the
 * counts, and calls the listeners, so that an implementation (the methods named `do…`) trusts what it is given, is asked only
 * while it is open, and runs no code of others.
 */
export abstract class BaseTransport implements Transport {
  abstract readonly capabilities: Capabilities
  abstract readonly portId: number
  abstract readonly stats: TransportStats
  abstract readonly outbox: Outbox
  readonly events: Emitter<TransportEvents> = createEmitter()
  /** for implementations: what it counts itself */
  protected readonly counts: TransportCounts = newCounts()
  /** for implementations: the losses; listeners are told when the implementation has returned */
  protected readonly loss: LossCounter = new LossCounter(this.counts, () => this.doReadDrops())
  #closed = false
  #waiter: Waiter | undefined
  #iterating = false
  // Inside the implementation, or in a listener of `overrun`, which may do anything.
  #receiving = false
  // Thrown by a listener, and due to the consumer.
  #listenerError: { readonly error: unknown } | undefined
  // Received when its consumer had just given up.
  #kept: FrameBatch | undefined
  readonly #turn = new Turn()
  // The last batch was full, or nothing has been received yet. One that was not full emptied what there was: to ask again at once
  // would be a system call for nothing.
  #mayHaveMore = true
  #isLookDue = false

  /**
   * The next batch if there is one now. It may return without one when it dropped foreign frames or noted a loss: listeners are
   * told, and it is called again. May throw.
   */
  protected abstract doReceive(): FrameBatch | undefined
  /**
   * As {@link doReceive}; when there is none now, after blocking for up to `timeout` milliseconds (negative: indefinitely). After
   * a loss or foreign frames it is called again for the time that is left.
   */
  protected abstract doReceiveBlocking(timeout: number): FrameBatch | undefined
  /** Sees to it that {@link wake} is called, from the event loop, when there may be something to receive: also what is there already. */
  protected abstract doWait(): void
  /** Takes {@link doWait} back. */
  protected abstract doStopWaiting(): void
  protected abstract doJoinGroup(group: number): void
  protected abstract doLeaveGroup(group: number): void
  protected abstract doReadProcNet(name: string): string
  /** Frees everything: batches and leases are detached, descriptors closed. Called once. */
  protected abstract doClose(): void
  /**
   * Messages that the kernel has dropped at this socket since it was opened, in 32 bits; negative where that cannot be known, as
   * here. Asked at the latest before {@link doClose}.
   */
  protected doReadDrops(): number {
    return -1
  }
  /** Milliseconds of the clock that timeouts are measured with. */
  protected now(): number {
    return performance.now()
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

  poll(timeout = 0): FrameBatch | undefined {
    if (this.#closed) throw closedError('poll')
    if (this.#iterating || this.#isReceiving()) throw busyError()
    if (typeof timeout !== 'number' || Number.isNaN(timeout)) {
      throw new TransportError('ARGUMENT', 'poll', 'the timeout is a number of milliseconds')
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
    if (this.#closed) return
    this.#closed = true
    // What was dropped at the end of a burst is in no batch, and known only as long as the socket is open.
    this.loss.compare()
    this.#settle()?.reject(closedError('receive'))
    this.doClose()
    this.#announceLoss()
    this.#tell(() => this.events.emit('close'))
    this.#throwListenerError()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * For implementations: there may be something to receive. One that comes too early, or twice, does no harm.
   *
   * @param turn `same`: it may be called in the turn of the event loop in which the last batch was given out, from a microtask
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

  /** For implementations: counts a frame that is to be delivered. */
  protected countFrame(byteLength: number, fullLength: number): void {
    this.counts.bytes += byteLength
    if (fullLength > byteLength) this.counts.truncated++
  }

  /** For implementations: counts a batch that is to be delivered; the losses that it is to tell of. */
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

  /** What there is, if there is likely to be something and this turn of the event loop is not over. */
  #takeInTurn(): FrameBatch | undefined {
    if (this.#kept === undefined && (!this.#mayHaveMore || this.#turn.isOver(this.now()))) return undefined
    const batch = this.#take(0)
    if (batch === undefined) this.#throwListenerError()
    return batch
  }

  /** What the implementation has now, or after blocking; a listener that is called may close the transport meanwhile. */
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
      const batch = left === 0 ? this.doReceive() : this.doReceiveBlocking(left)
      const isInterrupted = this.loss.hasNews || this.counts.foreign !== foreign
      if (batch !== undefined || !isInterrupted) return batch
      this.#announceLoss()
      if (this.#closed || this.#listenerError !== undefined) return undefined
    }
  }

  #announceLoss(): void {
    if (!this.loss.hasNews) return
    const lost = this.loss.takeForListeners()
    this.#tell(() => this.events.emit('overrun', lost))
  }

  /** Calls listeners. What one of them throws takes nothing from the consumer: it is thrown once there is no batch to give out. */
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
   * A wait that was given up tells nothing of what arrived during it. Once the event loop has run, the next receive looks by itself:
   * else a consumer that gives up again and again before it could be woken would never get anything.
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
      throw new TransportError('ARGUMENT', operation, `${group} is no group number, which are from 1`)
    }
  }
}

function busyError(): TransportError {
  return new TransportError('BUSY', 'receive', 'somebody is receiving from this transport already; it has one consumer')
}
