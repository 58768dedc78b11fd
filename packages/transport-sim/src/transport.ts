import { Errno } from '@ringlink/codec'
import {
  BaseTransport,
  type Capabilities,
  describeFrame,
  type FrameBatch,
  liveStats,
  OutboxBuffer,
  SlabPool,
  slabCapabilities,
  systemError,
  type TransportStats,
} from '@ringlink/transport'
import { copyBytes } from './copy.ts'
import type { TransportHost } from './host.ts'
import type { SimSocket } from './netlink/socket.ts'
import type { CheckedSimOptions } from './options.ts'

/** The largest chunk of a dump that the kernel makes, however large the frames are. */
const LARGEST_CHUNK = 32448

/** A socket of a simulated kernel. Released frames are overwritten, to expose code that still reads them. */
export class SimTransport extends BaseTransport {
  readonly capabilities: Capabilities
  readonly portId: number
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  #host: TransportHost
  #socket: SimSocket
  #pool: SlabPool
  #foreignSenders: boolean
  #waiting = false
  #wakeScheduled = false

  /** For {@link SimKernel.open}. */
  constructor(host: TransportHost, socket: SimSocket, options: CheckedSimOptions, poison: boolean) {
    super()
    const { frameSize, batchSize, liveBatches, outboxSize } = options
    this.#host = host
    this.#socket = socket
    this.#foreignSenders = options.foreignSenders
    this.loss.always = options.noOverrunErrors
    this.#pool = new SlabPool({ frameSize, batchSize, slabs: liveBatches, poison })
    this.portId = socket.portId
    this.outbox = new OutboxBuffer(outboxSize, (offset, length) => this.#transmit(offset, length))
    this.capabilities = slabCapabilities('sim', this.#pool, this.outbox.memory.byteLength)
    this.stats = liveStats(this.counts, this.#pool, this.outbox)
    socket.arrived = () => this.#arrived()
  }

  /** Whether the process has CAP_NET_ADMIN. It may drop it; bound queues stay bound. */
  get privileged(): boolean {
    return this.#socket.settings.privileged
  }

  set privileged(privileged: boolean) {
    this.#socket.settings.privileged = privileged
  }

  protected doReceive(): FrameBatch | undefined {
    const slab = this.#pool.next()
    this.counts.systemCalls++
    const { queue } = this.#socket
    if (queue.takeError() !== 0) {
      this.loss.noteOverrun()
      queue.relieve()
      return undefined
    }
    const kept = this.#fill(slab)
    if (kept > 0) return this.#pool.take(slab, kept, this.countBatch(kept))
    queue.relieve()
    if (queue.length === 0) this.loss.noteEmpty()
    return undefined
  }

  /** While this thread waits, only timers can cause messages, so time advances to the next one. */
  protected doReceiveBlocking(timeout: number): FrameBatch | undefined {
    const there = this.doReceive()
    if (there !== undefined || this.loss.hasNews) return there
    this.counts.wakeups++
    const { clock } = this.#host
    const end = timeout < 0 ? Number.POSITIVE_INFINITY : clock.now + timeout
    while (clock.nextDue !== undefined && clock.nextDue <= end) {
      clock.runNext()
      const batch = this.doReceive()
      if (batch !== undefined || this.loss.hasNews) return batch
    }
    if (timeout > 0 && end < Number.POSITIVE_INFINITY) clock.advance(end - clock.now)
    return undefined
  }

  protected override doReadDrops(): number {
    return this.#socket.queue.drops
  }

  protected override now(): number {
    return this.#host.clock.now
  }

  protected doWait(): void {
    this.counts.wakeups++
    this.#waiting = true
    // Messages that are ready wait for the event loop, as with a real socket.
    if (this.#socket.queue.length > 0 || this.#socket.queue.error !== 0) nextTurn(() => this.#wakeUp())
  }

  protected doStopWaiting(): void {
    this.#waiting = false
  }

  protected doJoinGroup(group: number): void {
    this.#check('join group', this.#host.join(this.#socket, group))
  }

  protected doLeaveGroup(group: number): void {
    this.#check('leave group', this.#host.leave(this.#socket, group))
  }

  protected doReadProcNet(name: string): string {
    const text = this.#host.readProcNet(name)
    if (text === undefined) throw systemError(`read /proc/net/${name}`, Errno.ENOENT)
    return text
  }

  protected doClose(): void {
    this.#waiting = false
    this.outbox.close()
    this.#pool.close()
    this.#host.closed(this.#socket)
  }

  #transmit(offset: number, length: number): number {
    this.counts.systemCalls++
    this.#host.send(this.#socket, this.outbox.memory, offset, length)
    return length
  }

  /** Takes messages until the slab is full or the queue empty. Returns the number of filled frames. */
  #fill(slab: number): number {
    const { memory, words, stride, sizes } = this.#pool
    const socket = this.#socket
    const { queue } = socket
    const first = slab * sizes.batchSize
    let kept = 0
    while (kept < sizes.batchSize && queue.length > 0) {
      const length = queue.headLength
      const portId = queue.headPortId
      if (portId !== 0 && !this.#foreignSenders) {
        this.counts.foreign++
      } else {
        const frame = first + kept
        const copied = Math.min(length, stride)
        copyBytes(queue.memory, queue.headOffset, memory, frame * stride, copied)
        describeFrame(words, frame, copied, length, portId, queue.headGroups)
        this.countFrame(copied, length)
        kept++
      }
      socket.largestReceive = Math.max(socket.largestReceive, Math.min(stride, LARGEST_CHUNK))
      queue.shift()
      socket.received()
    }
    return kept
  }

  #arrived(): void {
    if (!this.#waiting || this.#wakeScheduled) return
    this.#wakeScheduled = true
    queueMicrotask(() => {
      this.#wakeScheduled = false
      this.#wakeUp('same')
    })
  }

  #wakeUp(turn: 'new' | 'same' = 'new'): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.wake(turn)
  }

  #check(operation: string, result: number): void {
    if (result < 0) throw systemError(operation, -result)
  }
}

/** Runs `action` after a turn of the event loop, on any platform. */
const nextTurn: (action: () => void) => void =
  typeof setImmediate === 'function' ? (action) => setImmediate(action) : (action) => setTimeout(action, 0)
