import { Errno } from '@ringlink/codec/errors'
import { Memory } from '@ringlink/codec/memory'
import { BaseTransport } from '../base.ts'
import { systemError, TransportError } from '../errors.ts'
import { FRAME_WORDS } from '../frames/slab.ts'
import { liveStats, newCounts, type TransportCounts } from '../stats.ts'
import type { Capabilities, FrameBatch, TransportStats } from '../transport.ts'
import { RingFramePool } from './batch.ts'
import { RingFrames, type RingGeometry, RingOption, ringSize, writeRingRequest } from './layout.ts'
import { RingOutbox, type RingSender } from './outbox.ts'
import { FrameWord, NoFrame, ReceiveRing } from './receive.ts'
import { type OpenRingSystem, PollEvent, type RingSystem } from './system.ts'
import { TransmitRing } from './transmit.ts'

export interface RingTransportOptions {
  /** {@link Capabilities.kind} */
  readonly kind: string
  readonly receive: RingGeometry
  /** without it the outbox is sent as on any socket */
  readonly transmit?: RingGeometry | undefined
  /** frames in one batch at the most; a quarter of the ring by default, and no more than 256 */
  readonly batchSize?: number | undefined
  /**
   * Frames that may be held in the ring at one time; those beyond are copied out. 0 by default: SKIP is safe only where the
   * kernel steps over it (4.3 and newer) and where nothing arrives by the receive queue, as on a socket of nfnetlink_queue whose copy
   * range fits the frames. Elsewhere a held frame makes the kernel drop messages when it comes round, and a dump stops there.
   * From the first group that is joined on, all are copied out: what is sent to groups comes by the receive queue.
   */
  readonly holdLimit?: number | undefined
  readonly outboxSize?: number | undefined
  readonly portId?: number | undefined
  readonly groups?: readonly number[] | undefined
  /** deliver frames of senders other than the kernel too */
  readonly foreignSenders?: boolean | undefined
  /** `min_dump_alloc` values of the protocol's dumps, where they are larger than a page */
  readonly dumpAllocations?: readonly number[] | undefined
  /** overwrite released frames */
  readonly poison?: boolean | undefined
}

/** Where opening can fail for want of rings: `operation` of the error. */
export const RingStep = {
  SetReceive: 'set receive ring',
  SetTransmit: 'set transmit ring',
  Map: 'map rings',
} as const

/** Milliseconds until we look again when poll says that there is something, and there is nothing to be taken. */
const RETRY_DELAY = 1
/** Wake-ups in vain after which we look beyond the cursor, and stop polling. One in vain is common: an error was reported. */
const WAKEUPS_IN_VAIN = 2
const OUTBOX_SIZE = 65536
const BATCH_SIZE = 256

/**
 * A transport over the memory-mapped rings of netlink (Linux 3.10 to 4.5). It is TypeScript up to the system calls, which
 * it is given; the simulator gives it others.
 */
export class RingTransport extends BaseTransport {
  readonly capabilities: Capabilities
  readonly portId: number
  readonly outbox: RingOutbox
  readonly stats: TransportStats
  readonly #system: RingSystem
  readonly #ring: ReceiveRing
  readonly #pool: RingFramePool
  readonly #foreignSenders: boolean
  readonly #counts: TransportCounts = newCounts()
  #lost = 0
  #drops = 0
  // From an ENOBUFS until the receive queue ran empty the kernel drops without saying so again.
  #congested = false
  #waiting = false
  #nudging = false
  #closed = false
  // This look was caused by a wake-up; wake-ups since the last that brought something.
  #woken = false
  #inVain = 0

