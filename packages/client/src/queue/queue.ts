import {
  Errno,
  isNetlinkError,
  KernelError,
  MAXIMUM_COPY_RANGE,
  type NetlinkError,
  nfnetlinkHeader,
  Protocol,
  QueueCommand,
  type QueueConfig,
  QueueMessage,
  queueConfigAttributes,
  Verdict,
} from '@ringlink/codec'
import { readOptions } from '@ringlink/codec/options'
import { closedError, createEmitter, type Emitter, type FrameBatch, type Transport } from '@ringlink/transport'
import { Notifier, raise } from '../notifier.ts'
import { openFor } from '../opening.ts'
import { BatchLoop } from '../receive-loop.ts'
import { explainRefusal, isNotSupported } from '../refusal.ts'
import type { Request } from '../request.ts'
import { prepareQueueRules } from '../rules/feed.ts'
import type { Rules } from '../rules/rules.ts'
import type { ServeOptions } from '../serve.ts'
import { Session } from '../session.ts'
import type { RequestOptions } from '../session-options.ts'
import { PacketBatch } from './batch.ts'
import { parseQueueCounters, QUEUE_COUNTERS_FILE, type QueueCounters } from './counters.ts'
import {
  checkFrameSize,
  flagOptions,
  type QueueOptions,
  type QueueSettings,
  queueConfig,
  queueTransportNeeds,
  type VerdictBatching,
} from './options.ts'
import type { QueuePacket } from './packet.ts'
import { queueOptions, queueSettings } from './schema.ts'
import { newQueueStats, type QueueStats } from './stats.ts'
import { Verdicts } from './verdicts.ts'

/** Events of a queue. Packets never come this way. */
export type QueueEvents = {
  /** the verdict of packet `id` (a batch verdict: of all up to it) came too late: the kernel no longer had it (its rule was replaced, say) */
  late: (id: number) => void
  /** the kernel refused the verdict of packet `id`; the loop throws the same error */
  refused: (error: KernelError, id: number) => void
  /** the kernel could not deliver messages; the batches say which packets are missing */
  overrun: (lost: number) => void
  /** packet `id` was larger than a frame */
  truncated: (id: number) => void
  /** a message could not be read */
  malformed: (error: NetlinkError) => void
}

/**
 * The packets of one NFQUEUE queue, in batches, each packet to be answered once.
 *
 *     for await (const packets of queue) {
 *       for (const packet of packets) packet.mark === 7 ? packet.drop() : packet.accept()
 *     }
 *
 * The verdicts of a batch are sent together when the next one is asked for, on `break` and on a throw. Leaving the loop does
 * not close the queue: the kernel goes on queuing until `close()` (or the end of an `await using` block).
 */
export class Queue implements AsyncIterable<PacketBatch>, AsyncDisposable {
  /** the queue's number */
  readonly number: number
  readonly session: Session
  /** the rules that feed it, where it was opened with some */
  readonly rules: Rules | undefined
  readonly stats: Readonly<QueueStats>
  readonly events: Emitter<QueueEvents> = createEmitter()
  readonly #notifier = new Notifier((error) => this.#onListenerError(error))
  #stats: QueueStats
  #verdicts: Verdicts
  #batch: PacketBatch
  #loop: BatchLoop<PacketBatch>
  #ordered: boolean
  // The id of the last packet; of a recording the first one is where counting begins.
  // A number from the start: the field of a number that may be undefined costs an allocation for each that is stored.
  #lastId = 0
  #isCounting: boolean
  // What could not be delivered passed, instead of being dropped.
  #failOpen: boolean
  #dropsUnanswered: boolean
  #closing: Promise<void> | undefined
  #lastCounters: QueueCounters | undefined

  /** For {@link openQueue}, which binds it. */
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
    this.#dropsUnanswered = unanswered === 'drop'
    this.#isCounting = session.transport.capabilities.recorded !== true
    this.#ordered = session.transport.capabilities.ordered
    this.#verdicts = new Verdicts({
      number,
      outbox: session.transport.outbox,
      ordered: this.#ordered,
      unanswered: unanswered === 'accept' ? Verdict.Accept : Verdict.Drop,
      batching,
      stats: this.#stats,
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
      isClosed: () => this.#closing !== undefined,
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
   * One packet at a time, for convenience: verdicts are still sent by the batch, so work that waits long between packets
   * calls `flush()`. Costs a promise per packet.
   */
  async *packets(): AsyncGenerator<QueuePacket, undefined> {
    for await (const batch of this) yield* batch
  }

