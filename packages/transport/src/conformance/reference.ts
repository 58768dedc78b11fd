import { BaseTransport } from '../base.ts'
import { TransportError } from '../errors.ts'
import { FRAME_WORDS, SlabPool, type SlabSizes } from '../frames/slab.ts'
import { OutboxBuffer, type Transmit } from '../outbox.ts'
import type { Capabilities, FrameBatch, TransportStats } from '../transport.ts'

/** A message of the reference transport's kernel. */
export interface ReferenceMessage {
  readonly bytes: Uint8Array
  readonly portId: number
  readonly groups: number
}

/** How the reference transport is opened. */
export interface ReferenceOptions {
  readonly sizes?: SlabSizes
  readonly outboxSize?: number
  readonly foreignSenders?: boolean
}

const SIZES: SlabSizes = { frameSize: 256, batchSize: 4, slabs: 3, poison: true }

/** The smallest transport there is, whose kernel is an array: what the suite itself is tested with, and a pattern for others. */
export class ReferenceTransport extends BaseTransport {
  readonly capabilities: Capabilities
  readonly portId = 1
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  readonly pool: SlabPool
  readonly groups: Set<number> = new Set()
  /** what the kernel has for this transport */
  readonly queue: ReferenceMessage[] = []
  /** messages that the kernel dropped and that the transport does not know of yet */
  dropped = 0
  protected unreported = 0
  protected readonly counts = {
    frames: 0,
    bytes: 0,
    batches: 0,
    wakeups: 0,
    systemCalls: 0,
    lost: 0,
    truncated: 0,
    foreign: 0,
  }
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
    const { batchSize, slabs } = pool.sizes
    this.pool = pool
    this.outbox = outbox
    this.#foreignSenders = options.foreignSenders ?? false
    this.capabilities = Object.freeze({
      ...({ kind: 'reference', ring: false, hold: 'copy', ordered: true, exactLoss: true } as const),
      ...{ frameSize: pool.stride, frameCount: batchSize * slabs, batchSize, outboxSize: outbox.memory.byteLength },
    })
    this.stats = live(() => {
      const { sent, sentBytes } = outbox
      return { ...counts, held: pool.held, copied: pool.copied, sent, sentBytes }
    })
  }

  /** For the kernel: there is something to receive. */
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
    if (length === 0) return undefined
    const lost = this.unreported
    this.unreported = 0
    this.counts.batches++
    return this.pool.take(slab, length, lost)
  }

  protected doReceiveBlocking(): FrameBatch | undefined {
    return this.doReceive()
  }

  protected doWait(): void {
    if (!this.#waiting) this.counts.wakeups++
    this.#waiting = true
    if (this.queue.length > 0 || this.dropped > 0) this.notify()
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

  protected countLoss(): void {
    const lost = this.dropped
    if (lost === 0) return
    this.dropped = 0
    this.unreported += lost
    this.counts.lost += lost
    this.events.emit('overrun', lost)
  }

  #fill(frame: number, { bytes, portId, groups }: ReferenceMessage): void {
    const length = Math.min(bytes.length, this.pool.stride)
    this.pool.memory.u8.set(bytes.subarray(0, length), frame * this.pool.stride)
    this.pool.words.set([length, bytes.length, portId, groups], frame * FRAME_WORDS)
    this.counts.frames++
    this.counts.bytes += length
    if (bytes.length > length) this.counts.truncated++
  }
}

/** An object whose every property reads what `read` gives at that moment. */
function live<Values extends object>(read: () => Values): Values {
  const names = Object.keys(read()) as (keyof Values)[]
  const getters = names.map((name) => [name, { get: () => read()[name], enumerable: true }] as const)
  return Object.defineProperties({}, Object.fromEntries(getters)) as Values
}
