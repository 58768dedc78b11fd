/**
 * The contract between a netlink transport and its user. A transport moves frames (what one datagram of the kernel left in
 * memory) and knows no message. There are several: a socket, memory-mapped rings, a simulated kernel, and decorators
 * around any of them; whoever uses one sees no difference but in speed and {@link Capabilities}.
 *
 * The life of a frame: the kernel fills it; it reaches the user in a {@link FrameBatch}, who borrows it; it is released,
 * with its batch or, when it was held, with its lease; the kernel may fill it again. Nothing is copied on the way unless
 * the capabilities say so.
 */
import type { Memory } from '@ringlink/codec/memory'
import type { Emitter } from './emitter.ts'

/** What a transport is, fixed for its life. */
export interface Capabilities {
  /** which one: `socket`, `uring`, `netlink-ring`, `sim`; for people and logs, never to branch on */
  readonly kind: string
  /** the memory is a ring that the kernel (or its model) writes to directly */
  readonly ring: boolean
  /**
   * what {@link FrameBatch.hold} does: `ring` leaves the frame where it is, `copy` copies it out. A released frame can be filled
   * again whatever else is live, but in a ring that copies: it takes its frames back in their order, so what is released there
   * behind a live batch waits for that batch
   */
  readonly hold: 'ring' | 'copy'
  /**
   * frames that are held where they are at most, fewer than there are; further ones are copied out, so that the kernel has frames to
   * fill however many are held. 0 where all are copied
   */
  readonly holdLimit: number
  /** messages arrive in the order in which the kernel made them, so a gap in their numbers is a loss */
  readonly ordered: boolean
  /** bytes that a frame holds; of a longer message the rest is lost, and the batch says so */
  readonly frameSize: number
  /** frames that can be in live batches at one time, or held where they are */
  readonly frameCount: number
  /** frames in one batch at the most */
  readonly batchSize: number
  /** bytes that the outbox takes between two flushes */
  readonly outboxSize: number
  /**
   * messages that the kernel dropped are counted exactly: at the latest when the transport closes, {@link TransportStats.lost} is the
   * kernel's own number. Otherwise a loss that is reported counts as one
   */
  readonly exactLoss: boolean
  /** frames come from a recording, which can begin anywhere: the first number that it shows is a beginning, not a gap. Default false */
  readonly recorded?: boolean | undefined
}

/** What a transport has done since it was opened. Plain counters; reading them costs nothing. */
export interface TransportStats {
  /** frames delivered in batches */
  readonly frames: number
  /** bytes of these frames */
  readonly bytes: number
  /** batches delivered */
  readonly batches: number
  /** times that the transport waited for the kernel, or was ready to */
  readonly wakeups: number
  /** system calls that moved frames, in either direction */
  readonly systemCalls: number
  /** messages that the kernel could not deliver */
  readonly lost: number
  /** frames whose message was longer than the frame */
  readonly truncated: number
  /** frames of other senders than the kernel, dropped */
  readonly foreign: number
  /** frames held at this moment */
  readonly held: number
  /** frames that were copied in order to be held */
  readonly copied: number
  /** commits of the outbox sent */
  readonly sent: number
  /** bytes of these */
  readonly sentBytes: number
}

/** Events of a transport's life. Data never comes this way. */
export type TransportEvents = {
  /** the kernel dropped messages; `lost` of them, counted as {@link Capabilities.exactLoss} says */
  overrun: (lost: number) => void
  /** the transport is closed; nothing comes after it */
  close: () => void
}

/**
 * The frames that one wake-up brought. A batch is borrowed: its bytes are valid until it is released. `for await` over a
 * transport releases it when the next step is taken, on `break`, on a throw and on close; whoever calls
 * {@link Transport.receive} releases it himself.
 */
export interface FrameBatch extends Iterable<Frame>, Disposable {
  /** where the frames lie; the same object for every batch of a transport, as far as it can be */
  readonly memory: Memory
  /** frames in the batch; at least one */
  readonly length: number
  /**
   * Messages known to be lost when this batch was received and not reported by an earlier one. Where they are missing,
   * before, between or behind these frames, only the numbers in the messages tell.
   */
  readonly lost: number
  /** true from {@link release} on */
  readonly released: boolean
  /** Where frame `index` begins, in bytes; a multiple of four. Throws code `RELEASED` after release, in every accessor. */
  offset(index: number): number
  /** Bytes of frame `index` that are there. Need not be a multiple of four. */
  byteLength(index: number): number
  /** Bytes that the message had; more than {@link byteLength}: it was cut, and must not be read as whole. */
  fullLength(index: number): number
  /** Port id of the sender; 0 is the kernel. */
  portId(index: number): number
  /** Multicast groups that the message was sent to, as a mask of the first 32; 0 for one sent to this socket alone. */
  groups(index: number): number
  /** Keeps frame `index` beyond its batch. Any number of frames may be held: receiving continues, as long as batches are released. */
  hold(index: number): Lease
  /** Gives the frames back, but for those held. Again: nothing. */
  release(): void
}

/** One frame of a batch, as iterating shows it: a flyweight that the next step re-aims. */
export interface Frame {
  readonly index: number
  readonly offset: number
  readonly byteLength: number
}

/**
 * A frame kept beyond its batch. It must be released, in any order; a lease that outlives its transport is detached, and
 * reading it then throws code `RELEASED`.
 */
export interface Lease extends Disposable {
  readonly memory: Memory
  readonly offset: number
  readonly byteLength: number
  readonly released: boolean
  /** Gives the frame back. Again: nothing. */
  release(): void
}

