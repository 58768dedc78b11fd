/** The consumers of a scenario: queues, logs and dumps of the client, which read only when the scenario says so. */
import {
  DumpInterruptedError,
  type HeldPacket,
  type Log,
  type LogRecord,
  openLog,
  openQueue,
  type Queue,
  type QueuePacket,
  type Request,
  type ServeOptions,
  Session,
} from '@ringlink/client'
import type { Memory, Message } from '@ringlink/codec'
import type { OpenTransport } from '@ringlink/transport'
import { planRing } from '@ringlink/transport/netlink-ring'
import { DATABASE_PROTOCOL, DatabaseMessage, type SimKernel, type SimRingOptions } from '@ringlink/transport-sim'
import { DEFAULT_COPY_RANGE, type OpenLogStep, type OpenQueueStep, type VerdictPolicy } from './scenario.ts'

/** The rings that consumers have, except for their sizes, which follow from the scenario. */
export type ScenarioRing = Omit<SimRingOptions, 'receive'>

/** How many messages a transport takes at once: `frames` in a ring, `batch` in a receive. */
interface TransportSizes {
  readonly frames: number
  readonly batch: number
}

/** Opens the transport of a consumer: a plain socket, or a ring. */
export type OpenConsumer = (sizes: TransportSizes) => OpenTransport

/** Called with every message that a consumer receives. */
export type MessageListener = (memory: Memory, offset: number, length: number) => void

const PAGE_SIZE = 4096
/**
 * Bytes that the kernel charges to a receive buffer for a small packet: a ring that replaces the buffer has a frame for
 * each.
 */
const CHARGE = 832
/** Bytes of a receive buffer that no scenario fills. */
const UNLIMITED = 1 << 28
const DEFAULT_QUEUE_LENGTH = 1024
const QUEUE_BATCH = 64
const LOG_SIZES = { frames: 64, batch: 4 }
const DUMP_FRAME = 32768
// One datagram per receive: the kernel continues a dump with each, so no datagram may come that no step asked for.
const DUMP_SIZES = { frames: 16, batch: 1 }
/** Serving takes no wait of 0 ms, and a longer one would let virtual time pass. */
const NO_WAIT = Number.MIN_VALUE

export function openConsumer(kernel: SimKernel, ring: ScenarioRing | undefined): OpenConsumer {
  return ({ frames, batch }) =>
    (needs) => {
      const options = { ...needs, batchSize: batch }
      if (ring === undefined) return kernel.open({ ...options, liveBatches: 1 })
      const receive = planRing({ capacity: needs.frameSize ?? PAGE_SIZE, frameCount: frames, pageSize: PAGE_SIZE })
      return kernel.open({ ...options, ring: { ...ring, receive } })
    }
}

/** The operations of a scenario's steps on a consumer. */
export interface Consumer {
  running: boolean
  /** packets that it has taken; rows of a dump do not count */
  readonly received: number
  /** times that its receive buffer overran */
  readonly overruns: number
  /** Receives and answers up to `packets` packets of those that have been delivered. */
  drain(packets: number): void
  close(): Promise<void>
}

/** Gives the packets of a queue their verdicts. */
export class QueueConsumer implements Consumer {
  running = true
  received = 0
  overruns = 0
  readonly #queue: Queue
  readonly #policy: VerdictPolicy
  readonly #seen: MessageListener
  /** packets of a batch beyond those that the step requested */
  readonly #backlog: HeldPacket[] = []

  private constructor(queue: Queue, policy: VerdictPolicy, seen: MessageListener) {
    this.#queue = queue
    this.#policy = policy
    this.#seen = seen
    queue.events.on('overrun', () => {
      this.overruns++
    })
  }

  static async open(open: OpenConsumer, step: OpenQueueStep, seen: MessageListener): Promise<QueueConsumer> {
    const { number, maxLength = DEFAULT_QUEUE_LENGTH, receiveBufferSize = UNLIMITED, failOpen } = step
    // The frames of packets that were answered are not free while others of their batch are still needed.
    const frames = Math.max(QUEUE_BATCH, Math.min(maxLength + QUEUE_BATCH, Math.floor(receiveBufferSize / CHARGE)))
    const queue = await openQueue({
      number,
      maxLength,
      receiveBufferSize,
      failOpen,
      copyRange: step.copyRange ?? DEFAULT_COPY_RANGE,
      transport: open({ frames, batch: QUEUE_BATCH }),
    })
    return new QueueConsumer(queue, step.verdict, seen)
  }

