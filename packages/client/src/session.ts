import { type AttributeSet, GetFlag, type Message, MessageFlag, Protocol } from '@ringlink/codec'
import type { FrameBatch, Transport } from '@ringlink/transport'
import { sessionClosed, timeoutError } from './errors.ts'
import { Exchange, type Expectation } from './exchange.ts'
import { Receiver } from './receiver.ts'
import { Replies } from './replies.ts'
import { batchFlags, encodeRequests, type Request } from './request.ts'
import type { BatchOptions, BatchResult, RequestOptions, SessionOptions, StrayErrorHandler } from './session-options.ts'
import { beginBatch, beginRequest, checkSessionOptions } from './session-schema.ts'
import { Turns } from './turns.ts'

const DEFAULT_TIMEOUT = 5000
/** Bytes that a kernel puts into a datagram of a listing at most, unless it was shown larger frames: `NLMSG_GOODSIZE` of the largest pages. */
const LARGEST_CHUNK = 8192
/** The kernel fills frames of this size: fewer datagrams for a long listing. */
const LISTER_FRAME_SIZE = 32_768
/** Milliseconds after which a request that may be repeated is, when messages were lost and no answer has come. */
const REPEAT_INTERVAL = 100
/** Milliseconds for which the rest of a dump that nobody waits for any more is read, so that the next one can begin. */
const DISCARD_TIMEOUT = 1000

/**
 * Requests and their answers over one transport, of which it is the only consumer. Many requests may be in flight; anything that
 * answers none of them (packets, notifications) goes to the caller of {@link receive}. An answer is a message with the sequence number
 * of the request and the port id of the transport.
 *
 * Awaiting a request while a batch is being worked on is fine: the answer is found after the batches that are live, and
 * what comes before it is copied and kept for the next {@link receive}.
 *
 * An answer is whole, or the request rejects, always with the rows that arrived in the error: with code `TRUNCATED` when part of it
 * did not fit into a frame, `MALFORMED` when part of it cannot be read, `DUMP_INTERRUPTED` when the table changed while it was listed.
 * Otherwise a request rejects with code `KERNEL` when the kernel refuses it, `TIMEOUT`, `CLOSED`, `SYSTEM` when it cannot be sent,
 * `VALUE_RANGE` when it cannot be written, or with the reason of the signal.
 */
export class Session implements AsyncDisposable {
  readonly transport: Transport
  /** called for errors that answer no request, verdicts among them */
  onStrayError: StrayErrorHandler | undefined
  readonly #requestTimeout: number
  readonly #replies: Replies
  readonly #receiver: Receiver
  readonly #options: SessionOptions
  // The session of the socket that dumps are read from, where it is not this one.
  #lister: Promise<Session> | undefined
  #sequence = 0
  // Times that the kernel has dropped messages, and whether what was left of them may still be unread.
  #overruns = 0
  #isOverrun = false
  #overrunNoted = false
  // The kernel refuses a second dump on a socket while one is running.
  readonly #dumps = new Turns()

