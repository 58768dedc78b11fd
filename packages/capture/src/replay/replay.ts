import { ControlType, MESSAGE_HEADER_LENGTH, Memory, MessageFlag, MessageIterator, Protocol } from '@ringlink/codec'
import type { DecodeError } from '@ringlink/codec/errors'
import {
  BaseTransport,
  type Capabilities,
  describeFrame,
  type FrameBatch,
  liveStats,
  OutboxBuffer,
  SlabPool,
  slabCapabilities,
  TransportError,
  type TransportStats,
} from '@ringlink/transport'
import type { ByteSource } from '../pcapng/reader.ts'
import { acknowledgements } from './acknowledge.ts'
import { type ReplayClock, systemClock } from './clock.ts'
import { checkReplayOptions, type Replay, type ReplayOptions } from './options.ts'
import { type RecordedFrame, Recording } from './recording.ts'
import { SentComparison } from './sent.ts'

/**
 * Plays the netlink frames of a capture, pcapng or classic pcap, plain or compressed with gzip: made by `record()`, or
 * with packets of LINKTYPE_NFLOG, which become messages of the packet log. Frames that are due together come in one
 * batch. If the capture is malformed, everything before that is played; then a receive rejects with the `DecodeError`,
 * and the transport closes.
 *
 * Compressed bytes are inflated in the event loop: `poll()` alone never sees them.
 *
 * Throws `OptionError`, and the reason of an aborted signal.
 */
export function openReplay(source: ByteSource, options: ReplayOptions = {}): Replay {
  return new ReplayTransport(source, options)
}

/** Milliseconds; a longer timer fires at once (Node). */
const LONGEST_TIMER = 0x7fff_ffff
const FRAME_SIZE = 131_072
const OUTBOX_SIZE = 131_072

class ReplayTransport extends BaseTransport implements Replay {
  readonly capabilities: Capabilities
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  readonly ended: Promise<void>
  #pool: SlabPool
  #clock: ReplayClock
  #speed: number
  #options: ReplayOptions
  #sent: SentComparison | undefined
  #recording: Recording
  #portId: number
  // Whether the port id is taken from the recorded answers.
  #isPortKnown: boolean
  // Generated acknowledgements.
  #answers: Uint8Array[] = []
  #begunAt: number | undefined
  #firstAt = 0n
  #endReported = false
  #waiting = false
  #timer: unknown
  #immediate: NodeJS.Immediate | undefined
  #done = false
  #end: () => void = () => {}

