import { Protocol } from '@ringlink/codec'
import type { DecodeError } from '@ringlink/codec/errors'
import {
  BaseTransport,
  type Capabilities,
  FRAME_WORDS,
  type FrameBatch,
  liveStats,
  newCounts,
  OutboxBuffer,
  SlabPool,
  slabCapabilities,
  type Transport,
  TransportError,
  type TransportStats,
} from '@ringlink/transport'
import { acknowledgements } from './acknowledge.ts'
import { type ReplayClock, systemClock } from './clock.ts'
import type { CaptureBlock, InterfaceBlock, PacketBlock, StatisticsBlock } from './pcapng/block.ts'
import { PcapngDecoder } from './pcapng/decoder.ts'
import { HOST_BYTE_ORDER } from './pcapng/encoder.ts'
import { LinkType } from './pcapng/link-type.ts'
import type { ByteSource } from './pcapng/reader.ts'
import { netlinkPacket, nflogMessage } from './pcapng/record.ts'
import { SentComparison } from './sent.ts'

export interface ReplayOptions {
  /** `recorded` (default): with the timing of the recording; a number: so many times as fast; `fast`: without waiting */
  readonly speed?: 'recorded' | 'fast' | number | undefined
  /** play only the packets of this interface: its number or name; default all of LINKTYPE_NETLINK and LINKTYPE_NFLOG */
  readonly interface?: number | string | undefined
  /** netlink protocol; packets of others are passed over. Default `NETLINK_NETFILTER` */
  readonly protocol?: number | undefined
  /**
   * Compare what is sent with what was sent in the recording (which must have been made with `sent`): a flush that sends anything else
   * throws code `UNSUPPORTED`. A frame comes only when all was sent that had been sent before it, so answers follow their requests.
   * Default false: what is sent is discarded.
   */
  readonly expectSent?: boolean | undefined
  /** what happens when all frames were received and more are asked for: the transport closes (default), or it waits as for a quiet kernel */
  readonly atEnd?: 'close' | 'wait' | undefined
  /** bytes of the longest message; default 131072 */
  readonly frameSize?: number | undefined
  /** frames in a batch; default 16 */
  readonly batchSize?: number | undefined
  /** batches that can be live; default 4 */
  readonly liveBatches?: number | undefined
  readonly outboxSize?: number | undefined
  readonly portId?: number | undefined
  /**
   * Answer each request that asks for an acknowledgement as if the kernel had accepted it: for clients that play a recording in which
   * their own requests are not (packets of LINKTYPE_NFLOG have none). Default false.
   */
  readonly acknowledge?: boolean | undefined
  /** overwrite released frames, to find out who still reads them; default false */
  readonly poison?: boolean | undefined
  /** default the machine's */
  readonly clock?: ReplayClock | undefined
}

/** A transport that plays a recording. */
export interface Replay extends Transport {
  /** resolves when all frames were received and more were asked for, or at close: the moment to close a client that plays a recording */
  readonly ended: Promise<void>
  /** where the recording ends in the middle of a block, if it does */
  readonly truncated: DecodeError | undefined
  /** with `expectSent`: recorded messages that were not sent yet */
  readonly unsent: number
  /** with `expectSent`: the first difference from the recording */
  readonly sentProblem: TransportError | undefined
}

/**
 * Plays the netlink frames of a pcapng capture: a `record()`ing, or packets of LINKTYPE_NFLOG, which become messages of the packet log.
 * Frames that are due together come in one batch. Where the capture is malformed, what comes before that is played, and a receive then
 * rejects with the `DecodeError`.
 *
 * Throws code `ARGUMENT`.
 */
export function openReplay(source: ByteSource, options: ReplayOptions = {}): Replay {
  return new ReplayTransport(source, options)
}

interface RecordedFrame {
  /** nothing where the recording tells of a loss behind which no frame came */
  readonly bytes: Uint8Array | undefined
  readonly fullLength: number
  readonly at: bigint
  /** bytes that had been sent before it */
  readonly sentBefore: number
  lost: number
}

/** Frames, bytes of frames, and messages to be sent, read ahead of those that were. */
const READ_AHEAD = 1024
const READ_AHEAD_BYTES = 4_194_304
/** Milliseconds; a longer timer fires at once (Node). */
const LONGEST_TIMER = 0x7fff_ffff
const FRAME_SIZE = 131_072
const OUTBOX_SIZE = 131_072

