/**
 * The contract between a netlink transport and its user. A transport moves frames (each holds one datagram of the
 * kernel) and does not parse messages. There are several: a socket, memory-mapped rings, a simulated kernel, and
 * decorators around any of them. To their users they differ only in speed and {@link Capabilities}.
 *
 * The life of a frame: the kernel fills it; the user borrows it in a {@link FrameBatch}; it is released, with its batch
 * or, when it was held, with its lease; the kernel may fill it again. Nothing is copied on the way unless the
 * capabilities say so.
 */
import type { Memory } from '@ringlink/codec/memory'
import type { Emitter } from './emitter.ts'
import type { SocketFilter } from './socket-filter.ts'

/** The properties of a transport, fixed for its life. */
export interface Capabilities {
  /** the kind: `socket`, `uring`, `netlink-ring`, `sim`; for people and logs, never to branch on */
  readonly kind: string
  /** the memory is a ring that the kernel (or its model) writes to directly */
  readonly ring: boolean
  /**
   * what {@link FrameBatch.hold} does: `ring` leaves the frame where it is, `copy` copies it out. A released frame can
   * be filled again at once, except in a ring that copies: it reuses its frames in order, so a frame that is released
   * there after a live batch waits for that batch
   */
  readonly hold: 'ring' | 'copy'
  /**
   * maximum number of frames held in place, fewer than there are; further ones are copied out, so that the kernel
   * always has frames to fill. 0: all are copied
   */
  readonly holdLimit: number
  /** messages arrive in the order in which the kernel made them, so a gap in their numbers is a loss */
  readonly ordered: boolean
  /** bytes that a frame holds; the rest of a longer message is lost, and the batch says so */
  readonly frameSize: number
  /** frames that can be in live batches or held in place at one time */
  readonly frameCount: number
  /** maximum number of frames in one batch */
  readonly batchSize: number
  /** bytes that the outbox holds between two flushes */
  readonly outboxSize: number
  /**
   * messages that the kernel dropped are counted exactly: once the transport is closed, {@link TransportStats.lost} is
   * the kernel's own number. Otherwise each reported loss counts as one
   */
  readonly exactLoss: boolean
  /** frames come from a recording, which can begin anywhere: its first sequence number is not a gap. Default false */
  readonly recorded?: boolean | undefined
  /**
   * the kernel drops what it has no room for before it numbers it, as it does in a netlink ring: no gap in the numbers
   * shows it. Default false
   */
  readonly unnumberedLoss?: boolean | undefined
  /**
   * nothing can be sent: a flush throws code `UNSUPPORTED`. Frames come without being asked for, of every group of a
   * log; clients send no requests. Default false
   */
  readonly receiveOnly?: boolean | undefined
}

/** The counters of a transport since it was opened. Plain counters; reading them costs nothing. */
export interface TransportStats {
  /** frames delivered in batches */
  readonly frames: number
  /** bytes of these frames */
  readonly bytes: number
  /** batches delivered */
  readonly batches: number
  /** how often the transport waited for the kernel, or was ready to */
  readonly wakeups: number
  /** system calls that moved frames, in either direction */
  readonly systemCalls: number
  /** messages that the kernel could not deliver */
  readonly lost: number
  /** frames whose message was longer than the frame */
  readonly truncated: number
  /** frames from senders other than the kernel, dropped */
  readonly foreign: number
  /** frames held at this moment */
  readonly held: number
  /** frames that were copied to be held */
  readonly copied: number
  /** commits of the outbox sent */
  readonly sent: number
  /** bytes of these */
  readonly sentBytes: number
}

/** Events of a transport. Data is never delivered as an event. */
export type TransportEvents = {
  /** the kernel dropped messages; `lost` of them, counted as {@link Capabilities.exactLoss} says */
  overrun: (lost: number) => void
  /** the transport is closed; nothing comes after it */
  close: () => void
}

