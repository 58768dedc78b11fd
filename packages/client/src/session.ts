import {
  ControlType,
  DoneView,
  ErrorView,
  type ExtendedAck,
  GetFlag,
  isNetlinkError,
  type KernelError,
  MESSAGE_HEADER_LENGTH,
  type Memory,
  Message,
  MessageFlag,
  MessageIterator,
  type MessageView,
  MINIMUM_MESSAGE_TYPE,
  Protocol,
} from '@ringlink/codec'
import { copyBatch, type FrameBatch, type ReceiveOptions, type Transport } from '@ringlink/transport'
import { DumpInterruptedError, sessionBusy, sessionClosed, timeoutError } from './errors.ts'
import { kernelError } from './kernel-error.ts'

/** A request to the kernel, as the codec writes it. */
export interface Request {
  /** what it is for: error texts begin with it */
  readonly what: string
  /** writes one whole message and returns its length; flags and sequence number are added by the session */
  readonly write: (memory: Memory, offset: number, limit: number) => number
  /** bytes to make room for; default 1024 */
  readonly size?: number
}

/** How long to wait for an answer. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined
  /** milliseconds; default the session's */
  readonly timeout?: number | undefined
}

export interface SessionOptions {
  /** netlink protocol of the transport, for names in errors; default `NETLINK_NETFILTER` */
  readonly protocol?: number
  /** milliseconds to wait for an answer; default 5000 */
  readonly requestTimeout?: number
}

/**
 * Told of an error that answers no request: the type and sequence number of the message that it refuses, and the errno. An
 * error that it returns is what the next `receive` rejects with, once what was received before it is given out.
 */
export type StrayErrorHandler = (requestType: number, sequence: number, errno: number) => Error | undefined

/** Batches taken without waiting before the event loop gets its turn; the transport does the same when it waits. */
const BATCHES_PER_TURN = 16
const EMPTIED: ReceiveOptions = { emptied: true }
const DEFAULT_REQUEST_SIZE = 1024
const DEFAULT_TIMEOUT = 5000

interface Pending {
  readonly what: string
  readonly bytes: Uint8Array
  readonly type: number
  readonly rows: Message[]
  readonly isDump: boolean
  interrupted: boolean
  resolve(rows: Message[]): void
  reject(error: unknown): void
}

/**
 * Requests and their answers over one transport, of which it is the only consumer. Many requests may be in flight; what
 * answers none of them (packets, notifications) goes to whoever calls {@link receive}.
 *
 * Awaiting a request while a batch is being worked on is fine: the answer is found behind the batches that are live, and
 * what comes before it is copied and kept for the next {@link receive}.
 */
export class Session implements AsyncDisposable {
  readonly transport: Transport
  /** called for errors that answer no request, verdicts among them */
  onStrayError: StrayErrorHandler | undefined
  #protocol: number
  #requestTimeout: number
  #pending: Map<number, Pending> = new Map()
  #parked: FrameBatch[] = []
  #consumer: { resolve(batch: FrameBatch): void; reject(error: unknown): void } | undefined
  #consuming = false
  #receiving = false
  #pumpAbort: AbortController | undefined
  #failure: Error | undefined
  #sequence = 0
  #taken = 0
  #wasFull = false
  #messages = new MessageIterator()
  #error = new ErrorView()
  #done = new DoneView()

  constructor(transport: Transport, options: SessionOptions = {}) {
    this.transport = transport
    this.#protocol = options.protocol ?? Protocol.Netfilter
    this.#requestTimeout = options.requestTimeout ?? DEFAULT_TIMEOUT
  }

  /**
   * Sends a request and waits until the kernel acknowledges it; the messages that it answered with, if any. Rejects with
   * code `KERNEL` when it refuses, `TIMEOUT`, `CLOSED`, `SYSTEM` when it cannot be sent, or with the signal's reason.
   */
  request(request: Request, options: RequestOptions = {}): Promise<Message[]> {
    return this.#send(request, MessageFlag.Request | MessageFlag.Acknowledge, options)
  }

  /**
   * Asks for a table; all its rows. As {@link request}, and with code `DUMP_INTERRUPTED` when the table changed meanwhile:
   * the rows that came are in the error, some may be missing or there twice.
   */
  dump(request: Request, options: RequestOptions = {}): Promise<Message[]> {
    return this.#send(request, MessageFlag.Request | GetFlag.Dump, options)
  }