  /** Sets the rings, maps them and binds. Throws `TransportError`, code `SYSTEM`; nothing is left open then. */
  constructor(open: OpenRingSystem, options: RingTransportOptions) {
    super()
    checkOptions(options)
    this.#foreignSenders = options.foreignSenders ?? false
    this.#system = open((status) => this.#readable(status))
    const memory = this.#map(options)
    const { receive, transmit, holdLimit = 0 } = options
    this.#ring = new ReceiveRing(new RingFrames(memory, receive), {
      receiveCopy: (offset, capacity, words, index) => this.#receiveCopy(offset, capacity, words, index),
      dumpAllocations: options.dumpAllocations,
      poison: options.poison,
      skips: holdLimit > 0,
    })
    this.#pool = new RingFramePool(this.#ring, holdLimit, () => this.#released())
    const outboxSize = options.outboxSize ?? OUTBOX_SIZE
    const transmitRing =
      transmit === undefined ? undefined : new TransmitRing(new RingFrames(memory, transmit, ringSize(receive)))
    this.outbox = new RingOutbox(outboxSize, transmitRing, this.#sender())
    this.portId = this.#bind(options)
    this.capabilities = Object.freeze({
      kind: options.kind,
      ring: true,
      hold: holdLimit > 0 ? 'ring' : 'copy',
      ordered: false,
      frameSize: this.#ring.frames.capacity,
      frameCount: receive.frameCount,
      batchSize: options.batchSize ?? Math.min(BATCH_SIZE, Math.max(1, receive.frameCount >> 2)),
      outboxSize: this.outbox.memory.byteLength,
      exactLoss: this.#system.drops() >= 0,
    })
    this.stats = liveStats(this.#counts, this.#pool, this.outbox)
  }

  /**
   * Frames that the kernel can fill at this moment. More requests than this, with an answer each, and answers are lost: the
   * kernel reports success all the same. So the outbox keeps back what there is no room for.
   */
  freeFrames(): number {
    return this.#ring.freeFrames()
  }

  protected doReceive(): FrameBatch | undefined {
    const batch = this.#take()
    const woken = this.#woken
    this.#woken = false
    // Frames may have gone back without having been in a batch.
    this.#proceed()
    if (batch !== undefined || !woken || ++this.#inVain < WAKEUPS_IN_VAIN) return batch
    return this.#ring.resynchronise() ? this.#take() : undefined
  }

  protected doReceiveBlocking(timeout: number): FrameBatch | undefined {
    const there = this.doReceive()
    if (there !== undefined) return there
    const deadline = timeout < 0 ? Number.POSITIVE_INFINITY : this.#system.now() + timeout
    for (let left = timeout; ; left = deadline - this.#system.now()) {
      if (timeout >= 0 && left < 0) return undefined
      if (this.#inVain > WAKEUPS_IN_VAIN) this.#system.pause(RETRY_DELAY)
      this.#counts.wakeups++
      const events = this.#poll(timeout < 0 ? -1 : left)
      this.#woken = (events & PollEvent.Readable) !== 0
      const batch = this.doReceive()
      if (batch !== undefined) return batch
      if (timeout >= 0 && this.#system.now() >= deadline) return undefined
    }
  }

  protected doWait(): void {
    this.#counts.wakeups++
    try {
      this.#poll(0)
      const delay = this.#inVain >= WAKEUPS_IN_VAIN ? RETRY_DELAY : 0
      this.#check('wait', this.#system.wait(delay))
      this.#waiting = true
    } catch (error) {
      this.fail(error)
    }
  }

  protected doStopWaiting(): void {
    this.#waiting = false
    this.#system.stopWaiting()
  }

  protected doJoinGroup(group: number): void {
    this.#check('join group', this.#system.joinGroup(group))
    this.#pool.holdLimit = 0
  }

  protected doLeaveGroup(group: number): void {
    this.#check('leave group', this.#system.leaveGroup(group))
  }

  protected doReadProcNet(name: string): string {
    const text = this.#system.readProcNet(name)
    if (typeof text === 'number') throw systemError(`read /proc/net/${name}`, -text)
    return text
  }

  protected doClose(): void {
    this.#closed = true
    if (this.#waiting) this.doStopWaiting()
    this.outbox.close()
    this.#pool.close()
    // In this order: a mapping keeps the socket alive, with its port id, its groups and its queues.
    this.#system.unmap()
    this.#system.close()
  }

  #map({ receive, transmit }: RingTransportOptions): Memory {
    const system = this.#system
    try {
      this.#check(RingStep.SetReceive, system.setRing(RingOption.Receive, writeRingRequest(receive)))
      if (transmit !== undefined) {
        this.#check(RingStep.SetTransmit, system.setRing(RingOption.Transmit, writeRingRequest(transmit)))
      }
      const buffer = system.map(ringSize(receive) + ringSize(transmit))
      if (typeof buffer === 'number') throw systemError(RingStep.Map, -buffer)
      return new Memory(buffer)
    } catch (error) {
      system.close()
      throw error
    }
  }

  #bind({ portId = 0, groups = [] }: RingTransportOptions): number {
    try {
      const bound = this.#check('bind', this.#system.bind(portId))
      for (const group of groups) this.doJoinGroup(group)
      return bound
    } catch (error) {
      this.#system.unmap()
      this.#system.close()
      throw error
    }
  }

  #take(): FrameBatch | undefined {
    // A loss leaves no trace in the ring but its being full; with SKIP not even that.
    if (this.#pool.wasFull() || this.#congested || this.#ring.held > 0) this.#checkError()
    const frames: number[] = []
    let frame = this.#next(frames)
    for (; frame >= 0; frame = this.#next(frames)) {
      const word = frame * FRAME_WORDS
      const { words } = this.#ring
      if (words[word + FrameWord.PortId] !== 0 && !this.#foreignSenders) {
        this.#counts.foreign++
        this.#ring.release(frame)
        continue
      }
      const byteLength = words[word + FrameWord.Length] as number
      if ((words[word + FrameWord.FullLength] as number) > byteLength) this.#counts.truncated++
      this.#counts.bytes += byteLength
      if (frames.push(frame) === this.capabilities.batchSize) break
    }
    if (frames.length > 0) return this.#deliver(frames)
    if (frame === NoFrame.Ours) {
      const { frameCount } = this.capabilities
      throw new TransportError('NO_FREE_FRAMES', 'receive', `of ${frameCount} frames the next is in use; release it`)
    }
    return undefined
  }

  /** The ring's next frame. An error is put off while there are frames to be delivered: it comes again. */
  #next(frames: readonly number[]): number {
    try {
      return this.#ring.take()
    } catch (error) {
      if (frames.length === 0) throw error
      return NoFrame.Empty
    }
  }

  #deliver(frames: readonly number[]): FrameBatch {
    const lost = this.#lost
    this.#lost = 0
    this.#inVain = 0
    this.#counts.batches++
    this.#counts.frames += frames.length
    return this.#pool.batch(frames, lost)
  }

  #receiveCopy(offset: number, capacity: number, words: Uint32Array, index: number): boolean {
    for (;;) {
      this.#counts.calls++
      const result = this.#system.receive(offset, capacity, words, index)
      if (result >= 0) return true
      if (result === -Errno.EAGAIN) return false
      // The error of an overrun, reported in passing; the message is still to come.
      if (result !== -Errno.ENOBUFS) throw systemError('receive', -result)
      this.#countLoss()
    }
  }

  /** Polls, which also restarts a dump that stopped for want of frames, and fetches the error if there is one. */
  #poll(timeout: number): number {
    this.#pool.park()
    const events = this.#check('poll', this.#system.poll(timeout))
    if ((events & PollEvent.Error) !== 0) {
      this.#checkError()
      this.#inVain = 0
    } else if (this.#congested) {
      this.#countDrops()
      this.#congested = (events & PollEvent.Readable) !== 0
    }
    return events
  }

  #checkError(): void {
    const errno = this.#system.takeError()
    if (errno === Errno.ENOBUFS) this.#countLoss()
    else if (errno !== 0) throw systemError('receive', errno)
    else if (this.#congested) this.#countDrops()
  }

  #countLoss(): void {
    this.#congested = true
    if (this.#system.drops() < 0) this.#addLoss(1)
    else this.#countDrops()
  }

  #countDrops(): void {
    const drops = this.#system.drops()
    // The kernel's counter has 32 bits and wraps.
    const lost = drops < 0 ? 0 : (drops - this.#drops) >>> 0
    if (lost === 0) return
    this.#drops = drops
    this.#addLoss(lost)
  }

  #addLoss(lost: number): void {
    this.#lost += lost
    this.#counts.lost += lost
    this.events.emit('overrun', lost)
  }

  #readable(status: number): void {
    if (this.#closed) return
    this.#waiting = false
    this.#woken = true
    if (status < 0) this.fail(systemError('wait', -status))
    else this.wake()
  }

  /**
   * Frames went back while somebody waits: a dump that stopped because there was no room goes on only when poll is called,
   * and nothing else would call it.
   */
  #released(): void {
    this.#proceed()
    if (!this.#waiting || this.#nudging) return
    this.#nudging = true
    queueMicrotask(() => {
      this.#nudging = false
      if (!this.#waiting || this.#closed) return
      try {
        this.#poll(0)
      } catch (error) {
        this.fail(error)
      }
    })
  }

  /** Sends what the outbox kept back; whoever receives learns why it cannot. */
  #proceed(): void {
    try {
      this.outbox.proceed()
    } catch (error) {
      this.fail(error)
    }
  }

  #sender(): RingSender {
    const system = this.#system
    return {
      room: () => {
        const frames = this.#ring.freeFrames()
        return { frames, isAll: frames + this.#ring.borrowed + this.#ring.held === this.#ring.frames.count }
      },
      trigger: () => {
        this.#counts.calls++
        return system.trigger()
      },
      send: (memory, offset, length) => {
        this.#counts.calls++
        return system.send(memory, offset, length)
      },
    }
  }

  #check(operation: string, result: number): number {
    if (result < 0) throw systemError(operation, -result)
    return result
  }
}

function checkOptions({ receive, batchSize = 1, holdLimit = 0 }: RingTransportOptions): void {
  const refuse = (what: string) => {
    throw new TransportError('ARGUMENT', 'open ring', what)
  }
  if (!Number.isInteger(batchSize) || batchSize < 1) refuse(`a batch of ${batchSize} frames`)
  // At least one frame must be left, or nothing could ever arrive.
  if (!Number.isInteger(holdLimit) || holdLimit < 0 || holdLimit >= Math.max(1, receive.frameCount)) {
    refuse(`${holdLimit} of ${receive.frameCount} frames to be held`)
  }
}