/** The machine that frames come from, if it is not this one. */
export interface FrameOrigin {
  /** its name, as it says */
  readonly host: string
  /** the kernel's id of its boot, a UUID */
  readonly bootId: string
  /** the id of what sent them there: frames of one run are numbered together */
  readonly run: string
  /**
   * no frame of this run is missing between the previous batch of it, or its beginning, and this one, except those that
   * `lost` counts. Otherwise another consumer may have them, and a gap in the numbers of messages is not a loss
   */
  readonly continues: boolean
}

/**
 * The frames that one wake-up brought. A batch is borrowed: its bytes are valid until it is released. `for await` over
 * a transport releases it when the next step is taken, on `break`, on a throw and on close; callers of {@link
 * Transport.receive} release it themselves.
 */
export interface FrameBatch extends Iterable<Frame>, Disposable {
  /** the memory of the frames; the same object for every batch of a transport if possible */
  readonly memory: Memory
  /** frames in the batch; at least one */
  readonly length: number
  /**
   * Messages known to be lost when this batch was received and not reported by an earlier one. They may be missing
   * before, between or after these frames; only the numbers in the messages tell.
   */
  readonly lost: number
  /** where the frames come from; `undefined`: from this machine. All frames of a batch have the same origin */
  readonly origin?: FrameOrigin | undefined
  /** true from {@link release} on */
  readonly released: boolean
  /** Offset of frame `index` in bytes; a multiple of four. Throws code `RELEASED` after release, in every accessor. */
  offset(index: number): number
  /** Length of frame `index` in bytes. Need not be a multiple of four. */
  byteLength(index: number): number
  /**
   * Length of the whole message in bytes. If more than {@link byteLength}, the message was truncated and must not be
   * read as whole.
   */
  fullLength(index: number): number
  /** Port id of the sender; 0 is the kernel. */
  portId(index: number): number
  /** Multicast groups that the message was sent to, as a mask of the first 32; 0 if it was sent only to this socket. */
  groups(index: number): number
  /**
   * Keeps frame `index` beyond its batch. Any number of frames may be held: receiving continues, as long as batches are
   * released.
   */
  hold(index: number): Lease
  /** Returns the frames to the transport, except those held. Idempotent. */
  release(): void
}

/** One frame of a batch, as iterating shows it: a flyweight that the next step re-aims. */
export interface Frame {
  readonly index: number
  readonly offset: number
  readonly byteLength: number
}

/**
 * A frame kept beyond its batch. It must be released, in any order; a lease that outlives its transport is detached,
 * and reading it then throws code `RELEASED`.
 */
export interface Lease extends Disposable {
  readonly memory: Memory
  readonly offset: number
  readonly byteLength: number
  readonly released: boolean
  /** Returns the frame to the transport. Idempotent. */
  release(): void
}

/**
 * Builds messages to the kernel in place. One reservation is open at a time.
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
  /** bytes that can still be reserved before a flush */
  readonly available: number
  /**
   * Reserves room for a message of up to `byteLength` bytes and returns its offset, a multiple of four. Reserving again
   * before a commit cancels the first reservation. Throws code `OUTBOX_FULL` when it does not fit before the next
   * flush, `ARGUMENT` when it never could, `CLOSED`.
   */
  reserve(byteLength: number): number
  /**
   * Commits `byteLength` bytes of the reservation: one message, or several consecutive ones. Throws code `OUTBOX_STATE`
   * without a reservation, for nothing, or for more than was reserved. A message that does not end at a multiple of
   * four is padded with zeros.
   */
  commit(byteLength: number): void
  /**
   * Sends all committed messages, in order, with one entry into the kernel, and returns the number of commits. Messages
   * that cannot be sent stay committed: `sent` of the error (code `SYSTEM`) says how many were sent, and a later flush
   * tries the others. An open reservation is cancelled. Returns 0 if nothing is committed. Throws code `CLOSED`.
   *
   * If answers need frames of a ring, requests for an answer may stay committed, so that fewer are sent than were
   * committed: they are sent automatically as frames are released.
   */
  flush(): number
}