  /**
   * The next batch that holds something which answers no request. Release it. Rejects with code `CLOSED` at close, `BUSY` while
   * another call is pending.
   */
  receive(): Promise<FrameBatch> {
    if (this.#consuming) return Promise.reject(sessionBusy())
    const parked = this.#parked.shift()
    if (parked !== undefined) return Promise.resolve(parked)
    this.#consuming = true
    if (!this.#receiving) return this.#receiveForConsumer()
    return new Promise((resolve, reject) => {
      this.#consumer = { resolve, reject }
      this.#rejectConsumer(this.#takeFailure())
    })
  }

  /** Whether the last batch was not full: it emptied what the kernel had queued. */
  get emptied(): boolean {
    return !this.#wasFull
  }

  /** Time has passed since the last batch: there may be another at once, although that one emptied the kernel's queue. */
  noteRest(): void {
    this.#wasFull = true
  }

  /** As {@link receive}, if there is likely to be one now and the event loop has had its turn. */
  receiveNow(): FrameBatch | undefined {
    const parked = this.#parked.shift()
    if (parked !== undefined) return parked
    this.#throwFailure()
    if (this.#receiving) return undefined
    // A batch that was not full emptied the kernel's queue: asking again is a system call for nothing.
    while (this.#wasFull && this.#taken < BATCHES_PER_TURN) {
      const batch = this.transport.poll()
      this.#wasFull = batch !== undefined && this.#isFull(batch)
      if (batch === undefined) return undefined
      this.#taken++
      if (this.#sort(batch)) return batch
      batch.release()
      this.#throwFailure()
    }
    return undefined
  }

  /**
   * As {@link receive}, but blocking this thread for up to `timeout` milliseconds; `undefined` when they are over, or when what came
   * answered requests. Throws what {@link receive} rejects with; code `BUSY` also while an answer is awaited, which takes the event loop.
   */
  receiveBlocking(timeout: number): FrameBatch | undefined {
    if (this.#consuming || this.#receiving) throw sessionBusy()
    const parked = this.#parked.shift()
    if (parked !== undefined) return parked
    this.#throwFailure()
    const batch = this.transport.poll(timeout)
    if (batch === undefined) return undefined
    this.#wasFull = this.#isFull(batch)
    if (this.#sort(batch)) return batch
    batch.release()
    this.#throwFailure()
    return undefined
  }

  /** Whether batches are kept, from while a request was awaited, that {@link receive} has not given out yet. */
  get hasParked(): boolean {
    return this.#parked.length > 0
  }

  /** Takes the batches that are kept. */
  takeParked(): FrameBatch[] {
    return this.#parked.splice(0)
  }

  /** Sends what is committed in the outbox. */
  flush(): void {
    this.transport.outbox.flush()
  }

  /** Closes the transport; requests in flight reject with code `CLOSED`. */
  async close(): Promise<void> {
    for (const batch of this.takeParked()) batch.release()
    await this.transport.close()
    const error = sessionClosed()
    for (const pending of [...this.#pending.values()]) pending.reject(error)
    this.#rejectConsumer(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #send(request: Request, flags: number, options: RequestOptions): Promise<Message[]> {
    const { signal } = options
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const sequence = this.#nextSequence()
      const timeout = options.timeout ?? this.#requestTimeout
      const timer = setTimeout(() => settle(() => reject(timeoutError(request.what, timeout))), timeout)
      const onAbort = () => settle(() => reject(signal?.reason))
      const settle = (action: () => void) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        this.#pending.delete(sequence)
        action()
        // With nothing left to wait for, the pump lets go of the transport, and of the process.
        if (this.#pending.size === 0 && this.#consumer === undefined) this.#pumpAbort?.abort()
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      let bytes: Uint8Array
      try {
        bytes = this.#write(request, flags, sequence)
      } catch (error) {
        settle(() => reject(error))
        return
      }
      this.#pending.set(sequence, {
        what: request.what,
        bytes,
        type: new Message(bytes).view.type,
        rows: [],
        isDump: (flags & GetFlag.Dump) === GetFlag.Dump,
        interrupted: false,
        resolve: (rows) => settle(() => resolve(rows)),
        reject: (error) => settle(() => reject(error)),
      })
      try {
        this.flush()
      } catch (error) {
        settle(() => reject(error))
        return
      }
      this.#pump()
    })
  }

  #write(request: Request, flags: number, sequence: number): Uint8Array {
    const { outbox } = this.transport
    const size = request.size ?? DEFAULT_REQUEST_SIZE
    if (size > outbox.available) outbox.flush()
    const offset = outbox.reserve(size)
    const { memory } = outbox
    const length = request.write(memory, offset, offset + size)
    memory.u16[(offset + 6) >> 1] = (memory.u16[(offset + 6) >> 1] as number) | flags
    memory.u32[(offset + 8) >> 2] = sequence
    const bytes = memory.copy(offset, length)
    outbox.commit(length)
    return bytes
  }

  #nextSequence(): number {
    do this.#sequence = (this.#sequence + 1) >>> 0
    while (this.#sequence === 0 || this.#pending.has(this.#sequence))
    return this.#sequence
  }

  async #receiveForConsumer(): Promise<FrameBatch> {
    this.#receiving = true
    try {
      if (this.#taken >= BATCHES_PER_TURN) await new Promise(setImmediate)
      this.#taken = 0
      for (;;) {
        this.#throwFailure()
        const batch = await this.transport.receive(this.#wasFull ? undefined : EMPTIED)
        this.#wasFull = this.#isFull(batch)
        if (this.#sort(batch)) return batch
        batch.release()
      }
    } finally {
      this.#consuming = false
      this.#receiving = false
      this.#pump()
    }
  }

  /** Receives as long as answers are due and nobody else does. */
  #pump(): void {
    if (this.#receiving || this.#pending.size === 0) return
    this.#receiving = true
    this.#runPump().then(
      () => {
        this.#receiving = false
        this.#pump()
      },
      (error) => {
        this.#receiving = false
        for (const pending of [...this.#pending.values()]) pending.reject(error)
        this.#rejectConsumer(error)
      },
    )
  }

  async #runPump(): Promise<void> {
    while (this.#pending.size > 0 || this.#consumer !== undefined) {
      this.#pumpAbort = new AbortController()
      const { signal } = this.#pumpAbort
      let batch: FrameBatch
      try {
        batch = await this.transport.receive({ signal })
      } catch (error) {
        if (signal.aborted && error === signal.reason) continue
        throw error
      }
      if (!this.#sort(batch)) {
        batch.release()
        this.#rejectConsumer(this.#takeFailure())
      } else if (this.#consumer !== undefined) {
        const consumer = this.#consumer
        this.#consumer = undefined
        this.#consuming = false
        consumer.resolve(batch)
      } else {
        this.#parked.push(copyBatch(batch))
        batch.release()
      }
    }
  }

  /** The error that the consumer is due; it stays due while nobody waits. */
  #takeFailure(): Error | undefined {
    const failure = this.#failure
    if (this.#consumer !== undefined) this.#failure = undefined
    return failure
  }

  #throwFailure(): void {
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
  }

  #rejectConsumer(error: unknown): void {
    const consumer = this.#consumer
    if (consumer === undefined || error === undefined) return
    this.#consumer = undefined
    this.#consuming = false
    consumer.reject(error)
  }

  #isFull(batch: FrameBatch): boolean {
    return batch.length >= this.transport.capabilities.batchSize
  }

  /** Hands answers to their requests; true when the batch holds anything else. */
  #sort(batch: FrameBatch): boolean {
    const { memory, length } = batch
    let others = false
    for (let i = 0; i < length; i++) {
      const offset = batch.offset(i)
      const size = batch.byteLength(i)
      if (size < MESSAGE_HEADER_LENGTH || batch.fullLength(i) > size) {
        others = true
        continue
      }
      // With no request in flight only control messages are ours, and those come alone in their frame.
      const type = memory.u16[(offset + 4) >> 1] as number
      if (type >= MINIMUM_MESSAGE_TYPE && this.#pending.size === 0) others = true
      else if (this.#sortFrame(memory, offset, size)) others = true
    }
    return others
  }

  #sortFrame(memory: Memory, offset: number, length: number): boolean {
    const messages = this.#messages.wrap(memory, offset, length)
    let others = false
    while (messages.next()) {
      if (this.#sortMessage(messages.view)) others = true
    }
    return others || messages.problem !== undefined
  }

  #sortMessage(view: MessageView): boolean {
    const pending = this.#pending.get(view.sequence)
    try {
      if (view.type === ControlType.Error) this.#onError(view)
      else if (view.type === ControlType.Done) this.#onDone(view, pending)
      else if (view.type >= MINIMUM_MESSAGE_TYPE && pending === undefined) return true
      else if (pending !== undefined && view.type >= MINIMUM_MESSAGE_TYPE) this.#onRow(view, pending)
      return false
    } catch (error) {
      // A control message that is malformed answers nothing; whoever receives the batch is shown it.
      if (isNetlinkError(error)) return true
      throw error
    }
  }

  #onRow(view: MessageView, pending: Pending): void {
    pending.rows.push(view.copy())
    if ((view.flags & MessageFlag.DumpInterrupted) !== 0) pending.interrupted = true
  }

  #onError(view: MessageView): void {
    const error = this.#error.wrap(view)
    const pending = this.#pending.get(view.sequence)
    if (pending === undefined || pending.type !== error.requestType) {
      if (error.errno !== 0) this.#failure ??= this.onStrayError?.(error.requestType, view.sequence, error.errno)
      return
    }
    if (error.errno === 0) pending.resolve(pending.rows)
    else pending.reject(this.#kernelError(pending, view.sequence, error.errno, error.availableAck()))
  }

  #onDone(view: MessageView, pending: Pending | undefined): void {
    if (pending === undefined) return
    const done = this.#done.wrap(view)
    if ((view.flags & MessageFlag.DumpInterrupted) !== 0) pending.interrupted = true
    if (done.errno !== 0) pending.reject(this.#kernelError(pending, view.sequence, done.errno, done.availableAck()))
    else if (pending.interrupted) pending.reject(new DumpInterruptedError(pending.what, pending.rows))
    else if (pending.isDump) pending.resolve(pending.rows)
  }

  #kernelError({ what, bytes }: Pending, sequence: number, errno: number, ack: ExtendedAck | undefined): KernelError {
    return kernelError(this.#protocol, { what, bytes, sequence }, errno, ack)
  }
}
