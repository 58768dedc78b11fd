import { type AttributeSet, GetFlag, type Message, MessageFlag, Protocol } from '@ringlink/codec'
import type { FrameBatch, Transport } from '@ringlink/transport'
import { Dumps } from './dumps.ts'
import { sessionClosed } from './errors.ts'
import { Exchange, type Expectation } from './exchange.ts'
import { Receiver } from './receiver.ts'
import { Replies } from './replies.ts'
import { batchFlags, commitMessages, encodeRequests, type Request, tableOf } from './request.ts'
import type { BorrowedRows, RowBatch } from './row-batch.ts'
import type {
  BatchOptions,
  BatchResult,
  DumpOptions,
  RequestOptions,
  SessionOptions,
  StrayErrorHandler,
} from './session-options.ts'
import { beginBatch, beginDump, beginRequest, beginStream, checkSessionOptions } from './session-schema.ts'
import { Subscription } from './subscription.ts'
import { MOST_IN_FLIGHT, Turns } from './turns.ts'
import { waitForExchanges } from './waiting.ts'

const DEFAULT_TIMEOUT = 5000
/**
 * Maximum bytes that a kernel puts into a datagram of a dump, unless a larger receive was seen: `NLMSG_GOODSIZE` with
 * the largest pages.
 */
const LARGEST_CHUNK = 8192
/** Frame size in bytes for dumps. The kernel fills frames of this size, so a long dump takes fewer datagrams. */
const LISTER_FRAME_SIZE = 32_768

/**
 * Requests and their answers over one transport, of which it is the only consumer. Many requests may be in flight;
 * messages that answer none of them (packets, notifications) go to the caller of {@link receive}. An answer is a
 * message with the sequence number of the request and the port id of the transport.
 *
 * A request may be awaited while a batch is being processed: batches that come before the answer are copied and kept
 * for the next {@link receive}.
 *
 * If an answer is incomplete, the request rejects, and the error has the rows that arrived: code `TRUNCATED` when part
 * of it did not fit into a frame, `MALFORMED` when part of it cannot be parsed, `DUMP_INTERRUPTED` when the table
 * changed during the dump. A request also rejects with code `KERNEL` when the kernel refuses it, `TIMEOUT`, `CLOSED`,
 * `SYSTEM` when it cannot be sent, `VALUE_RANGE` when it cannot be encoded, or with the reason of the signal.
 */
export class Session implements AsyncDisposable {
  readonly transport: Transport
  /** called for errors that answer no request, verdicts among them */
  onStrayError: StrayErrorHandler | undefined
  readonly #requestTimeout: number
  readonly #replies: Replies
  readonly #receiver: Receiver
  readonly #options: SessionOptions
  // The session of the socket for dumps, if that is a separate one.
  #dumping: Promise<Session> | undefined
  #sequence = 0
  // How often the kernel has dropped messages, and whether messages from before that may still be unread.
  #overruns = 0
  #isOverrun = false
  #overrunNoted = false
  readonly #dumps: Dumps
  readonly #requests = new Turns(MOST_IN_FLIGHT)

