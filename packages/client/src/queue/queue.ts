import { Errno, isNetlinkError, KernelError, type NetlinkError, QueueMessage, Verdict } from '@ringlink/codec'
import { readOptions } from '@ringlink/codec/options'
import { closedError, createEmitter, type Emitter, type FrameBatch, type Transport } from '@ringlink/transport'
import { attempt, CLOSE_TIMEOUT, FENCE, ignoreNetlinkError, MOST_UNREAD } from '../closing.ts'
import type { ConnectionTuple } from '../conntrack/types.ts'
import { ItemIterator } from '../items.ts'
import { Notifier, raise } from '../notifier.ts'
import { BatchLoop } from '../receive-loop.ts'
import type { Rules } from '../rules/rules.ts'
import type { ServeOptions } from '../serve.ts'
import type { Session } from '../session.ts'
import type { RequestOptions } from '../session-options.ts'
import { PacketBatch } from './batch.ts'
import { parseQueueCounters, QUEUE_COUNTERS_FILE, type QueueCounters } from './counters.ts'
import { checkFrameSize, type QueueSettings, queueConfig, type VerdictBatching } from './options.ts'
import type { QueuePacket } from './packet.ts'
import { recallConnection } from './recall.ts'
import { configRequest } from './request.ts'
import { queueSettings } from './schema.ts'
import { newQueueStats, type QueueStats } from './stats.ts'
import { Verdicts } from './verdicts.ts'

/** Events of a queue. Packets are never delivered as events. */
export type QueueEvents = {
  /**
   * the verdict of packet `id` (or the batch verdict up to it) came too late: the kernel no longer had the packet, for
   * example because its rule was replaced
   */
  late: (id: number) => void
  /** the kernel refused the verdict of packet `id`; the loop throws the same error */
  refused: (error: KernelError, id: number) => void
  /** the kernel could not deliver messages; the batches count the packets that are missing */
  overrun: (lost: number) => void
  /** packet `id` was larger than a frame */
  truncated: (id: number) => void
  /** a message could not be parsed */
  malformed: (error: NetlinkError) => void
}

/**
 * The packets of one NFQUEUE queue, in batches. Give each packet one verdict.
 *
 *     for await (const packets of queue) {
 *       for (const packet of packets) packet.mark === 7 ? packet.drop() : packet.accept()
 *     }
 *
 * The verdicts of a batch are sent together when the next one is asked for, on `break` and on a throw. Leaving the loop
 * does not close the queue: the kernel continues to queue packets until `close()` (or the end of an `await using`
 * block).
 */
export class Queue implements AsyncIterable<PacketBatch>, AsyncDisposable {
  /** the queue's number */
  readonly number: number
  readonly session: Session
  /** the rules that feed the queue, if it was opened with `rule` */
  readonly rules: Rules | undefined
  readonly stats: Readonly<QueueStats>
  readonly events: Emitter<QueueEvents> = createEmitter()
  readonly #notifier = new Notifier((error) => this.#onListenerError(error))
  #stats: QueueStats
  #verdicts: Verdicts
  #batch: PacketBatch
  #loop: BatchLoop<PacketBatch>
  #ordered: boolean
  // The id of the last packet. In a recording, counting begins with the first packet. Initialised with a number,
  // because storing into a field that was `undefined` allocates each time.
  #lastId = 0
  #isCounting: boolean
  // Packets that could not be delivered passed, instead of being dropped.
  #failOpen: boolean
  #closing: Promise<void> | undefined
  // True from the first step of closing, before there is a promise of its end.
  #isClosing = false
  #lastCounters: QueueCounters | undefined

