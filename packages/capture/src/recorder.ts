import { Protocol } from '@ringlink/codec'
import type { Memory } from '@ringlink/codec/memory'
import { boolean, functionOf, integer, object, readOptions, type Schema, text } from '@ringlink/codec/options'
import type {
  Capabilities,
  Emitter,
  FrameBatch,
  Outbox,
  ReceiveOptions,
  Transport,
  TransportEvents,
  TransportStats,
} from '@ringlink/transport'
import type { Direction } from './pcapng/block.ts'
import { LinkType } from './pcapng/link-type.ts'
import { netlinkRecord } from './pcapng/record.ts'
import type { CaptureSink } from './pcapng/sink.ts'

export interface RecordOptions {
  /** netlink protocol of the transport; default `NETLINK_NETFILTER` */
  readonly protocol?: number | undefined
  /** also save sent messages, as outbound packets; default false */
  readonly sent?: boolean | undefined
  /** name of the interface in the capture; default the transport's kind */
  readonly name?: string | undefined
  /** bytes to which frames are truncated; default the maximum that Wireshark can read */
  readonly snapshotLength?: number | undefined
  /** nanoseconds since 1970; default the machine's clock, made monotonic */
  readonly now?: (() => bigint) | undefined
}

const recordOptions: Schema<RecordOptions> = object<RecordOptions>({
  protocol: integer(0, 0xffff),
  sent: boolean,
  name: text(0, 0xffff),
  snapshotLength: integer(0, 0xffffffff, 'bytes'),
  now: functionOf('a function that returns nanoseconds since 1970'),
})

/** A transport whose frames are saved as they pass. */
export interface Recorder extends Transport {
  /** the interface's number in the sink */
  readonly interface: number
  /** frames and messages saved */
  readonly saved: number
  /** frames and messages not saved because the sink was congested; the capture counts them as dropped */
  readonly unsaved: number
}

/**
 * Saves every frame that `transport` delivers to `sink`, when it is delivered, in packets of LINKTYPE_NETLINK. All
 * frames of a batch have the time of its arrival. Losses become the drop count of the next packet. The transport
 * behaves as before: batches, leases, errors and stats are unchanged.
 *
 * The sink never delays the transport: while it is congested, frames pass unsaved, and the next saved one counts them.
 * Closing the transport writes the statistics; the caller closes the sink afterwards. Throws `OptionError` for invalid
 * options.
 */
export function record(transport: Transport, sink: CaptureSink, given: RecordOptions = {}): Recorder {
  const options = readOptions('record', recordOptions, given)
  return new RecordingTransport(
    transport,
    new FrameLog(transport.capabilities.kind, sink, options),
    options.sent ?? false,
  )
}

/** The recording of one transport. */
class FrameLog {
  readonly interface: number
  saved = 0
  unsaved = 0
  // Frames that are not in the capture and not counted there yet.
  #missing = 0n
  #dropped = 0n
  #received = 0n
  #sink: CaptureSink
  #protocol: number
  #now: () => bigint

  constructor(kind: string, sink: CaptureSink, options: RecordOptions) {
    this.#sink = sink
    this.#protocol = options.protocol ?? Protocol.Netfilter
    this.#now = options.now ?? monotonicClock()
    this.interface = sink.addInterface({
      linkType: LinkType.Netlink,
      name: options.name ?? kind,
      snapshotLength: options.snapshotLength,
    })
  }

  saveBatch(batch: FrameBatch): void {
    const at = this.#now()
    this.#received += BigInt(batch.length)
    this.#miss(batch.lost)
    for (let i = 0; i < batch.length; i++) {
      const offset = batch.offset(i)
      const bytes = batch.memory.u8.subarray(offset, offset + batch.byteLength(i))
      this.#save(at, bytes, batch.fullLength(i), 'inbound')
    }
  }

  saveSent(messages: readonly Uint8Array[]): void {
    const at = this.#now()
    for (const bytes of messages) this.#save(at, bytes, bytes.length, 'outbound')
  }

  close(): void {
    const statistics = { interface: this.interface, received: this.#received, dropped: this.#dropped }
    try {
      this.#sink.writeStatistics({ ...statistics, at: this.#now() })
    } catch (error) {
      // The sink was closed before the transport: it has written its own statistics.
      if (!isClosed(error)) throw error
    }
  }

  #save(at: bigint, bytes: Uint8Array, fullLength: number, direction: Direction): void {
    if (this.#sink.congested) {
      this.unsaved++
      this.#miss(1)
      return
    }
    const dropCount = this.#missing > 0n ? this.#missing : undefined
    const details = { protocol: this.#protocol, fullLength, direction, dropCount }
    this.#sink.writePacket(netlinkRecord(this.interface, at, bytes, details))
    this.#missing = 0n
    this.saved++
  }

  #miss(count: number): void {
    this.#missing += BigInt(count)
    this.#dropped += BigInt(count)
  }
}

