import {
  type AttributeSet,
  isNetlinkError,
  type Memory,
  MessageIterator,
  type MessageView,
  MINIMUM_MESSAGE_TYPE,
} from '@ringlink/codec'
import { type FrameBatch, type FrameOrigin, type Transport, TransportError } from '@ringlink/transport'
import type { Request } from './request.ts'
import type { RowBatch } from './row-batch.ts'
import type { DumpOptions } from './session-options.ts'

/** Offsets of `nlmsg_seq` and `nlmsg_pid`. */
const SEQUENCE = 8
const PORT_ID = 12

/** What a subscription needs from a session. */
export interface SubscribedSession {
  readonly transport: Transport
  receive(): Promise<FrameBatch>
  receiveNow(): FrameBatch | undefined
  failReceive(error: Error): void
  rowBatches<Set extends AttributeSet>(request: Request<Set>, options?: DumpOptions): AsyncGenerator<RowBatch>
}

/** A datagram in place. */
export interface Datagram {
  readonly memory: Memory
  readonly offset: number
  readonly length: number
}

/** The counters of a subscription since it began. */
export interface SubscriptionStats {
  /** notifications delivered in batches */
  notifications: number
  /** notifications that the kernel could not deliver */
  readonly lost: number
  /** datagrams that were truncated or could not be parsed */
  malformed: number
  /** notifications dropped at the beginning of a resynchronisation: the dump is newer than they are */
  superseded: number
}

/**
 * The notifications that one wake-up brought. Iterating re-aims one view: it is valid until the next step, and the
 * batch until the next batch is requested.
 */
export class NotificationBatch implements Iterable<MessageView> {
  /**
   * notifications lost before this batch and not reported by an earlier one; a batch may report a loss and hold nothing
   * else
   */
  lost = 0
  readonly #stats: SubscriptionStats
  readonly #portId: number
  readonly #messages = new MessageIterator()
  readonly #isRaw: boolean
  #frames: FrameBatch | undefined

  /** Made by a {@link Subscription}. */
  constructor(stats: SubscriptionStats, portId: number, isRaw: boolean) {
    this.#stats = stats
    this.#portId = portId
    this.#isRaw = isRaw
  }

  /** where the notifications were sent; `undefined`: on this machine */
  get origin(): FrameOrigin | undefined {
    return this.#frames?.origin
  }

