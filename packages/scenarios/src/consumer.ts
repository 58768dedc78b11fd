import {
  type AttributeSet,
  beginMessage,
  ControlType,
  CopyMode,
  DEFAULT_QUEUE_LENGTH,
  ErrorView,
  Family,
  finishMessage,
  GetFlag,
  LOG_TIMEOUT_UNIT,
  LogCommand,
  LogMessage,
  logConfigAttributes,
  type Memory,
  MessageFlag,
  MessageIterator,
  type MessageView,
  type NfnetlinkMessage,
  Protocol,
  QueueCommand,
  QueueFlag,
  QueueMessage,
  QueuePacketView,
  queueConfigAttributes,
  VERDICT_LENGTH,
  Verdict,
  VerdictTemplate,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { type FrameBatch, systemError, type Transport, TransportError } from '@ringlink/transport'
import { planRing } from '@ringlink/transport/netlink-ring'
import type { SimKernel, SimOptions, SimRingOptions } from '@ringlink/transport-sim'
import { DATABASE_PROTOCOL, DatabaseMessage } from '@ringlink/transport-sim'
import { DEFAULT_COPY_RANGE, type OpenLogStep, type OpenQueueStep, type VerdictPolicy } from './scenario.ts'

/** The rings that consumers have, but for their sizes, which follow from the scenario. */
export type ScenarioRing = Omit<SimRingOptions, 'receive'>

/** Opens the transport of a consumer: a plain socket, or a ring of that many frames. */
export type OpenConsumer = (options: SimOptions, ringFrames: number) => Transport

/** Told of every frame that a consumer receives. */
export type FrameListener = (memory: Memory, offset: number, length: number) => void

const PAGE_SIZE = 4096
/** What a small packet is charged for in a receive buffer: a ring that stands for one has a frame for each. */
const CHARGE = 832
const UNLIMITED = 1 << 28
/** Attributes around a packet stay below this. */
const ATTRIBUTES_LENGTH = 1024
const QUEUE_BATCH = 64
const LOG_FRAMES = 64
const DEFAULT_LOG_BUFFER = 4096
const DUMP_FRAME = 32768
const DUMP_FRAMES = 16
const REQUEST_SPACE = 256

export function openConsumer(kernel: SimKernel, ring: ScenarioRing | undefined): OpenConsumer {
  return (options, frameCount) => {
    if (ring === undefined) return kernel.open({ liveBatches: 1, ...options })
    const receive = planRing({ capacity: options.frameSize ?? PAGE_SIZE, frameCount, pageSize: PAGE_SIZE })
    return kernel.open({ ...options, ring: { ...ring, receive } })
  }
}

/** One who receives: reads frame by frame, so that it can stop within a batch and go on later. */
export class Consumer {
  readonly transport: Transport
  running = true
  /** packets, rows of the dump not counted */
  received = 0
  overruns = 0
  #batch: FrameBatch | undefined
  #next = 0
  #seen: FrameListener
  #iterator = new MessageIterator()

  constructor(transport: Transport, seen: FrameListener) {
    this.transport = transport
    this.#seen = seen
    transport.events.on('overrun', () => {
      this.overruns++
    })
  }

  /** Receives and answers up to so many packets; how many there were. */
  drain(_packets: number): number {
    return 0
  }

  close(): void {
    this.running = false
    void this.transport.close()
  }

  /** Reads the next frame, message by message; false when there is none. What `read` is given is re-aimed. */
  protected readFrame(read: (message: MessageView) => void, timeout = 0): boolean {
    this.#batch ??= this.transport.poll(timeout)
    const batch = this.#batch
    if (batch === undefined) return false
    const [offset, length] = [batch.offset(this.#next), batch.byteLength(this.#next)]
    this.#seen(batch.memory, offset, length)
    const iterator = this.#iterator.wrap(batch.memory, offset, length)
    while (iterator.next()) read(iterator.view)
    this.#next++
    if (this.#next === batch.length) {
      this.#next = 0
      this.#batch = undefined
      batch.release()
    }
    return true
  }

  /** Sends a netfilter request, and throws what the kernel says against it. */
  protected request<Set extends AttributeSet>(
    set: Set,
    message: Omit<NfnetlinkMessage<Set>, 'flags' | 'sequence'>,
  ): void {
    this.send((memory, offset, limit) =>
      writeNfnetlinkMessage(memory, offset, limit, set, {
        ...(message as NfnetlinkMessage<Set>),
        flags: MessageFlag.Request | MessageFlag.Acknowledge,
        sequence: 1,
      }),
    )
    let errno = 0
    this.readFrame((answer) => {
      if (answer.type === ControlType.Error) errno = new ErrorView().wrap(answer).errno
    })
    if (errno !== 0) throw systemError('configure', errno)
  }

  protected send(write: (memory: Memory, offset: number, limit: number) => number): void {
    const { outbox } = this.transport
    const offset = outbox.reserve(REQUEST_SPACE)
    outbox.commit(write(outbox.memory, offset, offset + REQUEST_SPACE))
    outbox.flush()
  }
}

/** Answers the packets of a queue. */
export class QueueConsumer extends Consumer {
  #policy: VerdictPolicy
  #template: VerdictTemplate
  #packet = new QueuePacketView()

  constructor(open: OpenConsumer, step: OpenQueueStep, seen: FrameListener) {
    const {
      number,
      maxLength = DEFAULT_QUEUE_LENGTH,
      receiveBufferSize = UNLIMITED,
      copyRange = DEFAULT_COPY_RANGE,
    } = step
    const frameSize = copyRange + ATTRIBUTES_LENGTH
    // Of a batch that was read in part, packets that were answered have their frames still.
    const frames = Math.max(QUEUE_BATCH, Math.min(maxLength + QUEUE_BATCH, Math.floor(receiveBufferSize / CHARGE)))
    const needs = { protocol: Protocol.Netfilter, frameSize, batchSize: QUEUE_BATCH, receiveBufferSize }
    super(open(needs, frames), seen)
    this.#policy = step.verdict
    this.#template = new VerdictTemplate(number, QueueMessage.Verdict)
    this.request(queueConfigAttributes, {
      type: QueueMessage.Config,
      resourceId: number,
      attributes: {
        command: { command: QueueCommand.Bind, family: Family.Unspecified },
        parameters: { copyRange, copyMode: CopyMode.Packet },
        maximumLength: maxLength,
        ...(step.failOpen === true ? { mask: QueueFlag.FailOpen, flags: QueueFlag.FailOpen } : {}),
      },
    })
  }

  override drain(packets: number): number {
    const { outbox } = this.transport
    const before = this.received
    while (this.received - before < packets && this.readFrame((message) => this.#answer(message))) {
      if (outbox.available < 2 * VERDICT_LENGTH) outbox.flush()
    }
    outbox.flush()
    return this.received - before
  }

  #answer(message: MessageView): void {
    if (message.type !== QueueMessage.Packet) return
    const { id } = this.#packet.wrap(message.memory, message.offset, message.length)
    const drops = this.#policy === 'drop' || (this.#policy === 'alternate' && id % 2 === 0)
    const { outbox } = this.transport
    this.#template.write(outbox.memory, outbox.reserve(VERDICT_LENGTH), id, drops ? Verdict.Drop : Verdict.Accept)
    outbox.commit(VERDICT_LENGTH)
    this.received++
  }
}

/** Counts the packets of a log group. */
export class LogConsumer extends Consumer {
  constructor(open: OpenConsumer, step: OpenLogStep, seen: FrameListener) {
    const { group, threshold, timeout, bufferSize, receiveBufferSize = UNLIMITED } = step
    const copyRange = step.copyRange ?? DEFAULT_COPY_RANGE
    // The kernel rounds its buffer up, to twice the size at the most.
    const frameSize = 2 * Math.max(bufferSize ?? DEFAULT_LOG_BUFFER, copyRange + ATTRIBUTES_LENGTH)
    super(open({ protocol: Protocol.Netfilter, frameSize, batchSize: 4, receiveBufferSize }, LOG_FRAMES), seen)
    this.request(logConfigAttributes, {
      type: LogMessage.Config,
      resourceId: group,
      attributes: {
        command: { command: LogCommand.Bind },
        mode: { copyRange, copyMode: CopyMode.Packet },
        threshold: threshold ?? 1,
        timeout: Math.ceil((timeout ?? 1000) / LOG_TIMEOUT_UNIT),
        ...(bufferSize === undefined ? {} : { bufferSize }),
      },
    })
  }

  override drain(packets: number): number {
    const before = this.received
    const count = (message: MessageView) => {
      if (message.type === LogMessage.Packet) this.received++
    }
    while (this.received - before < packets && this.readFrame(count));
    return this.received - before
  }
}

/** Reads dumps of the kernel's table. */
export class DumpReader extends Consumer {
  /** rows of the latest dump */
  rows = 0
  interrupted = false
  #ended = true

  constructor(open: OpenConsumer, seen: FrameListener) {
    // One datagram to the batch: each makes the kernel go on, so none may come that was not asked for.
    super(open({ protocol: DATABASE_PROTOCOL, frameSize: DUMP_FRAME, batchSize: 1 }, DUMP_FRAMES), seen)
  }

  start(): void {
    this.rows = 0
    this.interrupted = false
    this.#ended = false
    this.send((memory, offset, limit) => {
      const header = { type: DatabaseMessage.Get, flags: MessageFlag.Request | GetFlag.Dump, sequence: 1 }
      return finishMessage(memory, offset, beginMessage(memory, offset, limit, header))
    })
  }

  read(datagrams: number): void {
    for (let count = 0; count < datagrams && !this.#ended; count++) {
      // A ring's dump goes on when it is polled.
      if (!this.readFrame((message) => this.#note(message), 1)) {
        throw new TransportError('ARGUMENT', 'run scenario', 'the dump has stopped')
      }
    }
  }

  #note({ type, flags }: MessageView): void {
    if ((flags & MessageFlag.DumpInterrupted) !== 0) this.interrupted = true
    if (type === DatabaseMessage.New) this.rows++
    else if (type === ControlType.Done) this.#ended = true
  }
}