  constructor(transport: Transport, given: SessionOptions = {}) {
    const options = checkSessionOptions(given)
    this.transport = transport
    this.#options = options
    this.#requestTimeout = options.requestTimeout ?? DEFAULT_TIMEOUT
    this.#replies = new Replies(transport, options.protocol ?? Protocol.Netfilter)
    this.#receiver = new Receiver(transport, {
      sort: (batch) => this.#sort(batch),
      release: (batch) => {
        if (!this.#replies.isBorrowed(batch)) batch.release()
      },
      isWaiting: () => this.#replies.hungry,
      fail: (error) => this.#fail(error),
    })
    this.#dumps = new Dumps({
      requestTimeout: this.#requestTimeout,
      send: (request, borrowed) => this.#send([request], [GetFlag.Dump], 'dump', borrowed)[0] as Exchange,
      until: (exchange, isDone, waiting) => this.#until([exchange], exchange.sent.what, isDone, waiting),
      readNow: () => this.#receiver.readNow(),
      remove: (exchange) => this.#replies.remove(exchange),
      keep: (exchange) => this.#replies.keep(exchange),
    })
    transport.events.on('overrun', () => this.#onOverrun())
  }

  /**
   * Types of messages that are sent without an acknowledgement: an error for one of these goes to {@link onStrayError}.
   */
  set unacknowledged(types: ReadonlySet<number>) {
    this.#replies.unacknowledged = types
  }

  /**
   * Sends a request and waits until the kernel acknowledges it. Resolves to the messages of its answer, if any. Beyond
   * 32 that are in flight, requests wait for their turn, in order; the timeout applies to that wait and to the answer,
   * each.
   */
  async request<Set extends AttributeSet>(request: Request<Set>, given: RequestOptions = {}): Promise<Message[]> {
    const options = beginRequest('request', given)
    const expectation = request.answered === true ? 'answer' : 'acknowledgement'
    const turn = this.#requests.begin(request.what, options.timeout ?? this.#requestTimeout, options.signal)
    if (turn !== undefined) await turn
    try {
      const [exchange] = this.#send([request], [MessageFlag.Acknowledge], expectation)
      return await this.#collect(exchange as Exchange, options)
    } finally {
      this.#requests.end()
    }
  }

  /** Dumps a table. Resolves to all its rows. Dumps of one session take turns. */
  async dump<Set extends AttributeSet>(request: Request<Set>, given: DumpOptions = {}): Promise<Message[]> {
    const options = beginDump('dump', given)
    const lister = this.#lister()
    return await (lister instanceof Promise ? await lister : lister).#dumps.all(request, options)
  }

  /**
   * Dumps a table row by row: the transport is read for it only when a row is requested, so the kernel's dump waits
   * too. Leaving the loop early ends the dump. Rejects as {@link dump}; an error holds the rows that were not given
   * out. The timeout applies to each wait.
   */
  async *rows<Set extends AttributeSet>(
    request: Request<Set>,
    given: DumpOptions = {},
  ): AsyncGenerator<Message, void, undefined> {
    const options = beginStream('rows', given)
    // Not by another generator of rows: each costs a row a promise.
    for await (const rows of (await this.#lister()).#dumps.groups(request, options)) for (const row of rows) yield row
  }

  /**
   * As {@link rows}, without a copy and a promise for each row: batches of the rows that came with one wake-up, read in
   * place. A batch is valid until the next one is requested; the kernel's dump waits until then.
   */
  async *rowBatches<Set extends AttributeSet>(
    request: Request<Set>,
    given: DumpOptions = {},
  ): AsyncGenerator<RowBatch, void, undefined> {
    const options = beginStream('rows', given)
    yield* (await this.#lister()).#dumps.batches(request, options)
  }

  /**
   * Joins multicast groups (numbers from 1): `for await` over batches of their notifications. It is the receiver of
   * this session: one at a time, and not beside {@link receive}. `isRaw`: datagrams are not messages, and are only read
   * by {@link NotificationBatch.datagrams}. Throws code `SYSTEM` when the kernel refuses a group.
   */
  subscribe(groups: readonly number[], isRaw = false): Subscription {
    return new Subscription(this, groups, isRaw)
  }

  /**
   * Sends several messages in one datagram, which the kernel processes in order, and waits until it is done. Resolves
   * to the result of each. The last message asks for an acknowledgement, unless the flags of others do. Rejects as
   * {@link request} if a result is missing.
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
      // On a socket that receives nothing else, only a batch full of errors causes an overrun; the first of them has
      // arrived.
      (this.#overruns > overruns && parts.some(({ isRefused }) => isRefused))
    try {
      await this.#until(parts, options.what ?? requests.map(({ what }) => what).join(', '), isDone, options)
      return parts.map(({ rows, error }) => ({ rows, error }))
    } finally {
      for (const part of parts) this.#replies.remove(part)
    }
  }

  /**
   * Sends messages in one datagram without waiting for a result; an error for one of them goes to {@link onStrayError}.
   * Throws code `SYSTEM`.
   */
  post(requests: readonly Request[]): void {
    const numbers = requests.map(() => ({ flags: MessageFlag.Request, sequence: this.#nextSequence() }))
    commitMessages(this.transport.outbox, encodeRequests(requests, numbers).bytes, requests.length > 1)
    this.flush()
  }

  /**
   * The next batch that holds messages which answer no request. The caller releases it. Rejects with code `CLOSED` at
   * close, `BUSY` while another call is pending.
   */
  receive(): Promise<FrameBatch> {
    return this.#receiver.receive()
  }

  /** Makes the pending {@link receive}, or the next one, reject with `error`. Until then, later errors are ignored. */
  failReceive(error: Error): void {
    this.#receiver.noteFailure(error)
  }

  /**
   * As {@link receive}, but only if a batch is likely to be ready now and the event loop has had its turn; otherwise
   * `undefined`.
   */
  receiveNow(): FrameBatch | undefined {
    return this.#receiver.receiveNow()
  }

  /**
   * As {@link receive}, but blocks this thread for up to `timeout` milliseconds; `undefined` after that, or when only
   * answers came. Throws what {@link receive} rejects with; also code `BUSY` while an answer is awaited, which needs
   * the event loop.
   */
  receiveBlocking(timeout: number): FrameBatch | undefined {
    return this.#receiver.receiveBlocking(timeout)
  }

  /** Whether the last batch was not full: it emptied what the kernel had queued. */
  get emptied(): boolean {
    return this.#receiver.emptied
  }

  /**
   * Ends the pending receive, so that {@link receiveUnread} finds every batch that is there: at close all packets must
   * be answered. Callers of {@link receive} and of requests wait until {@link handBack}, or until the session is
   * closed.
   */
  takeOver(): Promise<void> {
    return this.#receiver.takeOver()
  }

  /** Receives again for callers. */
  handBack(): void {
    this.#receiver.handBack()
  }

  /** The batch that is ready now, without answers. Only after {@link takeOver}. */
  receiveUnread(): FrameBatch | undefined {
    return this.#receiver.receiveUnread()
  }

  /** Batches that are kept and that {@link receive} has not given out yet. */
  get parked(): number {
    return this.#receiver.parked
  }

  /** Takes those batches. */
  takeParked(): FrameBatch[] {
    return this.#receiver.takeParked()
  }

  /** Sends the committed messages of the outbox. */
  flush(): void {
    this.transport.outbox.flush()
  }

  /** Closes the transport; requests in flight reject with code `CLOSED`. */
  async close(): Promise<void> {
    for (const batch of this.takeParked()) batch.release()
    await this.transport.close()
    await this.#dumping?.then((session) => session.close()).catch(ignore)
    this.#fail(sessionClosed())
    // A receive that begins later rejects, also if `takeOver` preceded.
    this.#receiver.handBack()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** The session that dumps: this one, or one with larger frames where the transport's are too small. */
  #lister(): Session | Promise<Session> {
    const { open, ...options } = this.#options
    if (open === undefined || this.transport.capabilities.frameSize >= LARGEST_CHUNK) return this
    const protocol = options.protocol ?? Protocol.Netfilter
    this.#dumping ??= Promise.resolve(open({ protocol, frameSize: LISTER_FRAME_SIZE })).then(
      (transport) => new Session(transport, options),
    )
    return this.#dumping
  }

  /** Encodes and sends requests in one datagram. Returns their exchanges. */
  #send(requests: readonly Request[], flags: readonly number[], end: Expectation, borrowed?: BorrowedRows): Exchange[] {
    // A socket that was overrun receives nothing more, not even answers, until it has been read empty.
    if (this.#isOverrun) this.#receiver.empty()
    const numbers = requests.map((_, index) => ({
      flags: MessageFlag.Request | (flags[index] ?? 0),
      sequence: this.#nextSequence(),
    }))
    const { bytes, messages } = encodeRequests(requests, numbers)
    const exchanges = requests.map((request, index) => {
      const sequence = numbers[index]?.sequence ?? 0
      const { what, errors } = request
      const sent = { what, errors, bytes: messages[index] as Uint8Array, sequence, table: tableOf(request) }
      return new Exchange(sent, end, request, borrowed)
    })
    commitMessages(this.transport.outbox, bytes, requests.length > 1)
    for (const exchange of exchanges) this.#replies.add(exchange)
    try {
      this.flush()
    } catch (error) {
      for (const exchange of exchanges) this.#replies.remove(exchange)
      throw error
    }
    return exchanges
  }

  /** Waits for the end of `exchange`. Resolves to its rows. */
  async #collect(exchange: Exchange, options: RequestOptions): Promise<Message[]> {
    try {
      await this.#until([exchange], exchange.sent.what, () => exchange.ended, options)
      if (exchange.error !== undefined) throw exchange.error
      return exchange.rows
    } finally {
      this.#replies.remove(exchange)
    }
  }

  /**
   * Waits until `isDone` returns true; it is called whenever a message has come for one of the exchanges. Rejects with
   * code `TIMEOUT` (or the error of an incomplete answer, whose end may be missing), with the signal's reason, and as
   * the transport does.
   */
  #until(exchanges: readonly Exchange[], what: string, isDone: () => boolean, options: RequestOptions): Promise<void> {
    const { signal, timeout = this.#requestTimeout } = options
    const done = waitForExchanges(exchanges, {
      ...{ what, isDone, signal, timeout },
      letGo: () => this.#receiver.letGo(),
      repeat: () => {
        // Until its queue is empty, the kernel drops further messages without another report.
        if (this.#overruns > 0) this.#repeat(exchanges)
      },
    })
    this.#receiver.listen()
    return done
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

  /** Passes answers to their requests. Returns true when the batch holds anything else. */
  #sort(batch: FrameBatch): boolean {
    const others = this.#replies.sort(batch)
    // A batch that is not full has emptied the socket.
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

  /** Sends requests again whose acknowledgement may have been lost, once there is room for another one. */
  #repeat(exchanges: readonly Exchange[]): void {
    const repeated = exchanges.filter(({ canRepeat, ended, abandoned }) => canRepeat && !ended && !abandoned)
    if (repeated.length === 0) return
    try {
      this.#receiver.empty()
      for (const exchange of repeated.filter(({ ended }) => !ended)) {
        exchange.noteRepeat()
        commitMessages(this.transport.outbox, exchange.sent.bytes, false)
      }
      this.flush()
    } catch (error) {
      this.#fail(error)
    }
  }
}

function ignore(): void {}
