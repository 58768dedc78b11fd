import { isNetlinkError } from '@ringlink/codec'
import { copyBatch, type FrameBatch, type Transport } from '@ringlink/transport'
import { sessionBusy } from './errors.ts'

/** What a receiver needs from its session. */
export interface BatchSorter {
  /** Takes the answers out of a batch. Returns true when it holds anything else. */
  sort(batch: FrameBatch): boolean
  /** Releases a batch that holds only answers, unless rows in it are read in place. */
  release(batch: FrameBatch): void
  /** Whether a caller waits for an answer. */
  isWaiting(): boolean
  /** Receiving has failed: rejects all callers that wait. */
  fail(error: unknown): void
}

/** Why a receive ended that {@link Receiver.takeOver} ended. */
const TAKEN_OVER = Symbol('taken over')
/** Milliseconds until the next attempt to receive an answer when the frames are all in use. */
const STARVED_INTERVAL = 1
/** Batches read at a time to empty a transport that has lost messages: in a flood there is always another one. */
const MOST_EMPTIED = 256

/** The only consumer of a transport: receives for the caller of {@link receive} and for pending answers. */
export class Receiver {
  readonly #transport: Transport
  readonly #sorter: BatchSorter
  #parked: FrameBatch[] = []
  #consumer: { resolve(batch: FrameBatch): void; reject(error: unknown): void } | undefined
  // A receive from the transport is pending.
  #listening = false
  // Aborts that receive, if it waits only for answers.
  #abort: AbortController | undefined
  #failure: Error | undefined
  #wasFull = false
  // Only receiveUnread reads.
  #isTakenOver = false

  constructor(transport: Transport, sorter: BatchSorter) {
    this.#transport = transport
    this.#sorter = sorter
  }

