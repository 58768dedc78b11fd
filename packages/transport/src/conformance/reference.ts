import { BaseTransport } from '../base.ts'
import { TransportError } from '../errors.ts'
import { describeFrame } from '../frames/descriptor.ts'
import { SlabPool, type SlabSizes, slabCapabilities } from '../frames/slab.ts'
import { OutboxBuffer, type Transmit } from '../outbox.ts'
import { liveStats } from '../stats.ts'
import type { Capabilities, FrameBatch, TransportStats } from '../transport.ts'

/** A message of the kernel of the reference transport. */
export interface ReferenceMessage {
  readonly bytes: Uint8Array
  readonly portId: number
  readonly groups: number
}

/** Options of the reference transport. */
export interface ReferenceOptions {
  readonly sizes?: SlabSizes
  readonly outboxSize?: number
  readonly foreignSenders?: boolean
}

const SIZES: SlabSizes = { frameSize: 256, batchSize: 4, slabs: 3, poison: true }

/** The smallest possible transport, whose kernel is an array: it tests the suite itself, and is a model for others. */
export class ReferenceTransport extends BaseTransport {
  readonly capabilities: Capabilities
  readonly portId = 1
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  readonly pool: SlabPool
  readonly groups: Set<number> = new Set()
  /** messages that the kernel has queued for this transport */
  readonly queue: ReferenceMessage[] = []
  /** messages that the kernel dropped */
  dropped = 0
  #foreignSenders: boolean
  #waiting = false

  constructor(options: ReferenceOptions, transmit: (memory: Uint8Array) => number) {
    super()
    const { counts } = this
    const pool = new SlabPool(options.sizes ?? SIZES)
    const send: Transmit = (offset, length) => {
      counts.systemCalls++
      return transmit(outbox.memory.copy(offset, length))
    }
    const outbox = new OutboxBuffer(options.outboxSize ?? 1024, send)
    this.pool = pool
    this.outbox = outbox
    this.#foreignSenders = options.foreignSenders ?? false
    this.capabilities = slabCapabilities('reference', pool, outbox.memory.byteLength)
    this.stats = liveStats(counts, pool, outbox)
  }

  /** Called by the kernel: there is something to receive. */
  notify(): void {
    setImmediate(() => {
      if (this.#waiting) this.wake()
    })
  }

  protected doReceive(): FrameBatch | undefined {
    const slab = this.pool.next()
    this.countLoss()
    let length = 0
    for (
      let message = this.queue[0];
      message !== undefined && length < this.pool.sizes.batchSize;
      message = this.queue[0]
    ) {
      this.queue.shift()
      if (message.portId !== 0 && !this.#foreignSenders) this.counts.foreign++
      else this.#fill(slab * this.pool.sizes.batchSize + length++, message)
    }
    return length === 0 ? undefined : this.pool.take(slab, length, this.countBatch(length))
  }

  protected doReceiveBlocking(): FrameBatch | undefined {
    return this.doReceive()
  }

  protected doWait(): void {
    if (!this.#waiting) this.counts.wakeups++
    this.#waiting = true
    if (this.queue.length > 0 || this.dropped > this.stats.lost) this.notify()
  }

  protected doStopWaiting(): void {
    this.#waiting = false
  }

  protected doJoinGroup(group: number): void {
    this.groups.add(group)
  }

  protected doLeaveGroup(group: number): void {
    this.groups.delete(group)
  }

  protected doReadProcNet(name: string): string {
    throw new TransportError('UNSUPPORTED', `read /proc/net/${name}`, 'an array has no counters')
  }

  protected doClose(): void {
    this.#waiting = false
    this.outbox.close()
    this.pool.close()
  }

  protected override doReadDrops(): number {
    return this.dropped
  }

  protected countLoss(): void {
    this.loss.compare()
  }

  #fill(frame: number, { bytes, portId, groups }: ReferenceMessage): void {
    const length = Math.min(bytes.length, this.pool.stride)
    this.pool.memory.u8.set(bytes.subarray(0, length), frame * this.pool.stride)
    describeFrame(this.pool.words, frame, length, bytes.length, portId, groups)
    this.countFrame(length, bytes.length)
  }
}
