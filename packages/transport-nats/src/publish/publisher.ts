import { createEmitter, type Emitter, type FrameBatch } from '@ringlink/transport'
import { compressBody } from '../compression.ts'
import type { EnvelopeIdentity } from '../envelope.ts'
import type { NatsError } from '../errors.ts'
import { explain, type JetStreamServer } from '../server.ts'
import { MessageBuilder, noLosses, type OutgoingMessage } from './message.ts'
import type { CheckedPublishOptions } from './options.ts'
import { OutgoingQueue } from './outgoing.ts'
import { commandSpace, Sender, TRAILER } from './sender.ts'
import { newPublisherCounts, type PublisherStats } from './stats.ts'

/** What is published: a transport, or the `frames()` of a log. */
export interface FrameSource extends AsyncIterable<FrameBatch> {
  readonly stats: { readonly lost: number }
}

/** Events of a publisher. */
export type PublisherEvents = {
  /**
   * the server does not take messages: a connection broke, or it refuses. The publisher tries again until it is closed
   */
  trouble: (error: NatsError) => void
  /** the server has stored a message again after trouble */
  recovered: () => void
}

/** NATS messages that wait for a confirmation at one time. */
const WINDOW = 16
/** Bodies that are compressed at one time: libuv has four threads. */
const COMPRESSIONS = 4
/** Milliseconds before a message that was refused is sent again. */
const RETRY_WAIT = 500
/** Milliseconds that `finish` waits for the server. */
const FINISH_TIMEOUT = 5000
const OPERATION = 'publish'

/** Publishes the frames of a source to a stream. Opened by {@link publish}. */
export class Publisher implements AsyncDisposable {
  readonly stats: Readonly<PublisherStats>
  readonly events: Emitter<PublisherEvents> = createEmitter()
  /** resolves when the source has ended; rejects with its error */
  readonly ended: Promise<void>
  readonly #counts = newPublisherCounts()
  readonly #source: FrameSource
  readonly #iterator: AsyncIterator<FrameBatch>
  readonly #server: JetStreamServer
  readonly #options: CheckedPublishOptions
  readonly #builder: MessageBuilder
  readonly #capacity: number
  readonly #queue: OutgoingQueue
  readonly #sender: Sender
  // Losses that the message under construction will report.
  #losses = noLosses()
  #lostSeen = 0
  // When the message under construction began, and a timer that is set for one message after the other.
  #began = 0
  #delayTimer: NodeJS.Timeout | undefined
  #retryTimer: NodeJS.Timeout | undefined
  #toCompress: OutgoingMessage[] = []
  #compressing = 0
  #isConnected = true
  #trouble: NatsError | undefined
  #isClosed = false
  #onDrained: (() => void) | undefined