  /** As `Session.receive`. */
  receive(): Promise<FrameBatch> {
    if (this.#consumer !== undefined) return Promise.reject(sessionBusy())
    const parked = this.#parked.shift()
    if (parked !== undefined) return Promise.resolve(parked)
    return new Promise((resolve, reject) => {
      this.#consumer = { resolve, reject }
      this.#rejectFailure()
      this.listen()
    })
  }

  /** As `Session.receiveNow`. */
  receiveNow(): FrameBatch | undefined {
    const parked = this.#parked.shift()
    if (parked !== undefined) return parked
    this.#throwFailure()
    if (this.#listening) return undefined
    for (;;) {
      const batch = this.#transport.receiveNow()
      if (batch === undefined) return undefined
      this.#wasFull = this.#isFull(batch)
      if (this.#sorter.sort(batch)) return batch
      this.#sorter.release(batch)
      this.#throwFailure()
    }
  }

  /** Reads what is there in this turn of the event loop, for pending answers. Returns false when nothing is. */
  readNow(): boolean {
    if (this.#listening) return false
    const batch = this.#transport.receiveNow()
    if (batch === undefined) return false
    this.#wasFull = this.#isFull(batch)
    this.#deliver(batch)
    return true
  }

  /** As `Session.receiveBlocking`. */
  receiveBlocking(timeout: number): FrameBatch | undefined {
    if (this.#consumer !== undefined || this.#listening) throw sessionBusy()
    const parked = this.#parked.shift()
    if (parked !== undefined) return parked
    this.#throwFailure()
    const batch = this.#transport.poll(timeout)
    if (batch === undefined) return undefined
    this.#wasFull = this.#isFull(batch)
    if (this.#sorter.sort(batch)) return batch
    this.#sorter.release(batch)
    this.#throwFailure()
    return undefined
  }

  /** As `Session.takeOver`. */
  async takeOver(): Promise<void> {
    this.#isTakenOver = true
    this.#transport.stopReceiving(TAKEN_OVER)
    // A batch that came at that moment reaches its caller, or is kept.
    await new Promise(setImmediate)
  }

  /** As `Session.handBack`. */
  handBack(): void {
    this.#isTakenOver = false
    this.listen()
  }

  /** The batch that is ready now, without the answers in it. Call {@link takeOver} first. */
  receiveUnread(): FrameBatch | undefined {
    while (!this.#listening) {
      const batch = this.#transport.poll()
      if (batch === undefined || this.#sorter.sort(batch)) return batch
      this.#sorter.release(batch)
    }
    return undefined
  }

  /** Whether the last batch was not full: it emptied what the kernel had queued. */
  get emptied(): boolean {
    return !this.#wasFull
  }

  get parked(): number {
    return this.#parked.length
  }

  /** Takes the batches that were received while no {@link receive} was pending. */
  takeParked(): FrameBatch[] {
    return this.#parked.splice(0)
  }

  /** An error to throw from {@link receive} once. If there are several, the first one. */
  noteFailure(error: Error | undefined): void {
    if (error === undefined) return
    this.#failure ??= error
    // After the batch that is being given out now.
    queueMicrotask(() => this.#rejectFailure())
  }

  /** Receives, if a caller waits and no receive is running. */
  listen(): void {
    if (this.#listening || this.#isTakenOver || !this.#isWaiting()) return
    this.#listening = true
    if (this.#consumer !== undefined) this.#begin()
    // Code that runs synchronously after a request was sent runs before its answer is read.
    else queueMicrotask(this.#begin)
  }

  /** With nothing left to wait for, stops waiting on the transport, so that the process can exit. */
  letGo(): void {
    if (!this.#isWaiting()) this.#abort?.abort()
  }

  /** Rejects the caller of {@link receive}. */
  reject(error: unknown): void {
    const consumer = this.#consumer
    this.#consumer = undefined
    consumer?.reject(error)
  }

  /** Reads what is ready unless another receive does: a socket that was overrun gets nothing more until it is empty. */
  empty(): void {
    try {
      for (let count = 0; !this.#listening && count < MOST_EMPTIED; count++) {
        const batch = this.#transport.poll()
        if (batch === undefined) return
        this.#wasFull = this.#isFull(batch)
        this.#deliver(batch)
      }
    } catch (error) {
      if (!isNetlinkError(error, 'NO_FREE_FRAMES')) throw error
    }
  }

  readonly #begin = (): void => {
    if (this.#isTakenOver) {
      this.#listening = false
      return
    }
    if (this.#consumer === undefined) {
      if (!this.#isWaiting()) {
        this.#listening = false
        return
      }
      this.#abort = new AbortController()
    }
    this.#transport.receive(this.#abort).then(this.#onBatch, this.#onFailure)
  }

  readonly #onBatch = (batch: FrameBatch): void => {
    this.#listening = false
    this.#abort = undefined
    // A batch that was already released went with its transport; the next receive throws.
    if (!batch.released) {
      this.#wasFull = this.#isFull(batch)
      this.#deliver(batch)
    }
    this.listen()
  }

  readonly #onFailure = (error: unknown): void => {
    this.#listening = false
    const signal = this.#abort?.signal
    this.#abort = undefined
    if (error === TAKEN_OVER || (signal?.aborted === true && error === signal.reason)) {
      this.listen()
      return
    }
    // The consumer still works on the batch that has the frames. Answers wait until it is released, or time out.
    if (this.#consumer === undefined && isNetlinkError(error, 'NO_FREE_FRAMES')) {
      setTimeout(() => this.listen(), STARVED_INTERVAL)
      return
    }
    this.#sorter.fail(error)
  }

  /** Gives a batch to the consumer, or keeps a copy if there is none now. */
  #deliver(batch: FrameBatch): void {
    if (!this.#sorter.sort(batch)) {
      this.#sorter.release(batch)
      this.#rejectFailure()
      return
    }
    const consumer = this.#consumer
    this.#consumer = undefined
    if (consumer !== undefined) {
      consumer.resolve(batch)
    } else if (!batch.released) {
      this.#parked.push(copyBatch(batch))
      batch.release()
    }
  }

  #isWaiting(): boolean {
    return this.#consumer !== undefined || this.#sorter.isWaiting()
  }

  #throwFailure(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
  }

  /** Rejects the consumer with the pending error, which stays pending while no caller waits. */
  #rejectFailure(): void {
    const failure = this.#failure
    if (this.#consumer === undefined || failure === undefined) return
    this.#failure = undefined
    this.reject(failure)
  }

  #isFull(batch: FrameBatch): boolean {
    return batch.length >= this.#transport.capabilities.batchSize
  }
}