class ReplayTransport extends BaseTransport implements Replay {
  readonly capabilities: Capabilities
  readonly portId: number
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  readonly ended: Promise<void>
  truncated: DecodeError | undefined
  #pool: SlabPool
  #clock: ReplayClock
  #speed: number
  #options: ReplayOptions
  #protocol: number
  #sent: SentComparison | undefined
  #counts = newCounts()
  #source: RecordingSource
  #decoder = new PcapngDecoder()
  // Interfaces of the section that are played.
  #played = new Set<number>()
  // Losses told so far, of each interface.
  #drops = new Map<number, bigint>()
  #inbox: RecordedFrame[] = []
  #next = 0
  #aheadBytes = 0
  // Acknowledgements that were made up.
  #answers: Uint8Array[] = []
  #pendingLoss = 0
  #isRead = false
  #failure: unknown
  #begunAt: number | undefined
  #firstAt = 0n
  #unreported = 0
  #endTold = false
  #waiting = false
  #timer: unknown
  #immediate: NodeJS.Immediate | undefined
  #done = false
  #end: () => void = () => {}

  constructor(source: ByteSource, options: ReplayOptions) {
    super()
    const { speed = 'recorded', batchSize = 16, liveBatches = 4, frameSize = FRAME_SIZE } = options
    this.#speed = speed === 'fast' ? Number.POSITIVE_INFINITY : speed === 'recorded' ? 1 : speed
    if (!(this.#speed > 0)) throw argumentError(`the speed is ${speed}, and must be above 0`)
    const outboxSize = options.outboxSize ?? OUTBOX_SIZE
    const portId = options.portId ?? 1
    for (const [name, value] of Object.entries({ batchSize, liveBatches, frameSize, outboxSize, portId })) {
      if (!Number.isInteger(value) || value < 1) throw argumentError(`${name} is ${value}, and must be a number from 1`)
    }
    this.#options = options
    this.#protocol = options.protocol ?? Protocol.Netfilter
    this.#clock = options.clock ?? systemClock
    this.#sent = options.expectSent === true ? new SentComparison() : undefined
    this.portId = portId
    this.#pool = new SlabPool({ frameSize, batchSize, slabs: liveBatches, poison: options.poison ?? false })
    this.outbox = new OutboxBuffer(outboxSize, (offset, length) => this.#transmit(offset, length))
    this.capabilities = slabCapabilities('replay', this.#pool, this.outbox.memory.byteLength)
    this.stats = liveStats(this.#counts, this.#pool, this.outbox)
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
    this.#source = new RecordingSource(source, () => this.#arrived())
  }

  get unsent(): number {
    return this.#sent?.missing ?? 0
  }

  get sentProblem(): TransportError | undefined {
    return this.#sent?.problem
  }

  protected doReceive(): FrameBatch | undefined {
    for (;;) {
      this.#fill()
      const due = this.#countDue()
      if (due === 0 && this.#answers.length === 0) {
        this.#checkEnd()
        return undefined
      }
      this.#reportLoss(due)
      // A listener that was told of the loss may have closed it.
      if (this.#done) return undefined
      const batch = this.#deliverBatch(this.#pool.next(), due)
      if (batch !== undefined) return batch
    }
  }

  protected doReceiveBlocking(timeout: number): FrameBatch | undefined {
    const { now, sleep } = this.#clock
    const end = timeout < 0 ? Number.POSITIVE_INFINITY : now() + timeout
    for (;;) {
      const batch = this.doReceive()
      if (batch !== undefined || this.#done) return batch
      // What is neither read nor waits for its time cannot come while this thread is blocked.
      const frame = this.#inbox[this.#next]
      const left = end - now()
      if (frame === undefined || !this.#isPermitted(frame) || left <= 0) return undefined
      this.#counts.wakeups++
      sleep(Math.min(Math.max(this.#dueAt(frame) - now(), 0), left, LONGEST_TIMER))
    }
  }

  protected doWait(): void {
    this.#counts.wakeups++
    this.#waiting = true
    const frame = this.#inbox[this.#next]
    if (this.#answers.length > 0 || this.#sent?.problem !== undefined) this.#wakeSoon()
    else if (frame === undefined) {
      if ((this.#isOver() && !this.#endTold) || this.#source.hasMore) this.#wakeSoon()
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
    this.#inbox = []
    this.#answers = []
    this.#source.close()
    this.outbox.close()
    this.#pool.close()
    this.#end()
  }

  /** Reads ahead as far as there is room. */
  #fill(): void {
    if (this.#isRead || this.#done) return
    try {
      while (this.#hasRoom()) {
        const block = this.#decoder.next()
        if (block !== undefined) this.#admit(block)
        else if (!this.#feed()) return
      }
    } catch (error) {
      this.#failure = error
      this.#isRead = true
    }
  }

  #hasRoom(): boolean {
    if (this.unsent >= READ_AHEAD) return false
    return this.#inbox.length - this.#next < READ_AHEAD && this.#aheadBytes < READ_AHEAD_BYTES
  }

  /** Gives the decoder more; false when there is none now. */
  #feed(): boolean {
    const chunk = this.#source.take()
    if (chunk !== undefined) {
      this.#decoder.push(chunk)
      return true
    }
    if (!this.#source.hasEnded) return false
    this.#isRead = true
    this.#failure = this.#source.failure
    this.truncated = this.#decoder.finish()
    this.#sent?.end()
    return false
  }

  #admit(block: CaptureBlock): void {
    if (block.type === 'section') {
      this.#played.clear()
      this.#drops.clear()
    }
    if (block.type === 'interface' && this.#isChosen(block)) this.#played.add(block.interface)
    if (block.type === 'statistics' && this.#played.has(block.interface)) this.#admitLoss(block)
    if (block.type === 'packet' && this.#played.has(block.interface)) this.#admitPacket(block)
  }

  #admitPacket(block: PacketBlock): void {
    this.#drops.set(block.interface, (this.#drops.get(block.interface) ?? 0n) + (block.dropCount ?? 0n))
    const frame = this.#frameOf(block)
    if (frame === undefined) return
    if (block.direction === 'outbound') {
      this.#pendingLoss += toCount(block.dropCount)
      this.#sent?.record(frame.messages)
      return
    }
    const lost = this.#pendingLoss + toCount(block.dropCount)
    this.#pendingLoss = 0
    const { messages: bytes, fullLength } = frame
    this.#aheadBytes += bytes.length
    this.#inbox.push({ bytes, fullLength, at: block.at, sentBefore: this.#sent?.recordedBytes ?? 0, lost })
  }

  /** Losses that statistics tell of and no packet did. */
  #admitLoss({ interface: number, dropped = 0n, at }: StatisticsBlock): void {
    const lost = dropped - (this.#drops.get(number) ?? 0n)
    if (lost <= 0n) return
    this.#drops.set(number, dropped)
    this.#inbox.push({
      bytes: undefined,
      fullLength: 0,
      at,
      sentBefore: this.#sent?.recordedBytes ?? 0,
      lost: toCount(lost),
    })
  }

  #isChosen({ interface: number, name, linkType }: InterfaceBlock): boolean {
    if (linkType !== LinkType.Netlink && linkType !== LinkType.Nflog) return false
    const wanted = this.#options.interface
    return wanted === undefined || wanted === (typeof wanted === 'number' ? number : name)
  }

  #frameOf(packet: PacketBlock): { messages: Uint8Array; fullLength: number } | undefined {
    if (packet.linkType === LinkType.Nflog && this.#protocol === Protocol.Netfilter) {
      const messages = nflogMessage(packet)
      return { messages, fullLength: messages.length + packet.fullLength - packet.bytes.length }
    }
    if (packet.linkType !== LinkType.Netlink) return undefined
    if (packet.byteOrder !== HOST_BYTE_ORDER) {
      const text = `netlink messages of a machine with ${packet.byteOrder}-endian numbers`
      throw new TransportError('UNSUPPORTED', 'replay', text)
    }
    const frame = netlinkPacket(packet)
    return frame.protocol === this.#protocol ? frame : undefined
  }

  /** Frames that can be delivered together now. */
  #countDue(): number {
    const first = this.#inbox[this.#next]
    if (first === undefined) return 0
    if (this.#begunAt === undefined) {
      this.#begunAt = this.#clock.now()
      this.#firstAt = first.at
    }
    const now = this.#clock.now()
    const room = Math.max(0, this.#pool.sizes.batchSize - this.#answers.length)
    const limit = Math.min(this.#inbox.length - this.#next, room)
    let due = 0
    while (due < limit) {
      const frame = this.#inbox[this.#next + due] as RecordedFrame
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

  #reportLoss(due: number): void {
    let lost = 0
    for (let i = 0; i < due; i++) {
      const frame = this.#inbox[this.#next + i] as RecordedFrame
      lost += frame.lost
      frame.lost = 0
    }
    if (lost === 0) return
    this.#unreported += lost
    this.#counts.lost += lost
    this.events.emit('overrun', lost)
  }

  /** A batch of the answers and the next `due` frames; `undefined` if there is only loss among these. */
  #deliverBatch(slab: number, due: number): FrameBatch | undefined {
    const { batchSize } = this.#pool.sizes
    let length = 0
    for (const bytes of this.#answers.splice(0, batchSize)) {
      this.#deliver(slab * batchSize + length++, bytes, bytes.length)
    }
    for (const { bytes, fullLength } of this.#takeFrames(due)) {
      if (bytes !== undefined) this.#deliver(slab * batchSize + length++, bytes, fullLength)
    }
    if (length === 0) return undefined
    const lost = this.#unreported
    this.#unreported = 0
    this.#counts.batches++
    return this.#pool.take(slab, length, lost)
  }

  #takeFrames(count: number): RecordedFrame[] {
    const frames = this.#inbox.slice(this.#next, this.#next + count)
    for (const { bytes } of frames) this.#aheadBytes -= bytes?.length ?? 0
    this.#next += count
    if (this.#next >= READ_AHEAD || this.#next === this.#inbox.length) {
      this.#inbox = this.#inbox.slice(this.#next)
      this.#next = 0
    }
    return frames
  }

  #deliver(index: number, bytes: Uint8Array, fullLength: number): void {
    const { memory, words, stride } = this.#pool
    const length = Math.min(bytes.length, stride)
    memory.u8.set(length < bytes.length ? bytes.subarray(0, length) : bytes, index * stride)
    words.set([length, fullLength, 0, 0], index * FRAME_WORDS)
    this.#counts.frames++
    this.#counts.bytes += length
    if (fullLength > length) this.#counts.truncated++
  }

  /** All that was read is received, and nothing more will be read. */
  #isOver(): boolean {
    return this.#isRead && this.#inbox.length === this.#next
  }

  /** To be asked when there is nothing to deliver now: ends what has come to its end, and throws what ends it early. */
  #checkEnd(): void {
    const { problem } = this.#sent ?? {}
    if (problem === undefined && !this.#isOver()) return
    this.#endTold = true
    this.#end()
    if (problem !== undefined) throw problem
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure
    if (this.#options.atEnd !== 'wait') this.close()
  }

  #arrived(): void {
    if (this.#done) return
    this.#fill()
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
    this.#fill()
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

/** Chunks of a recording, taken when they are wanted; of a stream no more than one is kept. */
class RecordingSource {
  /** nothing comes any more */
  hasEnded = false
  failure: unknown
  #sync: Iterator<Uint8Array> | undefined
  #async: AsyncIterator<Uint8Array> | undefined
  #chunk: Uint8Array | undefined
  #asking = false
  #arrived: () => void

  constructor(source: ByteSource, arrived: () => void) {
    this.#arrived = arrived
    if (source instanceof Uint8Array) this.#sync = [source][Symbol.iterator]()
    else if (Symbol.asyncIterator in source) this.#async = source[Symbol.asyncIterator]()
    else this.#sync = source[Symbol.iterator]()
    if (this.#async !== undefined) this.#ask(this.#async)
  }

  /** {@link take} may give something now */
  get hasMore(): boolean {
    return this.#chunk !== undefined || (this.#sync !== undefined && !this.hasEnded)
  }

  take(): Uint8Array | undefined {
    if (this.hasEnded) return undefined
    if (this.#sync !== undefined) {
      const { done, value } = this.#sync.next()
      if (done === true) this.hasEnded = true
      return done === true ? undefined : value
    }
    const chunk = this.#chunk
    this.#chunk = undefined
    if (chunk !== undefined && this.#async !== undefined) this.#ask(this.#async)
    return chunk
  }

  close(): void {
    this.hasEnded = true
    this.#chunk = undefined
    this.#sync?.return?.()
    // It is closed; that its source cannot be is nobody's concern any more.
    this.#async?.return?.().catch(() => {})
  }

  #ask(iterator: AsyncIterator<Uint8Array>): void {
    if (this.#asking || this.hasEnded) return
    this.#asking = true
    iterator.next().then(
      ({ done, value }) => {
        this.#asking = false
        if (this.hasEnded) return
        if (done === true) this.hasEnded = true
        else this.#chunk = value
        this.#arrived()
      },
      (error: unknown) => {
        this.#asking = false
        this.failure = error
        this.hasEnded = true
        this.#arrived()
      },
    )
  }
}

function toCount(count = 0n): number {
  return Number(count < BigInt(Number.MAX_SAFE_INTEGER) ? count : Number.MAX_SAFE_INTEGER)
}

function argumentError(text: string): TransportError {
  return new TransportError('ARGUMENT', 'open replay', text)
}