/** Options of waiting for frames. */
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
   * Receives the next batch. Several batches may be live at one time, up to {@link Capabilities.frameCount}; beyond
   * that the promise rejects with code `NO_FREE_FRAMES`, and nothing is lost that the kernel still has room for. One
   * consumer: a call while another is pending, or during an iteration, rejects with code `BUSY`. After (or at) close it
   * rejects with code `CLOSED`. Only frames of the kernel are delivered, unless the transport was opened for all
   * senders; others are counted and dropped.
   *
   * A loss is not an error: `lost` of the next batch says how much, and the event `overrun` reports it at once. A
   * listener may do anything except receive (code `BUSY`); when it closes the transport, the receive that met the loss
   * rejects with code `CLOSED`. Listeners are called once the frames are safe. An error that one throws is thrown by a
   * later receive that has no batch to return, or by close.
   */
  receive(options?: ReceiveOptions): Promise<FrameBatch>
  /**
   * As {@link receive}, without a promise, within this turn of the event loop: `undefined` when nothing is known to be
   * ready, and when enough was given out in this turn, so that timers and other sockets get their turn; {@link receive}
   * then continues with the next batch. A turn ends after 1024 frames and after 4 milliseconds, on every transport,
   * between two batches. Throws what {@link receive} rejects with.
   */
  receiveNow(): FrameBatch | undefined
  /**
   * Ends a pending {@link receive}, which rejects with `reason`, as an aborted signal does: no frame is lost by it.
   * Without one it does nothing.
   */
  stopReceiving(reason: unknown): void
  /**
   * The next batch without the event loop: at once if one is ready, or after blocking this thread for up to `timeout`
   * milliseconds (negative: indefinitely); `undefined` if there is none. Blocking is for a dedicated Worker. Otherwise
   * as {@link receive}, except that it throws; code `ARGUMENT` for a timeout that is not a number.
   */
  poll(timeout?: number): FrameBatch | undefined
  /**
   * Iterates over batches, releasing each when the next is requested. Ends at close. A second iteration throws code
   * `BUSY`, and requesting the next batch while one is pending rejects with it.
   */
  [Symbol.asyncIterator](): AsyncIterator<FrameBatch, undefined>
  /** Joins multicast group `group` (a number from 1, otherwise code `ARGUMENT`). Throws code `SYSTEM`. */
  joinGroup(group: number): void
  /** Leaves multicast group `group`. Throws code `SYSTEM`. */
  leaveGroup(group: number): void
  /**
   * The text of `/proc/net/<name>` in the network namespace of this transport, where the kernel keeps counters that
   * netlink does not report. Throws code `SYSTEM` if there is no such file, `UNSUPPORTED` if the transport has no such
   * files.
   */
  readProcNet(name: string): string
  /**
   * Closes at once: a pending receive rejects with code `CLOSED`, an iteration ends, live batches and leases are
   * detached, and committed messages that were not flushed are discarded. Idempotent. Nothing dangles and nothing
   * hangs.
   */
  close(): Promise<void>
}

/** The needs of a transport's user, passed to factories so that sizes follow the use. */
export interface TransportNeeds {
  /** netlink protocol number; `NETLINK_NETFILTER` is 12 */
  readonly protocol: number
  /** length in bytes of the longest message to receive whole */
  readonly frameSize?: number | undefined
  /** bytes that the kernel queues, in its own accounting, when the user is slow */
  readonly receiveBufferSize?: number | undefined
  /** bytes of messages to send with one flush */
  readonly outboxSize?: number | undefined
  /**
   * drops messages before they are queued, where the transport can: a socket and rings of io_uring do, and a simulated
   * kernel; others deliver all, so that the user checks again
   */
  readonly socketFilter?: SocketFilter | undefined
  /** aborts opening, which then rejects with the signal's reason and leaves nothing open */
  readonly signal?: AbortSignal | undefined
}

/** Opens a transport for given needs: the option of `openQueue` and others, so that transports can be swapped. */
export type OpenTransport = (needs: TransportNeeds) => Transport | Promise<Transport>