  /**
   * Answers packets with nothing in between: blocks this thread until a batch comes, hands it to `handler`, which must be done when it
   * returns, sends its verdicts, and so on until it is stopped or the queue is closed. For a Worker that does nothing else, because
   * its event loop stands still meanwhile; the fastest way to a verdict. Leaving it does not close the queue.
   *
   * Throws what `handler` throws, when the batch has had the `unanswered` verdict, and what a loop rejects with; code `BUSY` while
   * somebody iterates or a request is in flight, `ARGUMENT` for a handler that returns a promise.
   */
  serve(handler: (packets: PacketBatch) => void, options: ServeOptions = {}): void {
    this.#loop.serve(handler, options)
  }

  /** Changes settings of the open queue. Rejects with code `KERNEL` when the kernel refuses, `ARGUMENT` and `VALUE_RANGE` before it is asked. */
  async configure(settings: QueueSettings, options: RequestOptions = {}): Promise<void> {
    const operation = `configure queue ${this.number}`
    const checked = readOptions(operation, queueSettings, settings)
    checkFrameSize(checked, this.transport, operation)
    const request = configRequest(operation, this.number, queueConfig(checked))
    await this.session.request(request, options)
    this.#failOpen = checked.failOpen ?? this.#failOpen
  }

  /**
   * What the kernel counts of this queue; after close, what it last counted, with unread packets still waiting where close drops them. Throws code `SYSTEM` or `UNSUPPORTED` where it does
   * not tell.
   */
  counters(): QueueCounters | undefined {
    if (this.#closing !== undefined) return this.#lastCounters
    return this.#readCounters()
  }

  /** The kernel's counters, where it has any: what is left to do at close does not depend on them. */
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

  /** Sends the verdicts given so far. */
  flush(): void {
    if (this.#closing !== undefined) throw closedError('flush')
    this.#verdicts.send()
  }

  /**
   * Answers every packet that has no verdict, held and unread ones included, as `unanswered` says, and closes the transport.
   * A loop over the queue ends. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Aims the batch at `frames`; false, and they are released, when there is no packet in them. */
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
    if (this.#closing !== undefined && frames.released) return false
    if (batch.length > 0) return true
    batch.finish()
    return false
  }

  /** Where ids come out of order a gap is no loss; what the transport lost since the last batch is all that is known. */
  #lossOfTransport(): number {
    return this.transport.stats.lost - this.#stats.lost - this.#stats.unseen
  }

  /** Counts packets that were not delivered; how many of them are lost. */
  #noteMissing(packets: number): number {
    if (this.#failOpen) {
      this.#stats.unseen += packets
      return 0
    }
    this.#stats.lost += packets
    return packets
  }

  async #close(): Promise<void> {
    // Nothing more is queued then, and what is queued is answered below; the chains stay, or the kernel would drop it.
    if (this.rules?.persistent === false) await this.rules.disarm().catch(ignoreNetlinkError)
    try {
      this.#batch.finish()
      // A loop that waits is given what has come for it, and answers that.
      if (this.#loop.isWaiting) await new Promise(setImmediate)
      const before = this.#availableCounters()
      this.#answerUnread()
      this.#verdicts.close(this.#lastId)
      const after = this.#availableCounters()
      this.#countRest(after)
      this.#lastCounters = this.#dropsUnanswered ? before : after
    } catch (error) {
      // A kernel that takes no verdicts any more drops what is queued when the socket goes; there is nobody else to tell.
      if (!isNetlinkError(error)) throw error
    } finally {
      await this.session.close()
      await this.rules?.close()
    }
  }

