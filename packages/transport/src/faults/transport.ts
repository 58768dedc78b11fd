import {
  instance,
  integer,
  list,
  object,
  readArgument,
  readOptions,
  required,
  type Schema,
} from '@ringlink/codec/options'
import { BaseTransport } from '../base.ts'
import type { IndexedBatch } from '../frames/batch.ts'
import { describeFrame } from '../frames/descriptor.ts'
import type { FrameLease } from '../frames/lease.ts'
import { SlabPool } from '../frames/slab.ts'
import { liveStats } from '../stats.ts'
import type { Capabilities, FrameBatch, Lease, Outbox, Transport, TransportStats } from '../transport.ts'
import { type Fault, type FaultContext, type FaultFrame, type FaultStats, frameIn, noFaults } from './fault.ts'
import { FaultOutbox } from './outbox.ts'
import { Random } from './random.ts'

/** A transport that injects faults, and counts them. */
export interface FaultyTransport extends Transport {
  readonly faults: Readonly<FaultStats>
}

/** Options of `withFaults`. */
export interface WithFaultsOptions {
  /** the same seed over the same batches causes the same faults; each fault has its own stream of numbers */
  readonly seed: number
}

/**
 * Wraps a transport with faults, applied in order, the first one nearest to the kernel. The result owns the transport
 * below, which must not be used any more. A batch that no fault changes is passed on; a changed one is a copy that
 * takes the same number of live frames, and holding its frames copies them.
 * Its capabilities are those of the transport below, except `ordered` with a fault that changes the order, and
 * `exactLoss` with one that loses messages without a report: these are false.
 */
export function withFaults(
  transport: Transport,
  faults: readonly Fault[],
  options: WithFaultsOptions,
): FaultyTransport {
  const { seed } = readOptions('open transport with faults', withFaultsOptions, options)
  return new FaultTransport(
    transport,
    readArgument('open transport with faults', 'faults', faultList, faults),
    new Random(seed),
  )
}