  /** Called by {@link publish}, once the server has stored a first message. */
  constructor(
    source: FrameSource,
    server: JetStreamServer,
    options: CheckedPublishOptions,
    identity: EnvelopeIdentity,
    capacity: number,
  ) {
    this.stats = this.#counts
    this.#source = source
    this.#server = server
    this.#options = options
    this.#capacity = capacity
    this.#builder = new MessageBuilder(identity, capacity, { before: commandSpace(options), after: TRAILER })
    this.#sender = new Sender(server.connection, options, {
      stored: (message, isDuplicate) => this.#confirm(message, isDuplicate),
      refused: (message, error) => this.#failed(message, error),
    })
    this.#queue = new OutgoingQueue(options.bufferSize)
    this.#lostSeen = source.stats.lost
    this.#iterator = source[Symbol.asyncIterator]()
    void this.#follow()
    this.ended = this.#read()
    // It may be awaited later, or never.
    this.ended.catch(() => {})
  }

  /** Why the server does not take messages at this moment; `undefined`: it does, as far as is known. */
  get trouble(): NatsError | undefined {
    return this.#trouble
  }

  /** frames that the server has not confirmed yet */
  get pendingFrames(): number {
    const { frames, storedFrames, droppedFrames, unconfirmedFrames } = this.#counts
    return frames - storedFrames - droppedFrames - unconfirmedFrames
  }

  /**
   * Ends publishing: stops reading the source (end a log by its own `finish()` first), sends what is left, and waits
   * for the server, for up to `timeout` milliseconds (default 5000). What it has not confirmed by then is counted: as
   * dropped if it was never sent, otherwise as unconfirmed.
   */
  async finish({ timeout = FINISH_TIMEOUT }: { readonly timeout?: number | undefined } = {}): Promise<void> {
    if (this.#isClosed) return
    const stopped = Promise.resolve(this.#iterator.return?.())
    await Promise.race([this.ended, stopped]).catch(() => {})
    this.#seal()
    const { lost, droppedFrames } = this.#losses
    // Whether there is room or not: it has no frames, and nothing after it could tell.
    if (lost + droppedFrames > 0) this.#enqueue(this.#builder.take(this.#takeLosses()))
    await this.#drained(timeout)
    await this.close()
  }

  /**
   * Closes at once. What the server has not confirmed is counted, see {@link finish}. The source stays open.
   * Idempotent.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#seal()
    this.#isClosed = true
    clearTimeout(this.#delayTimer)
    clearTimeout(this.#retryTimer)
    this.#sender.close()
    void Promise.resolve(this.#iterator.return?.()).catch(() => {})
    for (const { attempts, frames, messages } of this.#queue.clear()) {
      this.#counts[attempts > 0 ? 'unconfirmedFrames' : 'droppedFrames'] += frames
      this.#counts[attempts > 0 ? 'unconfirmedMessages' : 'droppedMessages'] += messages
    }
    this.#onDrained?.()
    await this.#server.connection.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const { done, value: batch } = await this.#iterator.next()
        if (done === true || this.#isClosed) return
        this.#take(batch)
      }
    } finally {
      // A loss at the end of a burst may be known only once the source has closed.
      this.#noteLost()
    }
  }

  #take(batch: FrameBatch): void {
    this.#noteLost()
    const { memory, length } = batch
    for (let i = 0; i < length; i++) {
      const offset = batch.offset(i)
      const byteLength = batch.byteLength(i)
      const fits = this.#builder.fits(byteLength)
      if (fits !== 'now') this.#seal()
      this.#counts.frames++
      if (fits === 'never' || (this.#builder.isEmpty && !this.#makeRoom())) {
        this.#drop(this.#builder.count(memory, offset, byteLength))
        continue
      }
      if (this.#builder.isEmpty) this.#noteBegin()
      this.#counts.messages += this.#builder.add(memory, offset, byteLength, batch.fullLength(i), batch.groups(i))
    }
  }

  #noteBegin(): void {
    this.#began = performance.now()
    this.#delayTimer ??= setTimeout(this.#sealLate, this.#options.delay)
  }

  /** Ends the message under construction if it has waited long enough; otherwise looks again when it has. */
  readonly #sealLate = (): void => {
    this.#delayTimer = undefined
    if (this.#builder.isEmpty) return
    const left = this.#began + this.#options.delay - performance.now()
    // A timer may end a fraction of a millisecond early.
    if (left < 1) this.#seal()
    else this.#delayTimer = setTimeout(this.#sealLate, left)
  }

  #noteLost(): void {
    const { lost } = this.#source.stats
    this.#losses.lost += lost - this.#lostSeen
    this.#counts.lost += lost - this.#lostSeen
    this.#lostSeen = lost
  }

  /** Drops the frame that comes. */
  #drop(messages: number): void {
    this.#builder.next++
    this.#counts.messages += messages
    this.#noteDropped(1, messages)
    this.#losses.droppedFrames++
    this.#losses.droppedMessages += messages
  }

  #noteDropped(frames: number, messages: number): void {
    this.#counts.droppedFrames += frames
    this.#counts.droppedMessages += messages
  }

  /** Makes room for another message, as far as the policy allows. */
  #makeRoom(): boolean {
    while (!this.#queue.hasRoom(this.#capacity)) {
      const dropped = this.#options.overflow === 'oldest' ? this.#queue.dropOldest(this.#losses) : undefined
      if (dropped === undefined) return false
      this.#noteDropped(dropped.frames, dropped.messages)
      this.#builder.recycle(dropped)
    }
    return true
  }

  /** Ends the message that is being built. */
  #seal(): void {
    if (!this.#builder.isEmpty && !this.#isClosed) this.#enqueue(this.#builder.take(this.#takeLosses()))
  }

  #takeLosses() {
    const losses = this.#losses
    this.#losses = noLosses()
    return losses
  }

  #enqueue(message: OutgoingMessage): void {
    this.#queue.push(message)
    if (this.#options.compression !== 'none') {
      message.isReady = false
      this.#toCompress.push(message)
      this.#compressMore()
    }
    this.#send()
  }

  #compressMore(): void {
    while (this.#compressing < COMPRESSIONS) {
      const message = this.#toCompress.shift()
      if (message === undefined) return
      this.#compressing++
      void this.#compress(message).finally(() => {
        this.#compressing--
        this.#compressMore()
        this.#send()
      })
    }
  }

  async #compress(message: OutgoingMessage): Promise<void> {
    const { headerLength } = this.#builder
    const body = await compressBody(this.#options.compression, message.payload.subarray(headerLength))
    const payload = this.#builder.allocate(headerLength + body.length)
    payload.set(body, headerLength)
    this.#builder.recycle(message)
    message.payload = payload
    message.isReady = true
  }

  /** Sends what the server can take. */
  #send(): void {
    while (this.#isConnected && this.#retryTimer === undefined && !this.#isClosed && this.#queue.unconfirmed < WINDOW) {
      const message = this.#queue.send()
      if (message === undefined) return
      this.#sender.send(message, this.#builder.seal(message))
    }
  }

  #confirm(message: OutgoingMessage, isDuplicate: boolean): void {
    const { payload, frames, messages } = message
    this.#sender.forget(message)
    if (!this.#queue.confirm(message)) return
    this.#counts.batches++
    this.#counts.storedFrames += frames
    this.#counts.storedMessages += messages
    this.#counts.storedBytes += payload.length
    if (isDuplicate) this.#counts.duplicates++
    this.#builder.recycle(message)
    if (this.#trouble !== undefined) {
      this.#trouble = undefined
      this.events.emit('recovered')
    }
    if (this.#queue.isEmpty) this.#onDrained?.()
    this.#send()
  }

  #failed(message: OutgoingMessage, error: NatsError): void {
    this.#queue.retry(message)
    this.#counts.retries++
    this.#noteTrouble(error)
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = undefined
      this.#send()
    }, RETRY_WAIT)
  }

  #noteTrouble(error: NatsError): void {
    const isNews = this.#trouble?.code !== error.code
    this.#trouble = error
    if (isNews) this.events.emit('trouble', error)
  }

  /** Follows the state of the connection, until it is closed. */
  async #follow(): Promise<void> {
    for await (const status of this.#server.connection.status()) {
      const { type } = status
      if (type === 'error' && !this.#isClosed) {
        this.#noteTrouble(explain(OPERATION, status.error, `cannot publish to ${this.#options.subject}`))
      }
      if (type === 'disconnect') {
        this.#isConnected = false
        clearTimeout(this.#retryTimer)
        this.#retryTimer = undefined
        this.#sender.expectNothing()
        this.#queue.retryAll()
        if (!this.#isClosed)
          this.#noteTrouble(explain(OPERATION, new Error('the connection broke'), 'no server is reached'))
      }
      if (type === 'reconnect') {
        this.#isConnected = true
        this.#counts.reconnects++
        this.#send()
      }
    }
  }

  async #drained(timeout: number): Promise<void> {
    if (this.#queue.isEmpty) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve
      timer = setTimeout(resolve, timeout)
    })
    clearTimeout(timer)
  }
}