  /** Answers what was received for nobody, and what the kernel has delivered and nobody has read. */
  #answerUnread(): void {
    for (const frames of this.session.takeParked()) if (this.#aim(frames)) this.#batch.finish()
    for (let count = 0; count < MOST_UNREAD; count++) {
      const frames = this.session.receiveUnread()
      if (frames === undefined) return
      if (this.#aim(frames)) this.#batch.finish()
    }
  }

  /** Packets after the last one that was delivered: what has an id and no longer waits was not. */
  #countRest(counters: QueueCounters | undefined): void {
    if (!this.#ordered || !this.#isCounting || counters?.portId !== this.transport.portId) return
    const missing = ((counters.lastId - this.#lastId) | 0) - counters.waiting
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
      // An id that steps back is no loss of four thousand million packets: it was delivered twice, or out of order.
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
    if ((requestType !== QueueMessage.Verdict && !isBatch) || this.#closing !== undefined) return undefined
    if (errno === Errno.ENOENT) {
      this.#stats.late++
      this.#notifier.notify(() => this.events.emit('late', sequence))
      return undefined
    }
    const packets = isBatch ? `packets up to ${sequence}` : `packet ${sequence}`
    const error = new KernelError(`verdict on ${packets} of queue ${this.number}`, errno, { sequence })
    this.#verdicts.noteStuck()
    this.#stats.refused++
    this.#notifier.notify(() => this.events.emit('refused', error, sequence))
    return error
  }
}

/** Batches that are read at close: more than any queue holds, and an end where packets come faster than they are answered. */
const MOST_UNREAD = 4096

/** A rule that cannot be taken out goes with its socket all the same. */
function ignoreNetlinkError(error: unknown): void {
  if (!isNetlinkError(error)) throw error
}

function configRequest(what: string, number: number, attributes: QueueConfig, doneErrno?: number): Request {
  // It may be sent again: the kernel drops acknowledgements with the packets of a flood.
  const repeat = { doneErrno }
  const header = nfnetlinkHeader(0, number)
  return { what, type: QueueMessage.Config, header, set: queueConfigAttributes, attributes, repeat }
}

/**
 * Takes queue `options.number` and configures it, with one request. Rejects with
 *
 * - `ARGUMENT` and `VALUE_RANGE` for an option that makes no sense, before anything is opened: an `OptionError`, whose `path` says which
 * - `QUEUE_REFUSED` when the kernel does not let this socket have the queue; the message says why
 * - `QUEUE_UNSUPPORTED` when the kernel has no packet queue, or not an option that was asked for, which the message names
 * - `RULES_REFUSED` and `RULES_UNSUPPORTED` when the kernel does not take the `rule`, as `installRules` says
 * - `KERNEL` for any other refusal, the signal's reason, and with what the transport rejects with
 *
 * Nothing is left open then.
 */
export async function openQueue(given: QueueOptions): Promise<Queue> {
  const operation = 'open queue'
  const options = readOptions(operation, queueOptions, given)
  const { number, unanswered = 'drop', verdictBatching, requestTimeout, signal } = options
  const installFeed = prepareQueueRules(number, options.rule, { ...options, operation })
  const needs = queueTransportNeeds(options, Protocol.Netfilter)
  const opened = openFor({ operation, signal }, options.transport, needs)
  const transport = opened instanceof Promise ? await opened : opened
  const session = new Session(transport, {
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
    open: typeof options.transport === 'function' ? options.transport : undefined,
  })
  try {
    checkFrameSize(options, transport, operation)
    await bindQueue(session, options)
    return new Queue(number, session, unanswered, verdictBatching, await installFeed(), options.failOpen)
  } catch (error) {
    await session.close()
    throw error
  }
}

async function bindQueue(session: Session, options: QueueOptions): Promise<void> {
  const { number, signal } = options
  const settings = { ...options, copyRange: options.copyRange ?? MAXIMUM_COPY_RANGE }
  const command = { command: QueueCommand.Bind, family: 0 }
  // One message, so that there is no moment in which the queue is bound and copies nothing: such packets are dropped.
  const config = { command, ...queueConfig(settings) }
  try {
    await session.request(configRequest(`bind queue ${number}`, number, config, Errno.EBUSY), { signal })
  } catch (error) {
    throw explainRefusal(error, {
      what: `queue ${number}`,
      number,
      refused: 'QUEUE_REFUSED',
      unsupported: 'QUEUE_UNSUPPORTED',
      missing: 'no packet queue (CONFIG_NETFILTER_NETLINK_QUEUE, module nfnetlink_queue)',
      owners: QUEUE_COUNTERS_FILE,
      option: isNotSupported(error) ? await unsupportedOption(session, options) : undefined,
      session,
    })
  }
}

/** Which option the kernel does not support: those that are flags are asked for one by one, of a queue that is not bound. */
async function unsupportedOption(session: Session, options: QueueOptions): Promise<string | undefined> {
  const given = flagOptions(options)
  if (given.length < 2) return given[0]?.[0]
  for (const [name, bit] of given) {
    const request = configRequest(`ask for ${name}`, options.number, { mask: bit, flags: bit })
    const error = await session.request(request, { signal: options.signal }).then(
      () => undefined,
      (reason) => reason,
    )
    if (isNotSupported(error)) return name
  }
  return undefined
}
