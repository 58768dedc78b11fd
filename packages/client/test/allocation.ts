/**
 * Run by allocation.test.ts in a separate process with `--expose-gc` and a young generation large enough for one object
 * per packet: prints by how many bytes the heap grew per packet of a queue. A batch and a turn of the event loop have a
 * fixed cost, so it compares small and large batches, each in a turn of its own.
 */
import {
  beginMessage,
  ControlType,
  finishMessage,
  Memory,
  QueueMessage,
  queueAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import {
  BaseTransport,
  type Capabilities,
  describeFrame,
  type FrameBatch,
  liveStats,
  OutboxBuffer,
  SlabPool,
  slabCapabilities,
  type TransportStats,
} from '@ringlink/transport'
import { openQueue, type PacketBatch, type Queue, type VerdictBatching } from '../src/index.ts'

/** Many batches in a turn of the event loop. */
const TINY = 64
/**
 * The number of frames that the transport delivers in a turn: a batch of at least this size is never divided and takes
 * one turn.
 */
const SMALL = 1024
const LARGE = 8192
const PACKETS = 1 << 20
/** Offset of the packet id in a packet message. */
const ID_OFFSET = 24

/**
 * A kernel that always has a whole batch of packets, written once except for their ids, and accepts everything that it
 * is sent.
 */
class EndlessTransport extends BaseTransport {
  readonly capabilities: Capabilities
  readonly portId = 1
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  #pool: SlabPool
  #acknowledgement: Memory | undefined
  #isWritten = false
  #id: number

  constructor(batchSize: number, firstId: number) {
    super()
    this.#id = firstId
    this.#pool = new SlabPool({ frameSize: 256, batchSize, slabs: 1 })
    this.outbox = new OutboxBuffer(1 << 17, (offset, length) => this.#send(offset, length))
    this.capabilities = slabCapabilities('endless', this.#pool, 1 << 17)
    this.stats = liveStats(this.counts, this.#pool, this.outbox)
  }

  protected doReceive(): FrameBatch {
    const slab = this.#pool.next()
    const { memory, stride, words, sizes } = this.#pool
    if (this.#acknowledgement !== undefined) {
      memory.u8.set(this.#acknowledgement.u8)
      const { byteLength } = this.#acknowledgement
      describeFrame(words, 0, byteLength, byteLength, 0, 0)
      this.#acknowledgement = undefined
      return this.#pool.take(slab, 1, 0)
    }
    if (!this.#isWritten) for (let frame = 0; frame < sizes.batchSize; frame++) this.#writePacket(frame)
    this.#isWritten = true
    const id = this.#id
    for (let frame = 0; frame < sizes.batchSize; frame++) {
      memory.data.setUint32(frame * stride + ID_OFFSET, id + frame)
    }
    this.#id = (id + sizes.batchSize) >>> 0
    return this.#pool.take(slab, sizes.batchSize, 0)
  }

  protected doReceiveBlocking(): FrameBatch {
    return this.doReceive()
  }

  protected doWait(): void {
    setImmediate(() => this.wake())
  }

  protected doStopWaiting(): void {}
  protected doJoinGroup(): void {}
  protected doLeaveGroup(): void {}
  protected doReadProcNet(): string {
    return ''
  }
  protected doClose(): void {
    this.outbox.close()
    this.#pool.close()
  }

  #writePacket(frame: number): void {
    const { memory, stride, words } = this.#pool
    const length = writeNfnetlinkMessage(memory, frame * stride, (frame + 1) * stride, queueAttributes, {
      type: QueueMessage.Packet,
      flags: 0,
      sequence: 0,
      resourceId: 0,
      attributes: { packetHeader: { id: 1, protocol: 0x0800, hook: 3 }, mark: 7, payload: new Uint8Array(100) },
    })
    describeFrame(words, frame, length, length, 0, 0)
  }

  #send(offset: number, length: number): number {
    const { memory } = this.outbox
    if ((memory.u16[(offset + 4) >> 1] as number) !== QueueMessage.Config) return length
    const answer = new Memory(36)
    const sequence = memory.u32[(offset + 8) >> 2] as number
    const end = beginMessage(answer, 0, 36, { type: ControlType.Error, flags: 0, sequence, portId: 1 })
    answer.u8.set(memory.u8.subarray(offset, offset + 16), end + 4)
    finishMessage(answer, 0, end + 20)
    this.#acknowledgement = answer
    return length
  }
}

/** A typical handler: reads packets, accepts most, drops some, and leaves some to the batch. */
function answerAll(packets: PacketBatch): void {
  for (const packet of packets) {
    const { id } = packet
    if ((id & 15) === 3) packet.drop()
    else if ((id & 15) !== 5 && packet.mark === 7 && packet.payloadLength === 100) packet.accept()
  }
}

/** Does not read ids: the engine boxes an id above 2^31 unless it inlines the getter, which depends on the reader. */
function answerEach(packets: PacketBatch): void {
  for (const packet of packets) packet.payloadLength === 100 ? packet.accept() : packet.drop()
  packets.accept()
}

/** The number of packets that must be seen for a valid measurement. */
const kept: object[] = []
function answerAndAllocate(packets: PacketBatch): void {
  for (const packet of packets) {
    kept[packet.id & 3] = [kept.length > 0 ? packets : kept]
    packet.accept()
  }
}

type Run = (queue: Queue, count: number, handle: (packets: PacketBatch) => void) => Promise<void>

const loop: Run = async (queue, count, handle) => {
  let left = count
  for await (const packets of queue) {
    handle(packets)
    left -= packets.length
    if (left <= 0) break
  }
}

const serve: Run = async (queue, count, handle) => {
  let left = count
  const controller = new AbortController()
  const { signal } = controller
  queue.serve(
    (packets) => {
      handle(packets)
      left -= packets.length
      if (left <= 0) controller.abort()
    },
    { signal },
  )
}

interface Case {
  readonly run: Run
  readonly handle: (packets: PacketBatch) => void
  readonly batching?: VerdictBatching
  readonly firstId?: number
}

/**
 * Bytes per batch of `batchSize` packets: the minimum of several rounds, because the engine also allocates for itself.
 */
async function bytesPerBatch(
  batchSize: number,
  { run, handle, batching = 'never', firstId = 1 }: Case,
): Promise<number> {
  const transport = new EndlessTransport(batchSize, firstId)
  const queue = await openQueue({
    number: 0,
    transport,
    verdictBatching: batching,
    unanswered: 'accept',
  })
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    await run(queue, PACKETS, handle)
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / (PACKETS / batchSize))
  }
  await queue.close()
  return least
}

async function bytesPerPacket(what: Case): Promise<number> {
  const small = await bytesPerBatch(SMALL, what)
  const large = await bytesPerBatch(LARGE, what)
  return (large - small) / (LARGE - SMALL)
}

console.log(
  JSON.stringify({
    loop: await bytesPerPacket({ run: loop, handle: answerAll }),
    coalesced: await bytesPerPacket({ run: loop, handle: answerAll, batching: 'always' }),
    serve: await bytesPerPacket({ run: serve, handle: answerAll }),
    whole: await bytesPerPacket({ run: loop, handle: answerEach }),
    // Ids too large to be small integers of the engine.
    highIds: await bytesPerPacket({ run: serve, handle: answerEach, batching: 'always', firstId: 0x90000000 }),
    control: await bytesPerPacket({ run: loop, handle: answerAndAllocate }),
    perBatch: await bytesPerBatch(TINY, { run: loop, handle: answerAll }),
    perTurn: await bytesPerBatch(SMALL, { run: loop, handle: answerAll }),
    perServedBatch: await bytesPerBatch(TINY, { run: serve, handle: answerAll }),
  }),
)