  /** Called by {@link openQueue}, which binds the queue. */
  constructor(
    number: number,
    session: Session,
    unanswered: 'accept' | 'drop',
    batching: VerdictBatching = 'auto',
    rules?: Rules,
    failOpen = false,
  ) {
    this.number = number
    this.session = session
    this.rules = rules
    this.#stats = newQueueStats()
    this.stats = this.#stats
    this.#failOpen = failOpen
    this.#isCounting = session.transport.capabilities.recorded !== true
    this.#ordered = session.transport.capabilities.ordered
    this.#verdicts = new Verdicts({
      number,
      outbox: session.transport.outbox,
      ordered: this.#ordered,
      unanswered: unanswered === 'accept' ? Verdict.Accept : Verdict.Drop,
      batching,
      stats: this.#stats,
      offloadBits: rules?.offloadBits,
    })
    this.#batch = new PacketBatch(this.#verdicts, {
      malformed: (error) => {
        this.#stats.malformed++
        this.#notifier.notify(() => this.events.emit('malformed', error))
      },
      truncated: (id) => {
        this.#stats.truncated++
        this.#notifier.notify(() => this.events.emit('truncated', id))
      },
      flush: () => this.flush(),
    })
    this.#loop = new BatchLoop(session, this.#batch, {
      what: `queue ${number}`,
      isClosed: () => this.#isClosing,
      aim: (frames) => this.#aim(frames),
      endBatch: () => this.#batch.finish(),
      interval: 0,
    })
    session.unacknowledged = new Set([QueueMessage.Verdict, QueueMessage.VerdictBatch])
    session.onStrayError = (type, sequence, errno) => this.#onStrayError(type, sequence, errno)
    session.transport.events.on('overrun', (lost) => this.#notifier.notify(() => this.events.emit('overrun', lost)))
  }

  get transport(): Transport {
    return this.session.transport
  }

  /** Batches of packets. One iteration at a time: a second throws code `BUSY`. Ends when the queue is closed. */
  [Symbol.asyncIterator](): AsyncIterator<PacketBatch, undefined> {
    return this.#loop.begin()
  }

  /**
   * One packet at a time, for convenience. Verdicts are still sent per batch, so call `flush()` before waiting long
   * between packets. Each step takes a turn of the microtasks, which a loop over the packets of a batch saves.
   */
  packets(): AsyncGenerator<QueuePacket, undefined> {
    return new ItemIterator(this)
  }

  /**
   * Answers packets without the event loop: blocks this thread until a batch comes, passes it to the synchronous
   * `handler`, sends its verdicts, and repeats until it is stopped or the queue is closed. The fastest way to a
   * verdict, for a dedicated Worker: its event loop does not run during the call. Returning does not close the queue.
   *
   * Throws what `handler` throws, after giving the rest of the batch the `unanswered` verdict, and what a loop rejects
   * with; code `BUSY` during an iteration or while a request is in flight, `ARGUMENT` for a handler that returns a
   * promise.
   */
  serve(handler: (packets: PacketBatch) => void, options: ServeOptions = {}): void {
    this.#loop.serve(handler, options)
  }

  /**
   * Changes settings of the open queue. Rejects with code `KERNEL` when the kernel refuses, and with `ARGUMENT` or
   * `VALUE_RANGE` for invalid settings, before anything is sent.
   */
  async configure(settings: QueueSettings, options: RequestOptions = {}): Promise<void> {
    const operation = `configure queue ${this.number}`
    const checked = readOptions(operation, queueSettings, settings)
    checkFrameSize(checked, this.transport, operation)
    const request = configRequest(operation, this.number, queueConfig(checked))
    await this.session.request(request, options)
    this.#failOpen = checked.failOpen ?? this.#failOpen
  }

  /**
   * The kernel's counters of this queue. After close: the last ones. Packets with an id that no counter of `stats` has
   * came when close had already read the others, from rules that it could not remove; the kernel drops them. Throws
   * code `SYSTEM` or `UNSUPPORTED` if the counters cannot be read.
   */
  counters(): QueueCounters | undefined {
    if (this.#isClosing) return this.#lastCounters
    return this.#readCounters()
  }

  /** The kernel's counters, if it has any: closing must work without them. */
  #availableCounters(): QueueCounters | undefined {
    try {
      return this.#readCounters()
    } catch (error) {
      if (!isNetlinkError(error)) throw error
      return undefined
    }
  }

  #readCounters(): QueueCounters | undefined {
    const counters = parseQueueCounters(this.transport.readProcNet(QUEUE_COUNTERS_FILE))
    return counters.find(({ number }) => number === this.number)
  }

  /**
   * Cancels a decision of `packet.offload`: packets of the connection are queued again. `tuple` is its direction of the
   * first packet or the other one. Rejects with code `CONNECTION_GONE` if there is no such connection, `ARGUMENT` where
   * the rule has no `offload`.
   */
  async recall(tuple: ConnectionTuple): Promise<void> {
    await recallConnection(this.rules, tuple)
  }

  /** Sends the verdicts given so far. */
  flush(): void {
    if (this.#isClosing) throw closedError('flush')
    this.#verdicts.send()
  }

  /**
   * Ends the queue with the verdicts of the loop: removes the queue's rules, waits until the loop has answered the
   * packets that were queued by then and until no packet is held, and closes the queue. Held packets have `timeout`
   * milliseconds (default 5000); after that, `close()` gives them the `unanswered` verdict. Packets that come by then
   * from other rules are answered by `close()`. Without a loop this is `close()`. Rejects as a request does, and with
   * the signal's reason. It cannot end `serve()`, which blocks the thread: stop that.
   */
  async finish(options: RequestOptions = {}): Promise<void> {
    if (this.#closing !== undefined) return this.#closing
    if (this.rules?.persistent === false) await this.rules.disarm()
    if (this.#loop.isActive) {
      // The answer arrives after the packets that were queued before it.
      await this.session.request(FENCE, options)
      // Gives the loop the turn that it needs to take what arrived before the answer.
      await new Promise(setImmediate)
      await this.#loop.idle(this.session.parked)
      await this.#verdicts.noneHeld(options)
    }
    await this.close()
  }

  /**
   * Gives every packet without a verdict, held and unread ones included, the `unanswered` verdict, and closes the
   * transport. A loop over the queue ends. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Aims the batch at `frames`. Releases them and returns false when they hold no packet. */
  #aim(frames: FrameBatch): boolean {
    const batch = this.#batch
    this.#notifier.hold()
    try {
      batch.aim(frames, frames.length >= this.transport.capabilities.batchSize)
      const missing = this.#noteIds(batch.book.ids, batch.length)
      batch.lost = this.#noteMissing(this.#ordered ? missing : this.#lossOfTransport())
      this.#stats.packets += batch.length
    } finally {
      this.#notifier.release()
    }
    // A listener may have closed the queue, which has answered the batch.
    if (this.#isClosing && frames.released) return false
    if (batch.length > 0) return true
    batch.finish()
    return false
  }

  /** Where ids can come out of order, a gap does not mean a loss; only the losses of the transport are known. */
  #lossOfTransport(): number {
    return this.transport.stats.lost - this.#stats.lost - this.#stats.unseen
  }

  /** Counts packets that were not delivered. Returns how many of them are lost. */
  #noteMissing(packets: number): number {
    if (this.#failOpen) {
      this.#stats.unseen += packets
      return 0
    }
    this.#stats.lost += packets
    return packets
  }

  async #close(): Promise<void> {
    this.#isClosing = true
    // Without rules nothing more is queued, and the packets in the queue are answered below. The chains stay, because
    // the kernel drops queued packets when a chain is removed.
    if (this.rules?.persistent === false) await this.rules.disarm().catch(ignoreNetlinkError)
    try {
      attempt(() => this.#batch.finish())
      await this.session.takeOver()
      attempt(() => this.#answerUnread())
      attempt(() => this.#verdicts.close(this.#lastId))
      // Packets queued by now are either delivered or lost. Reads the delivered ones, and the refusals of verdicts.
      const counters = this.#availableCounters()
      const isWhole = await this.#receiveAll()
      attempt(() => this.#answerUnread())
      this.#countRest(counters, isWhole)
      this.#stats.refused += this.#verdicts.unsent
    } finally {
      this.#lastCounters = this.#availableCounters()
      await this.session.close()
      // Without gaps, the loss at the end of a burst is known once the transport is closed.
      if (!this.#ordered) this.#noteMissing(this.#lossOfTransport())
      await this.rules?.close()
    }
  }

  /**
   * Answers the packets that were received without a loop, and those that the kernel has delivered and nobody has read.
   */
  #answerUnread(): void {
    for (const frames of this.session.takeParked()) this.#answerAll(frames)
    for (let count = 0; count < MOST_UNREAD; count++) {
      const frames = this.session.receiveUnread()
      if (frames === undefined) return
      this.#answerAll(frames)
    }
  }

  #answerAll(frames: FrameBatch): void {
    if (this.#aim(frames)) attempt(() => this.#batch.finish())
  }

  /**
   * Waits until the transport has taken over what the kernel has queued at its socket; false if that is not certain.
   */
  async #receiveAll(): Promise<boolean> {
    const { ring, unnumberedLoss } = this.transport.capabilities
    // A socket is read at once. A ring is filled by the kernel, in its own time.
    if (!ring || unnumberedLoss === true) return true
    this.session.handBack()
    try {
      await this.session.request(FENCE, { timeout: CLOSE_TIMEOUT })
      return true
    } catch (error) {
      ignoreNetlinkError(error)
      return false
    } finally {
      await this.session.takeOver()
    }
  }

  /** Counts lost packets after the last delivered one; `isWhole` if all that were delivered have been read. */
  #countRest(counters: QueueCounters | undefined, isWhole: boolean): void {
    if (!this.#ordered || !this.#isCounting || counters?.portId !== this.transport.portId) return
    const missing = ((counters.lastId - this.#lastId) | 0) - (isWhole ? 0 : counters.waiting)
    if (missing > 0) this.#noteMissing(missing)
  }

  #noteIds(ids: Uint32Array, length: number): number {
    if (length === 0) return 0
    let lost = 0
    let last = this.#isCounting ? this.#lastId : (ids[0] as number) - 1
    this.#isCounting = true
    for (let index = 0; index < length; index++) {
      const id = ids[index] as number
      const missing = (id - last - 1) >>> 0
      // An id that steps back was delivered twice or out of order; it does not mean four thousand million lost packets.
      if (missing < 0x80000000) lost += missing
      last = id
    }
    this.#lastId = last
    return lost
  }

  #onListenerError(error: unknown): void {
    if (this.#loop.isActive && error instanceof Error) this.session.failReceive(error)
    else raise(error)
  }

  #onStrayError(requestType: number, sequence: number, errno: number): Error | undefined {
    const isBatch = requestType === QueueMessage.VerdictBatch
    if (requestType !== QueueMessage.Verdict && !isBatch) return undefined
    if (errno === Errno.ENOENT) {
      // One that close has answered with all others, and that came after that.
      if (this.#isClosing) return undefined
      this.#stats.late++
      this.#notifier.notify(() => this.events.emit('late', sequence))
      return undefined
    }
    // Without the privilege the kernel refuses a datagram by its first message alone; if another socket owns the queue
    // by now, it refuses each message of the datagram.
    this.#stats.refused += errno === Errno.EPERM ? this.#verdicts.carriedFrom(sequence) : 1
    if (this.#isClosing) return undefined
    const packets = isBatch ? `packets up to ${sequence}` : `packet ${sequence}`
    const error = new KernelError(`verdict on ${packets} of queue ${this.number}`, errno, { sequence })
    this.#verdicts.noteStuck()
    this.#notifier.notify(() => this.events.emit('refused', error, sequence))
    return error
  }
}