const withFaultsOptions: Schema<WithFaultsOptions> = object<WithFaultsOptions>({
  seed: required(integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
})
const faultList = list(
  instance<Fault>('a fault, as returned by drop(), delay() and the others', (value) => {
    return 'makeReceive' in value || 'makeSend' in value
  }),
)

type Stage = (frames: readonly FaultFrame[]) => readonly FaultFrame[]

class FaultTransport extends BaseTransport implements FaultyTransport {
  readonly capabilities: Capabilities
  readonly portId: number
  readonly outbox: Outbox
  readonly stats: TransportStats
  readonly faults: FaultStats = noFaults()
  #inner: Transport
  #stages: Stage[] = []
  #outbox: FaultOutbox | undefined
  #ready: FrameBatch[] = []
  #arrived: FrameBatch | undefined
  #asking: AbortController | undefined
  #wanted = false
  #closed: Promise<void> | undefined
  #copies: Copies = { pools: new Set(), held: 0, copied: 0 }

  constructor(inner: Transport, faults: readonly Fault[], random: Random) {
    super()
    this.#inner = inner
    this.portId = inner.portId
    this.outbox = inner.outbox
    const { kind, ordered, exactLoss } = inner.capabilities
    this.capabilities = Object.freeze({
      ...inner.capabilities,
      kind: `${kind}+faults`,
      ordered: ordered && !faults.some(({ reorders }) => reorders),
      exactLoss: exactLoss && !faults.some(({ isSilent }) => isSilent),
    })
    for (const [index, fault] of faults.entries()) {
      const context: FaultContext = {
        random: random.fork(index),
        stats: this.faults,
        lose: (count) => this.loss.note(count),
      }
      const receive = fault.makeReceive?.()
      if (receive !== undefined) this.#stages.push((frames) => receive(frames, context))
      const send = fault.makeSend?.()
      if (send !== undefined) {
        const size = this.#outbox?.memory.byteLength ?? inner.capabilities.outboxSize
        this.#outbox = new FaultOutbox(this.outbox, size, send, context)
        this.outbox = this.#outbox
      }
    }
    this.stats = liveStats(this.counts, this.#copies, inner.stats, inner.stats)
    inner.events.on('overrun', (lost) => this.events.emit('overrun', lost))
    inner.events.once('close', () => void this.close())
  }

  protected doReceive(): FrameBatch | undefined {
    return this.#receive(() => this.#inner.poll())
  }

  protected doReceiveBlocking(timeout: number): FrameBatch | undefined {
    const end = performance.now() + timeout
    return this.#receive(() => this.#inner.poll(timeout < 0 ? timeout : Math.max(0, end - performance.now())))
  }

  protected doWait(): void {
    if (this.#ready.length > 0 || this.#arrived !== undefined) setImmediate(() => this.wake())
    else if (this.#asking !== undefined) this.#wanted = true
    else void this.#ask()
  }

  protected doStopWaiting(): void {
    this.#wanted = false
    this.#asking?.abort()
  }

  protected doJoinGroup(group: number): void {
    this.#inner.joinGroup(group)
  }

  protected doLeaveGroup(group: number): void {
    this.#inner.leaveGroup(group)
  }

  protected doReadProcNet(name: string): string {
    return this.#inner.readProcNet(name)
  }

  protected doClose(): void {
    this.#wanted = false
    this.#outbox?.close()
    this.#ready = []
    for (const pool of this.#copies.pools) pool.close()
    this.#closed = this.#inner.close()
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#closed
  }

  #receive(next: () => FrameBatch | undefined): FrameBatch | undefined {
    for (;;) {
      const ready = this.#ready.shift()
      if (ready !== undefined) {
        this.#count(ready)
        return ready
      }
      const arrived = this.#arrived
      this.#arrived = undefined
      // The consumer gave up waiting. The next microtask shows whether a batch came at that moment.
      if (arrived === undefined && this.#asking !== undefined) return undefined
      const batch = arrived ?? next()
      if (batch === undefined) return undefined
      this.#apply(batch)
    }
  }

  async #ask(): Promise<void> {
    const asking = new AbortController()
    this.#asking = asking
    try {
      this.#arrived = await this.#inner.receive({ signal: asking.signal })
      this.#asking = undefined
      this.#wanted = false
      this.wake('same')
    } catch (error) {
      this.#asking = undefined
      const wanted = this.#wanted
      this.#wanted = false
      if (!asking.signal.aborted) this.fail(error)
      else if (wanted) void this.#ask()
    }
  }

  #apply(batch: FrameBatch): void {
    const frames = Array.from({ length: batch.length }, (_, index) => frameIn(batch, index))
    const left = this.#stages.reduce<readonly FaultFrame[]>((some, stage) => stage(some), frames)
    const intact = left.length === frames.length && left.every((frame, index) => frame === frames[index])
    if (intact && !this.loss.isOwed) {
      this.#ready.push(batch)
      return
    }
    this.loss.pass(batch.lost)
    if (left.length === 0) batch.release()
    else this.#copy(batch, left)
  }

  /** Puts frames into batches of copies. The frames below are released with the last of them, so that limits hold. */
  #copy(batch: FrameBatch, frames: readonly FaultFrame[]): void {
    const { batchSize } = this.capabilities
    let parts = Math.ceil(frames.length / batchSize)
    for (let first = 0; first < frames.length; first += batchSize) {
      const part = frames.slice(first, first + batchSize)
      const pool = new CopyPool(part, this.#copies, () => {
        if (--parts === 0) batch.release()
      })
      this.#ready.push(pool.take(0, part.length, this.loss.takeForBatch()))
    }
  }

  #count(batch: FrameBatch): void {
    this.counts.batches++
    this.counts.frames += batch.length
    for (let index = 0; index < batch.length; index++) this.countFrame(batch.byteLength(index), batch.fullLength(index))
  }
}

interface Copies {
  readonly pools: Set<CopyPool>
  held: number
  copied: number
}

/** The memory of one batch of copies, freed once the batch and all its held frames are released. */
class CopyPool extends SlabPool {
  #copies: Copies
  #onRelease: () => void
  #released = false

  constructor(frames: readonly FaultFrame[], copies: Copies, onRelease: () => void) {
    const frameSize = frames.reduce((longest, { byteLength }) => Math.max(longest, byteLength), 4)
    super({ frameSize, batchSize: frames.length, slabs: 1, poison: true })
    this.#copies = copies
    this.#onRelease = onRelease
    copies.pools.add(this)
    for (const [index, { byteLength, fullLength, portId, groups, ...frame }] of frames.entries()) {
      this.memory.u8.set(frame.bytes(), index * this.stride)
      describeFrame(this.words, index, byteLength, fullLength, portId, groups)
    }
  }

  override hold(frame: number): Lease {
    this.#copies.held++
    this.#copies.copied++
    return super.hold(frame)
  }

  override giveLease(lease: FrameLease): void {
    super.giveLease(lease)
    this.#copies.held--
    this.#forgetIfDone()
  }

  protected override returnBatch(batch: IndexedBatch): void {
    super.returnBatch(batch)
    this.#released = true
    this.#onRelease()
    this.#forgetIfDone()
  }

  #forgetIfDone(): void {
    if (this.#released && this.held === 0) this.#copies.pools.delete(this)
  }
}
