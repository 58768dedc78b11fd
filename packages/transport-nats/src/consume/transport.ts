import {
  BaseTransport,
  type Capabilities,
  createEmitter,
  describeFrame,
  type Emitter,
  type FrameBatch,
  liveStats,
  OutboxBuffer,
  slabCapabilities,
  type Transport,
  TransportError,
  type TransportStats,
} from '@ringlink/transport'
import { swapNetfilterFrame } from '../byte-order.ts'
import { HOST_BYTE_ORDER } from '../envelope.ts'
import type { NatsError } from '../errors.ts'
import type { JetStreamServer } from '../server.ts'
import { Deliveries } from './deliveries.ts'
import type { Delivery } from './delivery.ts'
import { NatsFrames } from './frames.ts'
import { type HostStats, Hosts } from './hosts.ts'
import type { CheckedNatsOptions } from './options.ts'

/** The counters of the messages of a NATS transport. */
export interface DeliveryStats {
  /** NATS messages that came, and how many of them the server had delivered before, to anybody */
  readonly received: number
  readonly redelivered: number
  /** messages that came again to this program, and were not given out again */
  readonly duplicates: number
  /** messages that could not be read: not of ringlink, damaged, of another version */
  readonly unreadable: number
  /** messages whose acknowledgement the server has confirmed */
  readonly acknowledged: number
  /** frames that came and were not given out yet */
  readonly buffered: number
}

/** Events of a NATS transport besides those of every transport. */
export type NatsEvents = {
  /** a message could not be read; it is counted, and this program does not see it again */
  unreadable: (error: NatsError) => void
}

/** A transport that receives what `publish` has published. */
export interface NatsTransport extends Transport {
  readonly deliveries: DeliveryStats
  /** what came from each run of a publisher, by its id */
  readonly hosts: ReadonlyMap<string, HostStats>
  readonly natsEvents: Emitter<NatsEvents>
  /**
   * resolves after `close()` when the server has confirmed what was acknowledged and got back what was not, or does not
   * answer
   */
  readonly closed: Promise<void>
}

/** Milliseconds that closing waits for the server. */
const CLOSE_TIMEOUT = 2000
/** An outbox that refuses everything still has a size. */
const OUTBOX_SIZE = 4096

/** How a consumer ends with its program: called when the transport closes. */
export type EndConsumer = () => Promise<void>

export class ReceivingTransport extends BaseTransport implements NatsTransport {
  readonly capabilities: Capabilities
  readonly portId = 1
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  readonly deliveries: DeliveryStats
  readonly natsEvents: Emitter<NatsEvents> = createEmitter()
  readonly closed: Promise<void>
  readonly #pool: NatsFrames
  readonly #server: JetStreamServer
  readonly #deliveries: Deliveries
  readonly #hosts = new Hosts()
  readonly #protocol: number
  readonly #end: EndConsumer
  // Joined multicast groups, as a mask of the first 32.
  #groups = 0
  #resolveClosed: () => void = () => {}
  #failure: NatsError | undefined
  #immediate: NodeJS.Immediate | undefined
  #isWaiting = false