/**
 * Where messages to the kernel are built, in place. One reservation is open at a time.
 *
 *     const offset = outbox.reserve(32)
 *     const length = write(outbox.memory, offset)
 *     outbox.commit(length)
 *     outbox.flush()
 */
export interface Outbox {
  readonly memory: Memory
  /** bytes committed and not yet sent */
  readonly pending: number
  /** commits not yet sent */
  readonly pendingCommits: number
  /** bytes that {@link reserve} can still give out before a flush */
  readonly available: number
  /**
   * Room for a message of up to `byteLength` bytes: its offset, a multiple of four. Reserving again before a commit takes
   * the first reservation back. Throws code `OUTBOX_FULL` when it does not fit before the next flush, `ARGUMENT` when it
   * never could, `CLOSED`.
   */
  reserve(byteLength: number): number
  /**
   * What is at the reservation is complete, `byteLength` bytes of it: one message, or several one behind the other. Throws
   * code `OUTBOX_STATE` without a reservation, for nothing, or for more than was reserved. A message that does not end at a
   * multiple of four is followed by zeros up to it.
   */
  commit(byteLength: number): void
  /**
   * Sends all that is committed, in order, with one entry into the kernel, and returns how many commits that was. What
   * cannot be sent stays committed: the error (code `SYSTEM`) says in `sent` how many went out, and a later flush tries the
   * others. A reservation that is open is taken back. With nothing committed: 0. Throws code `CLOSED`.
   *
   * Where answers need frames of a ring, requests that ask for one may stay committed, and then fewer were sent than there were:
   * they follow by themselves as frames come back.
   */
  flush(): number
}

/** Waiting for frames. */
export interface ReceiveOptions {
  /** aborts the wait: the promise rejects with the signal's reason, and no frame is lost by it */
  readonly signal?: AbortSignal | undefined
}

/** A connection to the kernel (or its model), opened by the factory of its package. */
export interface Transport extends AsyncIterable<FrameBatch>, AsyncDisposable {
  readonly capabilities: Capabilities
  /** the address of this socket, which the kernel sends replies to */
  readonly portId: number
  readonly stats: TransportStats
  readonly events: Emitter<TransportEvents>
  readonly outbox: Outbox
  /**
   * The next batch. Several batches may be live at one time, up to {@link Capabilities.frameCount}; beyond that the promise
   * rejects with code `NO_FREE_FRAMES`, and nothing is lost that the kernel still has room for. One consumer: a call while
   * another is pending, or while somebody iterates, rejects with code `BUSY`. After (or at) close it rejects with code
   * `CLOSED`. Only frames of the kernel come, unless the transport was opened for all; others are counted and dropped.
   *
   * A loss is not an error: `lost` of the next batch says how much, the event `overrun` says it at once. A listener may do
   * anything but receive (code `BUSY`); when it closes the transport, the receive that met the loss rejects with code `CLOSED`.
   * Listeners are called when the frames are safe: what one throws is thrown by a later receive, which has no batch to give out, or
   * by close.
   */
  receive(options?: ReceiveOptions): Promise<FrameBatch>
  /**
   * As {@link receive}, without a promise, while this turn of the event loop lasts: `undefined` when nothing is known to be there, and
   * when enough was given out in this turn, so that timers and other sockets get theirs; {@link receive} continues with the next one.
   * A turn ends after 1024 frames and after 4 milliseconds, on every transport, between two batches. Throws what {@link receive}
   * rejects with.
   */
  receiveNow(): FrameBatch | undefined
  /**
   * The next batch without the event loop: what is there (`undefined` when nothing is), or after blocking this thread for
   * up to `timeout` milliseconds (negative: for ever). Blocking is for a Worker that does nothing else. Otherwise as
   * {@link receive}, but that it throws; code `ARGUMENT` for a timeout that is no number.
   */
  poll(timeout?: number): FrameBatch | undefined
  /**
   * Iterates over batches, releasing each when the next is asked for. Ends at close. A second iteration throws code `BUSY`,
   * asking for the next batch while it is being waited for rejects with it.
   */
  [Symbol.asyncIterator](): AsyncIterator<FrameBatch, undefined>
  /** Joins multicast group `group` (a number from 1, otherwise code `ARGUMENT`). Throws code `SYSTEM`. */
  joinGroup(group: number): void
  /** Leaves it. Throws code `SYSTEM`. */
  leaveGroup(group: number): void
  /**
   * The text of `/proc/net/<name>` as it is in the network namespace of this transport: where the kernel keeps counters
   * that netlink does not tell. Throws code `SYSTEM` where there is no such file, `UNSUPPORTED` where there is no such thing.
   */
  readProcNet(name: string): string
  /**
   * Closes, now: a pending receive rejects with code `CLOSED`, an iteration ends, live batches and leases are detached, what
   * is committed and not flushed is discarded. Again: nothing. Nothing dangles and nothing hangs.
   */
  close(): Promise<void>
}

/** What a user of a transport needs of it: what factories are given, so that sizes follow the use. */
export interface TransportNeeds {
  /** netlink protocol number; `NETLINK_NETFILTER` is 12 */
  readonly protocol: number
  /** bytes of the longest message that is to be received whole */
  readonly frameSize?: number | undefined
  /** bytes that the kernel is to queue, in its own accounting, when the user is slow */
  readonly receiveBufferSize?: number | undefined
  /** bytes of messages to be sent with one flush */
  readonly outboxSize?: number | undefined
  /** aborts before and during opening, which then rejects with the signal's reason and leaves nothing open */
  readonly signal?: AbortSignal | undefined
}

/** How a transport is opened for given needs: what `openQueue` and others take, so that transports can be swapped. */
export type OpenTransport = (needs: TransportNeeds) => Transport | Promise<Transport>