  /** Aims at frames. Returns how many notifications they hold. The subscription does this. */
  aim(frames: FrameBatch | undefined, lost: number): number {
    this.#frames = frames
    this.lost = lost
    let count = 0
    for (let frame = 0; frames !== undefined && frame < frames.length; frame++) {
      if (this.#isRaw) {
        if (frames.fullLength(frame) > frames.byteLength(frame)) this.#stats.malformed++
        else count++
        continue
      }
      const messages = this.#enter(frames, frame)
      while (messages.next()) if (this.#isNotification(frames, frame, messages.view)) count++
      if (messages.problem !== undefined || frames.fullLength(frame) > frames.byteLength(frame)) this.#stats.malformed++
    }
    return count
  }

  /**
   * The datagrams that came whole, for protocols whose notifications are not netlink messages. Read each before the
   * next step.
   */
  *datagrams(): Generator<Datagram, void, undefined> {
    const frames = this.#frames
    for (let frame = 0; frames !== undefined && frame < frames.length; frame++) {
      const length = frames.byteLength(frame)
      if (frames.fullLength(frame) > length) continue
      yield { memory: frames.memory, offset: frames.offset(frame), length }
    }
  }

  /** Ends the batch: its frames go back to the transport. The subscription does this. */
  finish(): void {
    this.#frames?.release()
    this.#frames = undefined
  }

  [Symbol.iterator](): Iterator<MessageView> {
    const frames = this.#frames
    const { view } = this.#messages
    const result: IteratorYieldResult<MessageView> = { done: false, value: view }
    let frame = -1
    let isOpen = false
    return {
      next: (): IteratorResult<MessageView> => {
        for (;;) {
          if (frames === undefined || frames !== this.#frames) return { done: true, value: undefined }
          if (!isOpen) {
            if (++frame >= frames.length) return { done: true, value: undefined }
            this.#enter(frames, frame)
          }
          isOpen = this.#messages.next()
          if (isOpen && this.#isNotification(frames, frame, view)) return result
        }
      },
    }
  }

  #enter(frames: FrameBatch, frame: number): MessageIterator {
    return this.#messages.wrap(frames.memory, frames.offset(frame), frames.byteLength(frame))
  }

  /** Answers to requests of this session come to no group, with a number and our port id. */
  #isNotification(frames: FrameBatch, frame: number, view: MessageView): boolean {
    if (view.type < MINIMUM_MESSAGE_TYPE) return false
    return frames.groups(frame) !== 0 || !isNumbered(view.memory, view.offset, this.#portId)
  }
}

function isNumbered({ u32 }: Memory, offset: number, portId: number): boolean {
  return u32[(offset + SEQUENCE) >> 2] !== 0 && u32[(offset + PORT_ID) >> 2] === portId
}

/** Wakes a wait for notifications: some were lost, or the subscription was closed. */
const WAKE = new Error('a subscription was woken')
/** Ends a wait once everything ready has been read. */
const IDLE = new Error('a subscription has nothing to read')

/**
 * Notifications of multicast groups, in batches. A loss is counted and reported at once, even if nothing follows it:
 * then a program that keeps a copy of the kernel's table calls {@link resynchronise}.
 *
 *     for await (const batch of session.subscribe([1, 2, 3])) {
 *       if (batch.lost > 0) for await (const rows of subscription.resynchronise(dump)) …
 *       for (const notification of batch) …
 *     }
 */
export class Subscription implements AsyncIterable<NotificationBatch>, AsyncDisposable {
  readonly session: SubscribedSession
  readonly groups: readonly number[]
  readonly stats: Readonly<SubscriptionStats>
  readonly #stats: SubscriptionStats
  readonly #batch: NotificationBatch
  #lostReported = 0
  #reading = false
  #waiting = false
  #isIdle = false
  #isClosed = false

  /** Called by `Session.subscribe`. */
  constructor(session: SubscribedSession, groups: readonly number[], isRaw = false) {
    this.session = session
    this.groups = [...new Set(groups)]
    const { transport } = session
    const before = transport.stats.lost
    this.#stats = {
      ...{ notifications: 0, malformed: 0, superseded: 0 },
      // Read on demand: a loss at the end of a burst is known once the subscription is closed.
      get lost() {
        return transport.stats.lost - before
      },
    }
    this.stats = this.#stats
    this.#batch = new NotificationBatch(this.#stats, transport.portId, isRaw)
    transport.events.on('overrun', this.#wake)
    try {
      for (const group of this.groups) transport.joinGroup(group)
    } catch (error) {
      this.#leave()
      throw error
    }
  }

  /**
   * Batches of notifications; one loop at a time: a second throws code `BUSY`. Ends when the subscription or its
   * session is closed.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<NotificationBatch, void, undefined> {
    if (this.#reading) throw new TransportError('BUSY', 'iterate', 'this subscription is already being read')
    this.#reading = true
    const batch = this.#batch
    try {
      for (;;) {
        const frames = await this.#receive()
        if (this.#isClosed) {
          frames?.release()
          return
        }
        const lost = this.#newlyLost()
        if (frames === undefined && lost === 0) continue
        this.#stats.notifications += batch.aim(frames, lost)
        yield batch
        batch.finish()
      }
    } finally {
      this.#reading = false
      batch.finish()
    }
  }

  /**
   * Dumps a table after a loss, so that a copy of it is complete again: notifications queued before the dump are
   * dropped, because the rows are newer, and those after its beginning follow in the loop. Call it in the loop, after a
   * batch with a loss; it ends that batch. `session` is the one that dumps; default the subscription's own, which keeps
   * copies of what comes in the meantime. Rejects as `Session.dump`. Another loss during the dump is reported like any
   * other.
   */
  async *resynchronise<Set extends AttributeSet>(
    request: Request<Set>,
    { session = this.session, ...options }: DumpOptions & { readonly session?: SubscribedSession | undefined } = {},
  ): AsyncGenerator<RowBatch, void, undefined> {
    this.#batch.finish()
    await this.#drain()
    yield* session.rowBatches(request, options)
  }

  /** Leaves the groups and ends the loop. Does nothing if called again. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#leave()
    this.#batch.finish()
    this.#wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** The next frames; `undefined` when the wait was ended by a loss or by closing. */
  async #receive(): Promise<FrameBatch | undefined> {
    this.#waiting = true
    try {
      return this.session.receiveNow() ?? (await this.session.receive())
    } catch (error) {
      if (error === WAKE) return undefined
      if (error === IDLE) {
        this.#isIdle = true
        return undefined
      }
      if (isNetlinkError(error, 'CLOSED')) {
        this.#isClosed = true
        return undefined
      }
      throw error
    } finally {
      this.#waiting = false
    }
  }

  /**
   * Drops the notifications queued so far: everything until the socket is empty. After a loss the kernel adds nothing
   * before that.
   */
  async #drain(): Promise<void> {
    for (;;) {
      const frames = await this.#receiveSoon()
      if (frames === undefined && (this.#isIdle || this.#isClosed)) break
      this.#stats.superseded += this.#batch.aim(frames, 0)
      this.#batch.finish()
    }
    this.#newlyLost()
  }

  /** Waits for a turn of the event loop, by which a readable socket is read. */
  async #receiveSoon(): Promise<FrameBatch | undefined> {
    this.#isIdle = false
    const receiving = this.#receive()
    let isDone = false
    const done = () => {
      isDone = true
    }
    receiving.then(done, done)
    setImmediate(() =>
      setImmediate(() => {
        if (!isDone && this.#waiting) this.session.failReceive(IDLE)
      }),
    )
    return await receiving
  }

  readonly #wake = (): void => {
    if (this.#waiting) this.session.failReceive(WAKE)
  }

  #newlyLost(): number {
    const { lost } = this.#stats
    const added = lost - this.#lostReported
    this.#lostReported = lost
    return added
  }

  #leave(): void {
    const { transport } = this.session
    transport.events.off('overrun', this.#wake)
    for (const group of this.groups) {
      try {
        transport.leaveGroup(group)
      } catch (error) {
        // The transport is closed, or the group was never joined.
        if (!isNetlinkError(error)) throw error
      }
    }
  }
}