class RecordingTransport implements Recorder {
  readonly capabilities: Capabilities
  readonly outbox: Outbox
  #inner: Transport
  #log: FrameLog

  constructor(inner: Transport, log: FrameLog, sent: boolean) {
    this.#inner = inner
    this.#log = log
    this.capabilities = Object.freeze({ ...inner.capabilities, kind: `${inner.capabilities.kind}+record` })
    this.outbox = sent ? new RecordingOutbox(inner.outbox, log) : inner.outbox
    inner.events.once('close', () => log.close())
  }

  get portId(): number {
    return this.#inner.portId
  }

  get stats(): TransportStats {
    return this.#inner.stats
  }

  get events(): Emitter<TransportEvents> {
    return this.#inner.events
  }

  get interface(): number {
    return this.#log.interface
  }

  get saved(): number {
    return this.#log.saved
  }

  get unsaved(): number {
    return this.#log.unsaved
  }

  receive(options?: ReceiveOptions): Promise<FrameBatch> {
    return this.#inner.receive(options).then((batch) => this.#save(batch))
  }

  receiveNow(): FrameBatch | undefined {
    const batch = this.#inner.receiveNow()
    return batch === undefined ? undefined : this.#save(batch)
  }

  stopReceiving(reason: unknown): void {
    this.#inner.stopReceiving(reason)
  }

  poll(timeout?: number): FrameBatch | undefined {
    const batch = this.#inner.poll(timeout)
    return batch === undefined ? undefined : this.#save(batch)
  }

  [Symbol.asyncIterator](): AsyncIterator<FrameBatch, undefined> {
    const iterator = this.#inner[Symbol.asyncIterator]()
    return {
      next: async () => {
        const result = await iterator.next()
        if (result.done !== true) this.#save(result.value)
        return result
      },
      return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
    }
  }

  joinGroup(group: number): void {
    this.#inner.joinGroup(group)
  }

  leaveGroup(group: number): void {
    this.#inner.leaveGroup(group)
  }

  readProcNet(name: string): string {
    return this.#inner.readProcNet(name)
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner.close()
  }

  #save(batch: FrameBatch): FrameBatch {
    // The transport was closed since the batch arrived, so the batch is not delivered.
    if (!batch.released) this.#log.saveBatch(batch)
    return batch
  }
}

/** Notes commits, and saves them once they are sent. */
class RecordingOutbox implements Outbox {
  #inner: Outbox
  #log: FrameLog
  #reserved = 0
  // Copies, because an outbox may move commits until they are flushed.
  #committed: Uint8Array[] = []

  constructor(inner: Outbox, log: FrameLog) {
    this.#inner = inner
    this.#log = log
  }

  get memory(): Memory {
    return this.#inner.memory
  }

  get pending(): number {
    return this.#inner.pending
  }

  get pendingCommits(): number {
    return this.#inner.pendingCommits
  }

  get available(): number {
    return this.#inner.available
  }

  reserve(byteLength: number): number {
    this.#reserved = this.#inner.reserve(byteLength)
    return this.#reserved
  }

  commit(byteLength: number): void {
    this.#inner.commit(byteLength)
    this.#committed.push(this.#inner.memory.copy(this.#reserved, byteLength))
  }

  flush(): number {
    try {
      const sent = this.#inner.flush()
      this.#save(sent)
      return sent
    } catch (error) {
      this.#save(sentOf(error))
      throw error
    }
  }

  #save(count: number): void {
    if (count > 0) this.#log.saveSent(this.#committed.splice(0, count))
  }
}

/** The number of commits that a failed flush has sent. */
function sentOf(error: unknown): number {
  return error instanceof Error && 'sent' in error && typeof error.sent === 'number' ? error.sent : 0
}

/** A clock that starts at the time of day and continues with the monotonic clock of the machine. */
function monotonicClock(): () => bigint {
  const offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint()
  return () => process.hrtime.bigint() + offset
}

/** A sink can be any implementation, so the code of its error says that it is closed, not the class. */
function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'CLOSED'
}