  constructor(server: JetStreamServer, consumer: string, options: CheckedNatsOptions, end: EndConsumer) {
    super()
    const { frameSize, batchSize, liveBatches: slabs, poison, stream } = options
    this.#server = server
    this.#protocol = options.protocol
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#end = end
    this.#pool = new NatsFrames({ frameSize, batchSize, slabs, poison }, (delivery) =>
      this.#deliveries.release(delivery),
    )
    this.outbox = new OutboxBuffer(OUTBOX_SIZE, () => {
      throw new TransportError(
        'UNSUPPORTED',
        'flush',
        'frames come from a stream: there is no kernel to send to; send requests on the host, by another transport',
      )
    })
    this.capabilities = Object.freeze({
      ...slabCapabilities('nats', this.#pool, OUTBOX_SIZE),
      ...{ recorded: true, receiveOnly: true },
    })
    this.stats = liveStats(this.counts, this.#pool, this.outbox)
    const deliveries = new Deliveries(server, { stream, consumer }, options, {
      arrived: () => this.#wakeSoon(),
      unreadable: (error) => this.natsEvents.emit('unreadable', error),
      failed: (error) => {
        this.#failure = error
        this.#wakeSoon()
      },
    })
    this.#deliveries = deliveries
    this.deliveries = statsOf(deliveries)
  }

  get hosts(): ReadonlyMap<string, HostStats> {
    return this.#hosts.all
  }

  protected doReceive(): FrameBatch | undefined {
    const slab = this.#pool.next()
    for (;;) {
      const delivery = this.#deliveries.next()
      if (delivery === undefined) {
        if (this.#failure !== undefined) throw this.#failure
        return undefined
      }
      if (delivery.origin === undefined) this.#begin(delivery)
      const length = this.#fill(slab, delivery)
      if (length === 0) {
        this.#deliveries.shift()
        continue
      }
      const batch = this.#pool.takeOf(delivery, slab, length, this.countBatch(length))
      if (length < this.#pool.sizes.batchSize) this.#deliveries.shift()
      return batch
    }
  }

  /** Blocking keeps messages from arriving, so this waits and looks once. */
  protected doReceiveBlocking(timeout: number): FrameBatch | undefined {
    const batch = this.doReceive()
    if (batch !== undefined || this.loss.hasNews) return batch
    if (timeout < 0) {
      throw new TransportError('UNSUPPORTED', 'poll', 'messages of a server come by the event loop: use receive()')
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, timeout)
    return undefined
  }

  protected doWait(): void {
    this.counts.wakeups++
    this.#isWaiting = true
    if (this.#failure !== undefined || this.#deliveries.next() !== undefined) this.#wakeSoon()
  }

  protected doStopWaiting(): void {
    this.#isWaiting = false
    if (this.#immediate !== undefined) clearImmediate(this.#immediate)
    this.#immediate = undefined
  }

  protected doJoinGroup(group: number): void {
    if (group <= 32) this.#groups |= 1 << (group - 1)
  }

  protected doLeaveGroup(group: number): void {
    if (group <= 32) this.#groups &= ~(1 << (group - 1))
  }

  protected doReadProcNet(name: string): string {
    throw new TransportError('UNSUPPORTED', 'read /proc/net', `${name} of the hosts does not go through the stream`)
  }

  protected doClose(): void {
    this.doStopWaiting()
    this.outbox.close()
    this.#deliveries.close()
    this.#pool.close()
    void this.#closeServer().then(this.#resolveClosed, this.#resolveClosed)
  }

  async #closeServer(): Promise<void> {
    const { connection } = this.#server
    if (!connection.isClosed()) {
      await this.#deliveries.finish(CLOSE_TIMEOUT)
      await this.#end().catch(() => {})
    }
    await connection.close()
  }

  /** The first frames of a message are given out: what was lost before them is known. */
  #begin(delivery: Delivery): void {
    const { envelope } = delivery
    delivery.origin = this.#hosts.note(envelope)
    const lost = envelope.lost + envelope.droppedFrames
    if (lost > 0) this.loss.note(lost)
  }

  /** Copies frames of a message into a slab. Returns how many. */
  #fill(slab: number, { reader, body, envelope }: Delivery): number {
    const { memory, words, stride, sizes } = this.#pool
    if (reader === undefined) return 0
    const isForeign = envelope.protocol !== this.#protocol
    let length = 0
    while (length < sizes.batchSize && reader.next()) {
      const { offset, fullLength, groups } = reader
      if (isForeign) this.counts.foreign++
      if (isForeign || (groups !== 0 && (groups & this.#groups) === 0)) continue
      const byteLength = Math.min(reader.byteLength, stride)
      const frame = slab * sizes.batchSize + length++
      memory.u8.set(body.subarray(offset, offset + byteLength), frame * stride)
      if (envelope.byteOrder !== HOST_BYTE_ORDER) {
        swapNetfilterFrame(memory.u8, frame * stride, byteLength, HOST_BYTE_ORDER === 'little')
      }
      describeFrame(words, frame, byteLength, fullLength, 0, groups)
      this.countFrame(byteLength, fullLength)
    }
    return length
  }

  #wakeSoon(): void {
    if (!this.#isWaiting || this.#immediate !== undefined) return
    this.#immediate = setImmediate(() => {
      this.doStopWaiting()
      this.wake()
    })
  }
}

function statsOf(deliveries: Deliveries): DeliveryStats {
  return {
    get received() {
      return deliveries.received
    },
    get redelivered() {
      return deliveries.redelivered
    },
    get duplicates() {
      return deliveries.duplicates
    },
    get unreadable() {
      return deliveries.unreadable
    },
    get acknowledged() {
      return deliveries.acknowledgements.confirmed
    },
    get buffered() {
      return deliveries.buffered
    },
  }
}
