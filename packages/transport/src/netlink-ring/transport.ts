import { Errno } from '@ringlink/codec/errors'
import { Memory } from '@ringlink/codec/memory'
import { BaseTransport } from '../base.ts'
import { systemError, TransportError } from '../errors.ts'
import { FRAME_WORDS, FrameWord } from '../frames/descriptor.ts'
import { liveStats } from '../stats.ts'
import type { Capabilities, FrameBatch, TransportStats } from '../transport.ts'
import { NetlinkRingFrames } from './frames.ts'
import { RingFrames, type RingGeometry, RingOption, ringSize, writeRingRequest } from './layout.ts'
import { RingOutbox, type RingSender } from './outbox.ts'
import { NoFrame, ReceiveRing } from './receive.ts'
import { type OpenRingSystem, PollEvent, type RingSystem } from './system.ts'
import { TransmitRing } from './transmit.ts'

export interface RingTransportOptions {
  /** {@link Capabilities.kind} */
  readonly kind: string
  readonly receive: RingGeometry
  /** without it the outbox is sent as on a plain socket */
  readonly transmit?: RingGeometry | undefined
  /** maximum frames in one batch; default a quarter of the ring, at most 256 */
  readonly batchSize?: number | undefined
  /**
   * Maximum number of frames held in the ring at one time, fewer than it has. Further ones are copied out, so that the
   * kernel always has frames to fill, apart from those of live batches. Default 0: SKIP is safe only if the kernel
   * steps over it (4.3 and newer) and nothing arrives through the receive queue, as on a socket of nfnetlink_queue
   * whose copy range fits the frames. Otherwise the kernel drops messages, and dumps stop, when it reaches a held
   * frame. Once a group is joined, all are copied out, because messages to groups come through the receive queue.
   */
  readonly holdLimit?: number | undefined
  readonly outboxSize?: number | undefined
  readonly portId?: number | undefined
  readonly groups?: readonly number[] | undefined
  /** also deliver frames of senders other than the kernel */
  readonly foreignSenders?: boolean | undefined
  /** `min_dump_alloc` values of the protocol's dumps that are larger than a page */
  readonly dumpAllocations?: readonly number[] | undefined
  /** overwrite released frames */
  readonly poison?: boolean | undefined
}

/** The values of an error's `operation` when opening fails because the kernel has no rings. */
export const RingStep = {
  SetReceive: 'set receive ring',
  SetTransmit: 'set transmit ring',
  Map: 'map rings',
} as const

/** Milliseconds until we look again when poll reports something and there is nothing to take. */
const RETRY_DELAY = 1
/**
 * Wake-ups without a frame after which we look beyond the cursor and stop polling. One is common: an error was
 * reported.
 */
const WAKEUPS_IN_VAIN = 2
const OUTBOX_SIZE = 65536
const BATCH_SIZE = 256

/**
 * A transport over the memory-mapped rings of netlink (Linux 3.10 to 4.5). All TypeScript except for the system calls,
 * which it takes as an argument; the simulator passes others.
 */
export class RingTransport extends BaseTransport {
  readonly capabilities: Capabilities
  readonly portId: number
  readonly outbox: RingOutbox
  readonly stats: TransportStats
  readonly #system: RingSystem
  readonly #ring: ReceiveRing
  readonly #frames: NetlinkRingFrames
  readonly #foreignSenders: boolean
  #waiting = false
  #nudging = false
  // The handle of a check in the next turn of the event loop, for frames that are ready already.
  #look: NodeJS.Immediate | undefined
  #closed = false
  // This check was caused by a wake-up; the number of wake-ups since the last one with a frame.
  #woken = false
  #inVain = 0