  constructor(transport: Transport, given: SessionOptions = {}) {
    const options = checkSessionOptions(given)
    this.transport = transport
    this.#options = options
    this.#requestTimeout = options.requestTimeout ?? DEFAULT_TIMEOUT
    this.#replies = new Replies(transport, options.protocol ?? Protocol.Netfilter)
    this.#receiver = new Receiver(transport, {
      sort: (batch) => this.#sort(batch),
      isWaiting: () => this.#replies.hungry,
      fail: (error) => this.#fail(error),
    })
    transport.events.on('overrun', () => this.#onOverrun())
  }

  /** Types of messages that are sent without an acknowledgement: an error for one of these goes to {@link onStrayError}. */
  set unacknowledged(types: ReadonlySet<number>) {
    this.#replies.unacknowledged = types
  }

  /** Sends a request and waits until the kernel acknowledges it; the messages that it answered with, if any. */
  async request<Set extends AttributeSet>(request: Request<Set>, given: RequestOptions = {}): Promise<Message[]> {
    const options = beginRequest('request', given)
    const expectation = request.answered === true ? 'answer' : 'acknowledgement'
    const [exchange] = this.#send([request], [MessageFlag.Acknowledge], expectation)
    return await this.#collect(exchange as Exchange, options)
  }

  /** Asks for a table; all its rows. Dumps of one session take turns. */
  async dump<Set extends AttributeSet>(request: Request<Set>, given: RequestOptions = {}): Promise<Message[]> {
    const options = beginRequest('dump', given)
    if (this.#needsLister) return await (await this.#openLister()).dump(request, options)
    const turn = this.#dumps.begin(request.what, options.timeout ?? this.#requestTimeout, options.signal)
    if (turn !== undefined) await turn
    let exchange: Exchange | undefined
    try {
      exchange = this.#send([request], [GetFlag.Dump], 'dump')[0] as Exchange
      return await this.#collect(exchange, options)
    } finally {
      this.#endDump(exchange)
    }
  }

  /**
   * Asks for a table, row by row: while no row is asked for the transport is not read on account of it, and the kernel's listing waits.
   * A loop that is left early ends the dump. Rejects as {@link dump}; the rows in an error are those that were not given out. The
   * timeout is for each wait.
   */
  async *rows<Set extends AttributeSet>(
    request: Request<Set>,
    given: RequestOptions = {},
  ): AsyncGenerator<Message, void, undefined> {
    const options = beginRequest('rows', given)
    if (this.#needsLister) {
      yield* (await this.#openLister()).rows(request, options)
      return
    }
    const turn = this.#dumps.begin(request.what, options.timeout ?? this.#requestTimeout, options.signal)
    if (turn !== undefined) await turn
    let exchange: Exchange | undefined
    try {
      exchange = this.#send([request], [GetFlag.Dump], 'dump')[0] as Exchange
      yield* this.#stream(exchange, options)
    } finally {
      this.#endDump(exchange)
    }
  }

  /**
   * Sends several messages in one datagram, which the kernel carries out in their order, and waits until it has: what became of each. The
   * last one asks for an acknowledgement, unless the flags of others do. Rejects as {@link request} where there is no result for each.
   */
  async batch(requests: readonly Request[], given: BatchOptions = {}): Promise<BatchResult[]> {
    const options = beginBatch(given)
    if (requests.length === 0) return []
    const flags = batchFlags(requests, options.transaction === true)
    const parts = this.#send(requests, flags, 'acknowledgement')
    const acknowledged = parts.filter((_, index) => flags[index] !== 0)
    const overruns = this.#overruns
    const isDone = () =>
      acknowledged.every(({ ended }) => ended) ||
      (options.transaction === true && parts[0]?.isRefused === true) ||
      // Only a batch full of errors overruns a socket that nothing else comes to: the first of them is here.
      (this.#overruns > overruns && parts.some(({ isRefused }) => isRefused))
    try {
      await this.#until(parts, options.what ?? requests.map(({ what }) => what).join(', '), isDone, options)
      return parts.map(({ rows, error }) => ({ rows, error }))
    } finally {
      for (const part of parts) this.#replies.remove(part)
    }
  }

  /** Sends messages in one datagram without asking what becomes of them; an error for one of them is a stray error. Throws code `SYSTEM`. */
  post(requests: readonly Request[]): void {
    const numbers = requests.map(() => ({ flags: MessageFlag.Request, sequence: this.#nextSequence() }))
    this.#commit(encodeRequests(requests, numbers).bytes, requests.length > 1)
    this.flush()
  }

  /**
   * The next batch that holds something which answers no request. Release it. Rejects with code `CLOSED` at close, `BUSY` while
   * another call is pending.
   */
  receive(): Promise<FrameBatch> {
    return this.#receiver.receive()
  }

  /** Has the next {@link receive}, or the one that is pending, reject with `error`. The first one counts until it has. */
  failReceive(error: Error): void {
    this.#receiver.noteFailure(error)
  }

  /** As {@link receive}, if there is likely to be one now and the event loop has had its turn. */
  receiveNow(): FrameBatch | undefined {
    return this.#receiver.receiveNow()
  }

  /**
   * As {@link receive}, but blocking this thread for up to `timeout` milliseconds; `undefined` when they are over, or when what came
   * answered requests. Throws what {@link receive} rejects with; code `BUSY` also while an answer is awaited, which takes the event loop.
   */
  receiveBlocking(timeout: number): FrameBatch | undefined {
    return this.#receiver.receiveBlocking(timeout)
  }

  /** Whether the last batch was not full: it emptied what the kernel had queued. */
  get emptied(): boolean {
    return this.#receiver.emptied
  }

  /** What is there now, besides answers, where nobody waits for it: at the end all of it must be answered. */
  receiveUnread(): FrameBatch | undefined {
    return this.#receiver.receiveUnread()
  }

  /** Whether batches are kept that {@link receive} has not given out yet. */
  get hasParked(): boolean {
    return this.#receiver.hasParked
  }

  /** Takes the batches that are kept. */
  takeParked(): FrameBatch[] {
    return this.#receiver.takeParked()
  }

  /** Sends what is committed in the outbox. */
  flush(): void {
    this.transport.outbox.flush()
  }

  /** Closes the transport; requests in flight reject with code `CLOSED`. */
  async close(): Promise<void> {
    for (const batch of this.takeParked()) batch.release()
    await this.transport.close()
    await this.#lister?.then((session) => session.close()).catch(ignore)
    this.#fail(sessionClosed())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  get #needsLister(): boolean {
    return this.#options.open !== undefined && this.transport.capabilities.frameSize < LARGEST_CHUNK
  }

  #openLister(): Promise<Session> {
    const { open, ...options } = this.#options
    const protocol = options.protocol ?? Protocol.Netfilter
    this.#lister ??= Promise.resolve(open?.({ protocol, frameSize: LISTER_FRAME_SIZE }) ?? this.transport).then(
      (transport) => new Session(transport, options),
    )
    return this.#lister
  }

  /** Encodes and sends requests in one datagram: their exchanges. */
  #send(requests: readonly Request[], flags: readonly number[], expectation: Expectation): Exchange[] {
    // A socket that was overrun is sent nothing, answers neither, until all has been read that is there.
    if (this.#isOverrun) this.#receiver.empty()
    const numbers = requests.map((_, index) => ({
      flags: MessageFlag.Request | (flags[index] ?? 0),
      sequence: this.#nextSequence(),
    }))
    const { bytes, messages } = encodeRequests(requests, numbers)
    const exchanges = requests.map((request, index) => {
      const sent = { what: request.what, bytes: messages[index] as Uint8Array, sequence: numbers[index]?.sequence ?? 0 }
      return new Exchange(sent, expectation, request)
    })
    this.#commit(bytes, requests.length > 1)
    for (const exchange of exchanges) this.#replies.add(exchange)
    try {
      this.flush()
    } catch (error) {
      for (const exchange of exchanges) this.#replies.remove(exchange)
      throw error
    }
    return exchanges
  }

  /** Puts messages into the outbox; `alone`: nothing else may be in their datagram. */
  #commit(bytes: Uint8Array, alone: boolean): void {
    const { outbox } = this.transport
    if (outbox.pending > 0 && (alone || bytes.length > outbox.available)) outbox.flush()
    const offset = outbox.reserve(bytes.length)
    outbox.memory.u8.set(bytes, offset)
    outbox.commit(bytes.length)
  }

  /** Waits for the end of `exchange`: its rows. */
  async #collect(exchange: Exchange, options: RequestOptions): Promise<Message[]> {
    try {
      await this.#until([exchange], exchange.sent.what, () => exchange.ended, options)
      if (exchange.error !== undefined) throw exchange.error
      return exchange.rows
    } finally {
      this.#replies.remove(exchange)
    }
  }

  async *#stream(exchange: Exchange, options: RequestOptions): AsyncGenerator<Message, void, undefined> {
    const isDone = () => exchange.ended || exchange.rows.length > 0
    for (;;) {
      options.signal?.throwIfAborted()
      if (!isDone()) await this.#until([exchange], exchange.sent.what, isDone, options)
      // What is left when the loop is ended by an error is in that.
      if (exchange.ended && exchange.error !== undefined) throw exchange.error
      const rows = exchange.takeRows()
      if (rows.length === 0) return
      yield* rows
    }
  }

  /**
   * Waits until `isDone`, which is asked whenever something has come for one of the exchanges. Rejects with code `TIMEOUT` (or what an
   * incomplete answer rejects with: its end may be what is missing), with the signal's reason, and as the transport does.
   */
  #until(exchanges: readonly Exchange[], what: string, isDone: () => boolean, options: RequestOptions): Promise<void> {
    const { signal, timeout = this.#requestTimeout } = options
    const overruns = this.#overruns
    return new Promise((resolve, reject) => {
      const onAbort = () => settle(() => reject(signal?.reason))
      const onTimeout = () => {
        const incomplete = exchanges.find(({ isIncomplete }) => isIncomplete)
        settle(() => reject(incomplete?.error ?? timeoutError(what, timeout)))
      }
      const onInterval = () => {
        if (this.#overruns > overruns) this.#repeat(exchanges)
      }
      const timer = setTimeout(onTimeout, timeout)
      const interval = exchanges.some(({ canRepeat }) => canRepeat)
        ? setInterval(onInterval, REPEAT_INTERVAL)
        : undefined
      const settle = (action: () => void) => {
        clearTimeout(timer)
        clearInterval(interval)
        signal?.removeEventListener('abort', onAbort)
        for (const exchange of exchanges) exchange.rest()
        action()
        this.#receiver.letGo()
      }
      const notify = () => {
        if (isDone()) settle(resolve)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      for (const exchange of exchanges) exchange.wait(notify, (error) => settle(() => reject(error)))
      notify()
      this.#receiver.listen()
    })
  }

  /** Lets the next dump begin, once the kernel has finished this one. */
  #endDump(exchange: Exchange | undefined): void {
    if (exchange === undefined || exchange.ended) this.#dumps.end()
    else this.#discard(exchange).then(() => this.#dumps.end())
  }

  /** Reads the rest of a dump that was left early: the kernel refuses another one before that. */
  async #discard(exchange: Exchange): Promise<void> {
    const isDone = () => {
      exchange.takeRows()
      return exchange.ended
    }
    try {
      this.#replies.keep(exchange)
      // The caller was told why the dump ended early; if the kernel does not finish it, the next one will say so.
      await this.#until([exchange], exchange.sent.what, isDone, { timeout: DISCARD_TIMEOUT }).catch(ignore)
    } finally {
      this.#replies.remove(exchange)
    }
  }

  #nextSequence(): number {
    do this.#sequence = (this.#sequence + 1) >>> 0
    while (this.#sequence === 0 || this.#replies.has(this.#sequence))
    return this.#sequence
  }

  #fail(error: unknown): void {
    for (const exchange of this.#replies.open()) exchange.fail(error)
    this.#receiver.reject(error)
  }

  /** Hands answers to their requests; true when the batch holds anything else. */
  #sort(batch: FrameBatch): boolean {
    const others = this.#replies.sort(batch)
    // One that is not full has emptied the socket.
    if (batch.length < this.transport.capabilities.batchSize) this.#isOverrun = false
    if (this.#replies.stray.length > 0) {
      for (const { requestType, sequence, errno } of this.#replies.stray.splice(0)) {
        this.#receiver.noteFailure(this.onStrayError?.(requestType, sequence, errno))
      }
    }
    return others
  }

  #onOverrun(): void {
    this.#overruns++
    this.#isOverrun = true
    if (this.#overrunNoted || this.#replies.live === 0) return
    this.#overrunNoted = true
    setImmediate(() => {
      this.#overrunNoted = false
      const open = this.#replies.open()
      for (const exchange of open) exchange.notify()
      this.#repeat(open)
    })
  }

  /** Sends requests again whose acknowledgement may have been lost, when there is room for another one. */
  #repeat(exchanges: readonly Exchange[]): void {
    const repeated = exchanges.filter(({ canRepeat, ended, abandoned }) => canRepeat && !ended && !abandoned)
    if (repeated.length === 0) return
    try {
      this.#receiver.empty()
      for (const exchange of repeated.filter(({ ended }) => !ended)) {
        exchange.noteRepeat()
        this.#commit(exchange.sent.bytes, false)
      }
      this.flush()
    } catch (error) {
      this.#fail(error)
    }
  }
}

function ignore(): void {}
