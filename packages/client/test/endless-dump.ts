/** A kernel whose table of connections has as many rows as asked, written once: for the test of allocations. */
import {
  beginMessage,
  ConntrackMessage,
  ControlType,
  conntrackAttributes,
  finishMessage,
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

const FRAME_SIZE = 32_768
const ROW = 512
export const ROWS_IN_FRAME = FRAME_SIZE / ROW
const SEQUENCE_OFFSET = 8
const MULTIPART = 2
/** nlmsghdr and nfgenmsg */
const HEADER_WORDS = 5
/** As the kernel numbers the second and further sockets of a process: too large for a small integer of the engine. */
const PORT_ID = 0xf123_4567

export class EndlessDump extends BaseTransport {
  readonly capabilities: Capabilities
  readonly portId = PORT_ID
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  readonly #pool: SlabPool
  readonly #rows: number
  // The first words of each row.
  readonly #header: Uint32Array
  #left = 0
  #sequence = 0
  #isRunning = false

  constructor(batchSize: number, rows: number) {
    super()
    this.#rows = rows
    this.#pool = new SlabPool({ frameSize: FRAME_SIZE, batchSize, slabs: 2 })
    for (let frame = 0; frame < batchSize * 2; frame++) this.#writeRows(frame)
    this.#header = this.#pool.memory.u32.slice(0, HEADER_WORDS)
    this.outbox = new OutboxBuffer(4096, (offset, length) => this.#send(offset, length))
    this.capabilities = slabCapabilities('endless', this.#pool, 4096)
    this.stats = liveStats(this.counts, this.#pool, this.outbox)
  }

  protected doReceive(): FrameBatch | undefined {
    if (!this.#isRunning) return undefined
    const slab = this.#pool.next()
    const { words, sizes } = this.#pool
    const first = slab * sizes.batchSize
    if (this.#left === 0) {
      this.#isRunning = false
      const length = this.#writeDone(first)
      describeFrame(words, first, length, length, 0, 0)
      return this.#pool.take(slab, 1, 0)
    }
    for (let frame = first; frame < first + sizes.batchSize; frame++) {
      this.#number(frame)
      describeFrame(words, frame, FRAME_SIZE, FRAME_SIZE, 0, 0)
    }
    this.#left = Math.max(0, this.#left - sizes.batchSize * ROWS_IN_FRAME)
    return this.#pool.take(slab, sizes.batchSize, 0)
  }

  /** Time stands still, so that turns of the event loop have the same number of frames on every machine. */
  protected override now(): number {
    return 0
  }

  protected doReceiveBlocking(): FrameBatch | undefined {
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

  #writeRows(frame: number): void {
    const { memory, stride } = this.#pool
    for (let row = 0; row < ROWS_IN_FRAME; row++) {
      const offset = frame * stride + row * ROW
      const tuple = (sourcePort: number, destinationPort: number) => ({
        address: { ipv4Source: Uint8Array.of(10, 0, 0, 1), ipv4Destination: Uint8Array.of(10, 0, 0, 2) },
        protocol: { number: 6, sourcePort, destinationPort },
      })
      writeNfnetlinkMessage(memory, offset, offset + ROW, conntrackAttributes, {
        type: ConntrackMessage.New,
        flags: MULTIPART,
        sequence: 0,
        portId: PORT_ID,
        family: 2,
        resourceId: 0,
        attributes: {
          original: tuple(1000 + row, 443),
          reply: tuple(443, 1000 + row),
          status: 0xe,
          mark: row % 2 === 0 ? 0x8000_0000 + row : row,
          id: 0xf000_0000 + row,
          timeout: 431_999,
          protocolInformation: { tcp: { state: 3 } },
          countersOriginal: { packets: BigInt(row), bytes: 100n },
          countersReply: { packets: 5n, bytes: 500n },
        },
      })
      // Every row takes the same room; what is left of it is an attribute that readers skip.
      const { u16, u32 } = memory
      const end = (offset + (u32[offset >> 2] as number) + 3) & ~3
      if (end < offset + ROW) {
        u16[end >> 1] = offset + ROW - end
        u16[(end >> 1) + 1] = 0x3000
      }
      u32[offset >> 2] = ROW
    }
  }

  #number(frame: number): void {
    const { memory, stride } = this.#pool
    // The end of the last dump may lie where the first row was.
    memory.u32.set(this.#header, (frame * stride) >> 2)
    for (let row = 0; row < ROWS_IN_FRAME; row++)
      memory.u32[(frame * stride + row * ROW + SEQUENCE_OFFSET) >> 2] = this.#sequence
  }

  #writeDone(frame: number): number {
    const { memory, stride } = this.#pool
    const offset = frame * stride
    const header = { type: ControlType.Done, flags: MULTIPART, sequence: this.#sequence, portId: PORT_ID }
    const end = beginMessage(memory, offset, offset + 64, header)
    memory.u32[end >> 2] = 0
    return finishMessage(memory, offset, end + 4)
  }

  #send(offset: number, length: number): number {
    const { memory } = this.outbox
    this.#sequence = memory.u32[(offset + SEQUENCE_OFFSET) >> 2] as number
    this.#left = this.#rows
    this.#isRunning = true
    return length
  }
}