  /** Sets the rings, maps them and binds. Throws `TransportError`, code `SYSTEM`, and then leaves nothing open. */
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
    const batchSize = options.batchSize ?? Math.min(BATCH_SIZE, Math.max(1, receive.frameCount >> 2))
    this.#frames = new NetlinkRingFrames(this.#ring, { batchSize, holdLimit }, () => this.#released())
    const outboxSize = options.outboxSize ?? OUTBOX_SIZE
    const transmitRing =
      transmit === undefined ? undefined : new TransmitRing(new RingFrames(memory, transmit, ringSize(receive)))
    this.outbox = new RingOutbox(outboxSize, transmitRing, this.#sender())
    this.portId = this.#bind(options)
    this.capabilities = Object.freeze({
      kind: options.kind,
      ring: true,
      hold: holdLimit > 0 ? 'ring' : 'copy',
      holdLimit,
      ordered: false,
      frameSize: this.#ring.frames.capacity,
      frameCount: receive.frameCount,
      batchSize,
      outboxSize: this.outbox.memory.byteLength,
      exactLoss: this.#system.drops() >= 0,
      unnumberedLoss: true,
    })
    this.stats = liveStats(this.counts, this.#frames, this.outbox)
  }

  /**
   * The number of frames that the kernel can fill now. With more requests for an answer than this, answers would be
   * lost although the kernel reports success, so the outbox holds requests back.
   */
  freeFrames(): number {
    return this.#ring.freeFrames()
  }

  protected doReceive(): FrameBatch | undefined {
    const batch = this.#take()
    const woken = this.#woken
    this.#woken = false
    // Frames may have been returned without having been in a batch.
    this.#proceed()
    if (batch !== undefined || !woken || ++this.#inVain < WAKEUPS_IN_VAIN) return batch
    return this.#ring.resynchronise() ? this.#take() : this.#take(true)
  }

  protected doReceiveBlocking(timeout: number): FrameBatch | undefined {
    const there = this.doReceive()
    if (there !== undefined || this.loss.hasNews) return there
    const deadline = timeout < 0 ? Number.POSITIVE_INFINITY : this.#system.now() + timeout
    for (let left = timeout; ; left = deadline - this.#system.now()) {
      if (timeout >= 0 && left < 0) return undefined
      if (this.#inVain > WAKEUPS_IN_VAIN) this.#system.pause(RETRY_DELAY)
      this.counts.wakeups++
      const events = this.#poll(timeout < 0 ? -1 : left)
      this.#woken = (events & PollEvent.Readable) !== 0
      const batch = this.doReceive()
      if (batch !== undefined || this.loss.hasNews) return batch
      if (timeout >= 0 && this.#system.now() >= deadline) return undefined
    }
  }

  protected doWait(): void {
    this.counts.wakeups++
    try {
      this.#poll(0)
      this.#waiting = true
      if (this.#isDecided()) {
        this.#look = setImmediate(() => {
          this.#waiting = false
          this.wake()
        })
        return
      }
      const delay = this.#inVain >= WAKEUPS_IN_VAIN ? RETRY_DELAY : 0
      this.#check('wait', this.#system.wait(delay))
    } catch (error) {
      this.#waiting = false
      this.fail(error)
    }
  }

  protected doStopWaiting(): void {
    this.#waiting = false
    clearImmediate(this.#look)
    this.#system.stopWaiting()
  }

  protected doJoinGroup(group: number): void {
    this.#check('join group', this.#system.joinGroup(group))
    this.#frames.holdLimit = 0
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
    this.#frames.close()
    // In this order, because a mapping keeps the socket alive, with its port id, groups and queues.
    this.#system.unmap()
    this.#system.close()
  }

  protected override doReadDrops(): number {
    return this.#system.drops()
  }

  protected override now(): number {
    return this.#system.now()
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

  /** @param isBeyond what came after a frame that the kernel is still filling */
  #take(isBeyond = false): FrameBatch | undefined {
    // The only trace of a loss in the ring is that it is full; with SKIP not even that.
    if (this.#frames.wasFull() || this.loss.congested || this.#ring.held > 0) this.#checkError()
    let frame = this.#next(isBeyond)
    for (; frame >= 0; frame = this.#next(isBeyond)) {
      const word = frame * FRAME_WORDS
      const { words } = this.#ring
      if (words[word + FrameWord.PortId] !== 0 && !this.#foreignSenders) {
        this.counts.foreign++
        this.#ring.release(frame)
        continue
      }
      this.countFrame(words[word + FrameWord.Length] as number, words[word + FrameWord.FullLength] as number)
      this.#frames.add(frame)
      if (this.#frames.filled === this.capabilities.batchSize) break
    }
    if (this.#frames.filled > 0) {
      this.#inVain = 0
      return this.#frames.take(this.countBatch(this.#frames.filled))
    }
    if (frame === NoFrame.Ours) {
      const { frameCount } = this.capabilities
      throw new TransportError(
        'NO_FREE_FRAMES',
        'receive',
        `the next of ${frameCount} frames is in a live batch; release it`,
      )
    }
    return undefined
  }

  /** The ring's next frame. An error is ignored while there are frames to deliver: it comes again. */
  #next(isBeyond: boolean): number {
    try {
      return isBeyond ? this.#ring.takeBeyond() : this.#ring.take()
    } catch (error) {
      if (this.#frames.filled === 0) throw error
      return NoFrame.Empty
    }
  }

  #receiveCopy(offset: number, capacity: number, words: Uint32Array, index: number): boolean {
    for (;;) {
      this.counts.systemCalls++
      const result = this.#system.receive(offset, capacity, words, index)
      if (result >= 0) return true
      if (result === -Errno.EAGAIN) return false
      // The receive reported an overrun; the message is still to come.
      if (result !== -Errno.ENOBUFS) throw systemError('receive', -result)
      this.loss.noteOverrun()
    }
  }

  /** Polls, which also restarts a dump that stopped because it had no frames, and fetches the error if there is one. */
  #poll(timeout: number): number {
    this.#frames.park()
    const events = this.#check('poll', this.#system.poll(timeout))
    if ((events & PollEvent.Error) !== 0) {
      this.#checkError()
      this.#inVain = 0
    } else if (this.loss.congested) {
      if ((events & PollEvent.Readable) === 0) this.loss.noteEmpty()
      else this.loss.compare()
    }
    return events
  }

  #checkError(): void {
    const errno = this.#system.takeError()
    if (errno === Errno.ENOBUFS) this.loss.noteOverrun()
    else if (errno !== 0) throw systemError('receive', errno)
    else if (this.loss.congested) this.loss.compare()
  }

  #readable(status: number): void {
    if (this.#closed) return
    this.#waiting = false
    this.#woken = true
    if (status < 0) this.fail(systemError('wait', -status))
    else this.wake()
  }

  /**
   * Whether there is something to take, or nothing can come. Poll is not reliable for either: a kernel before 4.3 looks
   * only at the frame before its head, and once that is released reports nothing until the next message, for which a
   * full ring has no room; frames in use never make it return.
   */
  #isDecided(): boolean {
    const next = this.#ring.next()
    return next >= 0 || next === NoFrame.Ours
  }

  /**
   * Called when frames return to the kernel during a wait: a dump that stopped because there was no room continues only
   * when poll is called, and nothing else would call it. The returned frames may also invalidate what the wait relies
   * on, see {@link #isDecided}.
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
        if (!this.loss.hasNews && !this.#isDecided()) return
        this.doStopWaiting()
        this.wake('same')
      } catch (error) {
        this.fail(error)
      }
    })
  }

  /** Sends commits that the outbox held back. The receiver gets the error if that fails. */
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
        this.counts.systemCalls++
        return system.trigger()
      },
      send: (memory, offset, length) => {
        this.counts.systemCalls++
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
  if (!Number.isInteger(batchSize) || batchSize < 1)
    refuse(`batchSize must be an integer of at least 1, got ${String(batchSize)}`)
  // At least one frame must stay free, or nothing could ever arrive.
  if (!Number.isInteger(holdLimit) || holdLimit < 0 || holdLimit >= Math.max(1, receive.frameCount)) {
    refuse(`holdLimit must be an integer from 0 to ${receive.frameCount - 1}, got ${String(holdLimit)}`)
  }
}