  drain(packets: number): void {
    const end = this.received + packets
    for (const held of this.#backlog.splice(0, packets)) this.#answer(held)
    serveDelivered(
      (handle, options) => this.#queue.serve(handle, options),
      (batch: Iterable<QueuePacket>) => {
        for (const packet of batch) {
          this.#seen(packet.memory, packet.offset, packet.length)
          if (this.received < end) this.#answer(packet)
          else this.#backlog.push(packet.hold())
        }
      },
      () => this.received < end,
    )
  }

  async close(): Promise<void> {
    this.running = false
    await this.#queue.close()
  }

  #answer(packet: QueuePacket): void {
    this.received++
    const drops = this.#policy === 'drop' || (this.#policy === 'alternate' && packet.id % 2 === 0)
    if (drops) packet.drop()
    else packet.accept()
  }
}

/** Counts the packets of a log group. */
export class LogConsumer implements Consumer {
  running = true
  received = 0
  overruns = 0
  readonly #log: Log
  readonly #seen: MessageListener
  /** packets of a datagram beyond those that the step requested */
  #backlog = 0

  private constructor(log: Log, seen: MessageListener) {
    this.#log = log
    this.#seen = seen
    log.events.on('overrun', () => {
      this.overruns++
    })
  }

  static async open(open: OpenConsumer, step: OpenLogStep, seen: MessageListener): Promise<LogConsumer> {
    const log = await openLog({
      group: step.group,
      copyRange: step.copyRange ?? DEFAULT_COPY_RANGE,
      threshold: step.threshold ?? 1,
      timeout: step.timeout,
      bufferSize: step.bufferSize,
      receiveBufferSize: step.receiveBufferSize ?? UNLIMITED,
      readInterval: 0,
      transport: open(LOG_SIZES),
    })
    return new LogConsumer(log, seen)
  }

  drain(packets: number): void {
    const end = this.received + packets
    this.#take(end, this.#backlog)
    serveDelivered(
      (handle, options) => this.#log.serve(handle, options),
      (batch: Iterable<LogRecord>) => {
        let count = 0
        for (const { memory, offset, length } of batch) {
          this.#seen(memory, offset, length)
          count++
        }
        this.#take(end, this.#backlog + count)
      },
      () => this.received < end,
    )
  }

  async close(): Promise<void> {
    this.running = false
    await this.#log.close()
  }

  /** Takes packets of `waiting` until `end` have been received; the others stay in the backlog. */
  #take(end: number, waiting: number): void {
    const taken = Math.min(end - this.received, waiting)
    this.received += taken
    this.#backlog = waiting - taken
  }
}

/** Reads dumps of the kernel's table. */
export class DumpReader implements Consumer {
  running = true
  readonly received = 0
  readonly overruns = 0
  /** rows of the latest dump */
  rows = 0
  interrupted = false
  readonly #session: Session
  readonly #seen: MessageListener
  #dump: AsyncGenerator<Message, void, undefined> | undefined

  private constructor(session: Session, seen: MessageListener) {
    this.#session = session
    this.#seen = seen
  }

  static async open(open: OpenConsumer, seen: MessageListener): Promise<DumpReader> {
    const transport = await open(DUMP_SIZES)({ protocol: DATABASE_PROTOCOL, frameSize: DUMP_FRAME })
    return new DumpReader(new Session(transport, { protocol: DATABASE_PROTOCOL }), seen)
  }

  drain(): void {}

  /** Asks for a dump and reads its first row. */
  async start(): Promise<void> {
    await this.#dump?.return()
    this.rows = 0
    this.interrupted = false
    this.#dump = this.#session.rows(DUMP_REQUEST)
    await this.read(1)
  }

  /** Reads up to `rows` further rows of the dump. */
  async read(rows: number): Promise<void> {
    try {
      for (let count = 0; count < rows; count++) {
        const row = await this.#dump?.next()
        if (row === undefined || row.done === true) return
        this.#note(row.value)
      }
    } catch (error) {
      if (!(error instanceof DumpInterruptedError)) throw error
      this.interrupted = true
      for (const row of error.rows) this.#note(row)
    }
  }

  async close(): Promise<void> {
    this.running = false
    await this.#session.close()
  }

  #note({ view }: Message): void {
    this.rows++
    this.#seen(view.memory, view.offset, view.length)
  }
}

const DUMP_REQUEST: Request = { what: 'dump the table', type: DatabaseMessage.Get }

/** Serves batches that have already been delivered, while `wants` returns true. */
function serveDelivered<Batch>(
  serve: (handle: (batch: Batch) => void, options: ServeOptions) => void,
  handle: (batch: Batch) => void,
  wants: () => boolean,
): void {
  const end = new AbortController()
  // A receive that brings only a report of losses is empty, too. After two in a row there is nothing left.
  let empty = 0
  const onTurn = () => {
    if (empty++ === 2) end.abort()
  }
  if (!wants()) return
  serve(
    (batch) => {
      empty = 0
      handle(batch)
      if (!wants()) end.abort()
    },
    { signal: end.signal, pollInterval: NO_WAIT, onTurn },
  )
}