  constructor(source: ByteSource, given: ReplayOptions) {
    super()
    const options = checkReplayOptions(given)
    const { speed = 'recorded', batchSize = 16, liveBatches = 4, frameSize = FRAME_SIZE } = options
    this.#speed = speed === 'fast' ? Number.POSITIVE_INFINITY : speed === 'recorded' ? 1 : speed
    const outboxSize = options.outboxSize ?? OUTBOX_SIZE
    const portId = options.portId ?? 1
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#sent = options.expectSent === true ? new SentComparison() : undefined
    this.#portId = portId
    this.#isPortKnown = options.portId !== undefined
    this.#pool = new SlabPool({ frameSize, batchSize, slabs: liveBatches, poison: options.poison ?? false })
    this.outbox = new OutboxBuffer(outboxSize, (offset, length) => this.#transmit(offset, length))
    const capabilities = slabCapabilities('replay', this.#pool, this.outbox.memory.byteLength)
    this.capabilities = Object.freeze({ ...capabilities, recorded: true })
    this.stats = liveStats(this.counts, this.#pool, this.outbox)
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    const choice = { interface: options.interface, protocol: options.protocol ?? Protocol.Netfilter }
    this.#recording = new Recording(source, choice, this.#sent, () => this.#arrived())
  }

  /** as given; otherwise the one that the recorded answers are addressed to, once the first of them is played */
  get portId(): number {
    return this.#portId
  }

  get truncated(): DecodeError | undefined {
    return this.#recording.truncated
  }

  get unsent(): number {
    return this.#sent?.missing ?? 0
  }

  get sentProblem(): TransportError | undefined {
    return this.#sent?.problem
  }

  protected doReceive(): FrameBatch | undefined {
    for (;;) {
      this.#recording.fill()
      const due = this.#countDue()
      if (due === 0 && this.#answers.length === 0) {
        this.#checkEnd()
        return undefined
      }
      this.#reportLoss(due)
      const batch = this.#deliverBatch(this.#pool.next(), due)
      if (batch !== undefined) return batch
    }
  }

  protected doReceiveBlocking(timeout: number): FrameBatch | undefined {
    const { now, sleep } = this.#clock
    const end = timeout < 0 ? Number.POSITIVE_INFINITY : now() + timeout
    for (;;) {
      const batch = this.doReceive()
      if (batch !== undefined || this.#done || this.loss.hasNews) return batch
      // Frames that are neither read nor waiting for their time cannot come while this thread is blocked.
      const frame = this.#recording.frame(0)
      const left = end - now()
      if (frame === undefined || !this.#isPermitted(frame) || left <= 0) return undefined
      this.counts.wakeups++
      sleep(Math.min(Math.max(this.#dueAt(frame) - now(), 0), left, LONGEST_TIMER))
    }
  }

  protected doWait(): void {
    this.counts.wakeups++
    this.#waiting = true
    const frame = this.#recording.frame(0)
    if (this.#answers.length > 0 || this.#sent?.problem !== undefined) this.#wakeSoon()
    else if (frame === undefined) {
      if ((this.#recording.isOver && !this.#endReported) || this.#recording.hasMore) this.#wakeSoon()
    } else if (this.#isPermitted(frame)) {
      const delay = this.#dueAt(frame) - this.#clock.now()
      if (delay > 0) this.#timer = this.#clock.setTimer(() => this.#wakeNow(), Math.min(delay, LONGEST_TIMER))
      else this.#wakeSoon()
    }
  }

  protected doStopWaiting(): void {
    this.#waiting = false
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
    if (this.#immediate !== undefined) clearImmediate(this.#immediate)
    this.#immediate = undefined
  }

  protected doJoinGroup(): void {}

  protected doLeaveGroup(): void {}

  protected doReadProcNet(name: string): string {
    throw new TransportError('UNSUPPORTED', 'read /proc/net', `a recording has no ${name}`)
  }

  protected doClose(): void {
    this.#done = true
    this.doStopWaiting()
    this.#answers = []
    this.#recording.close()
    this.outbox.close()
    this.#pool.close()
    this.#end()
  }

  /** Frames that can be delivered together now. */
  #countDue(): number {
    const first = this.#recording.frame(0)
    if (first === undefined) return 0
    if (this.#begunAt === undefined) {
      this.#begunAt = this.#clock.now()
      this.#firstAt = first.at
    }
    const now = this.#clock.now()
    const room = Math.max(0, this.#pool.sizes.batchSize - this.#answers.length)
    const limit = Math.min(this.#recording.waiting, room)
    let due = 0
    while (due < limit) {
      const frame = this.#recording.frame(due) as RecordedFrame
      if (!this.#isPermitted(frame) || this.#dueAt(frame) > now) break
      due++
    }
    return due
  }

  #isPermitted(frame: RecordedFrame): boolean {
    return this.#sent === undefined || this.#sent.matched >= frame.sentBefore
  }

  /** When a frame is due, by the clock. */
  #dueAt(frame: RecordedFrame): number {
    return (this.#begunAt ?? this.#clock.now()) + Number(frame.at - this.#firstAt) / 1e6 / this.#speed
  }

  protected override now(): number {
    return this.#clock.now()
  }

  #reportLoss(due: number): void {
    let lost = 0
    for (let i = 0; i < due; i++) {
      const frame = this.#recording.frame(i) as RecordedFrame
      lost += frame.lost
      frame.lost = 0
    }
    if (lost > 0) this.loss.note(lost)
  }

  /** A batch of the answers and the next `due` frames; `undefined` if these are only losses. */
  #deliverBatch(slab: number, due: number): FrameBatch | undefined {
    const { batchSize } = this.#pool.sizes
    let length = 0
    for (const bytes of this.#answers.splice(0, batchSize)) {
      this.#deliver(slab * batchSize + length++, bytes, bytes.length)
    }
    for (const { bytes, fullLength } of this.#recording.take(due)) {
      if (bytes !== undefined) this.#deliver(slab * batchSize + length++, bytes, fullLength)
    }
    return length === 0 ? undefined : this.#pool.take(slab, length, this.countBatch(length))
  }

  #deliver(index: number, bytes: Uint8Array, fullLength: number): void {
    if (!this.#isPortKnown) this.#learnPort(bytes)
    const { memory, words, stride } = this.#pool
    const length = Math.min(bytes.length, stride)
    memory.u8.set(length < bytes.length ? bytes.subarray(0, length) : bytes, index * stride)
    describeFrame(words, index, length, fullLength, 0, 0)
    this.countFrame(length, fullLength)
  }

  /** Answers carry the port id of the requesting socket: a client must have it to recognise them. */
  #learnPort(bytes: Uint8Array): void {
    if (bytes.length < MESSAGE_HEADER_LENGTH) return
    const messages = new MessageIterator().wrap(Memory.from(bytes), 0, bytes.length)
    while (messages.next()) {
      const { type, flags, portId } = messages.view
      if (portId === 0 || (type !== ControlType.Error && (flags & MessageFlag.Multipart) === 0)) continue
      this.#portId = portId
      this.#isPortKnown = true
      return
    }
  }

  /**
   * Called when there is nothing to deliver: closes at the end of the recording, and throws the error that ends it
   * early.
   */
  #checkEnd(): void {
    const problem = this.#sent?.problem
    if (problem === undefined && !this.#recording.isOver) return
    const failure = problem ?? this.#recording.failure
    if (failure !== undefined && (problem !== undefined || !this.#endReported)) {
      this.#endReported = true
      // Later, once the failure has reached the caller: a client that is closed at the end must report it first.
      setImmediate(this.#end)
      throw failure
    }
    this.#endReported = true
    this.#end()
    if (this.#options.atEnd !== 'wait' || failure !== undefined) this.close()
  }

  #arrived(): void {
    if (this.#done) return
    this.#recording.fill()
    this.#wakeSoon()
  }

  #wakeSoon(): void {
    if (!this.#waiting || this.#immediate !== undefined) return
    this.#immediate = setImmediate(() => this.#wakeNow())
  }

  #wakeNow(): void {
    if (!this.#waiting) return
    this.doStopWaiting()
    this.wake()
  }

  #transmit(offset: number, length: number): number {
    this.#recording.fill()
    try {
      this.#sent?.send(this.outbox.memory.u8.subarray(offset, offset + length))
      if (this.#options.acknowledge === true) {
        this.#answers.push(...acknowledgements(this.outbox.memory, offset, length, this.portId))
      }
    } finally {
      this.#wakeSoon()
    }
    return length
  }
}
