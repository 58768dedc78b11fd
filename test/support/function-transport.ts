import { Errno } from '@ringlink/codec/errors'
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
  TransportError,
  type TransportStats,
} from '@ringlink/transport'

/** What a kernel does with what it is sent: the datagrams that it answers with, or a negative errno of the send. */
export type KernelFunction = (datagram: Uint8Array) => Uint8Array[] | number

/**
 * A transport whose kernel is one function: for tests of what lies above, with answers that no kernel gives on demand.
 */
export class FunctionTransport extends BaseTransport {
  readonly capabilities: Capabilities
  readonly portId = 4711
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  /** what was sent, datagram by datagram */
  readonly sent: Uint8Array[] = []
  /** replaced by tests */
  kernel: KernelFunction
  #pool: SlabPool
  #inbox: Uint8Array[] = []

  constructor(
    kernel: KernelFunction = () => [],
    sizes: { frameSize?: number; batchSize?: number; slabs?: number } = {},
  ) {
    super()
    const { frameSize = 2048, batchSize = 8, slabs = 4 } = sizes
    this.kernel = kernel
    this.#pool = new SlabPool({ frameSize, batchSize, slabs, poison: true })
    this.outbox = new OutboxBuffer(1 << 17, (offset, length) => this.#transmit(offset, length))
    this.capabilities = slabCapabilities('function', this.#pool, this.outbox.memory.byteLength)
    this.stats = liveStats(this.counts, this.#pool, this.outbox)
  }

  /** Makes datagrams arrive. */
  deliver(...datagrams: Uint8Array[]): void {
    this.#inbox.push(...datagrams)
    queueMicrotask(() => this.wake('same'))
  }

  protected doReceive(): FrameBatch | undefined {
    if (this.#inbox.length === 0) return undefined
    const slab = this.#pool.next()
    const { batchSize, frameSize } = this.#pool.sizes
    const datagrams = this.#inbox.splice(0, batchSize)
    for (const [index, datagram] of datagrams.entries()) {
      const frame = slab * batchSize + index
      const stored = datagram.subarray(0, frameSize)
      this.#pool.memory.u8.set(stored, frame * this.#pool.stride)
      describeFrame(this.#pool.words, frame, stored.length, datagram.length, 0, 0)
      this.countFrame(stored.length, datagram.length)
    }
    return this.#pool.take(slab, datagrams.length, this.countBatch(datagrams.length))
  }

  protected doReceiveBlocking(): FrameBatch | undefined {
    return this.doReceive()
  }

  protected doWait(): void {
    if (this.#inbox.length > 0) queueMicrotask(() => this.wake('same'))
  }

  protected doStopWaiting(): void {}

  protected doJoinGroup(): void {}

  protected doLeaveGroup(): void {}

  protected doReadProcNet(name: string): string {
    throw new TransportError('UNSUPPORTED', `read /proc/net/${name}`, 'a function has no files')
  }

  protected doClose(): void {
    this.outbox.close()
    this.#pool.close()
  }

  #transmit(offset: number, length: number): number {
    const datagram = this.outbox.memory.copy(offset, length)
    const answer = this.kernel(datagram)
    if (typeof answer === 'number') return answer
    this.sent.push(datagram)
    this.deliver(...answer)
    return length
  }
}

/** The error of a closed descriptor, for kernels that fail. */
export const badDescriptor: Error = systemError('receive', Errno.EBADF)
