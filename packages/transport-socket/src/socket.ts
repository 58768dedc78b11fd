// Imported because the global of that name is a getter.
import { performance } from 'node:perf_hooks'
import { Errno } from '@ringlink/codec/errors'
import { FrameWord, loadNative, type NativeBinding, type NativeHandle } from '@ringlink/native'
import {
  BaseTransport,
  type Capabilities,
  type FrameBatch,
  liveStats,
  newCounts,
  type OutboxBuffer,
  SlabPool,
  slabCapabilities,
  systemError,
  type TransportStats,
} from '@ringlink/transport'
import { check, NetlinkSocket, plainBuffer } from './netlink-socket.ts'
import { checkOptions, type SocketOptions } from './options.ts'

/** A netlink socket whose datagrams are received, many at a time, into the frames of a slab. */
export class SocketTransport extends BaseTransport {
  readonly capabilities: Capabilities
  readonly portId: number
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  readonly #native: NativeBinding
  readonly #handle: NativeHandle
  readonly #socket: NetlinkSocket
  #pool: SlabPool
  #foreignSenders: boolean
  // While messages are being dropped the kernel reports that once, and again only after its queue ran empty; until then
  // the counter has to be asked.
  #congested = false
  #alwaysCount: boolean
  #lost = 0
  #counts = newCounts()

  /** Opens and binds. Throws `TransportError`; nothing is left open then. */
  constructor(options: SocketOptions) {
    super()
    const checked = checkOptions(options)
    this.#native = loadNative()
    this.#socket = new NetlinkSocket(this.#native, checked, (status) => this.#readable(status))
    this.#handle = this.#socket.handle
    this.#foreignSenders = checked.foreignSenders
    this.#alwaysCount = checked.noOverrunErrors
    try {
      this.portId = this.#socket.configure(checked)
      const { frameSize, batchSize, liveBatches } = checked
      this.#pool = new SlabPool({ frameSize, batchSize, slabs: liveBatches })
      const { memory, stride, words } = this.#pool
      const frames = batchSize * liveBatches
      check('attach frames', this.#native.attachFrames(this.#handle, plainBuffer(memory.buffer), stride, frames, words))
      this.outbox = this.#socket.makeOutbox(checked.outboxSize, () => {
        this.#counts.calls++
      })
      this.capabilities = slabCapabilities('socket', this.#pool, this.outbox.memory.byteLength)
    } catch (error) {
      this.#socket.close()
      throw error
    }
    this.stats = liveStats(this.#counts, this.#pool, this.outbox)
  }

  protected doReceive(): FrameBatch | undefined {
    return this.#receive((first, count) => this.#native.receive(this.#handle, first, count))
  }

  protected doReceiveBlocking(timeout: number): FrameBatch | undefined {
    this.#counts.wakeups++
    // What is dropped here, a loss or a foreign frame, must not start the time anew.
    const end = timeout > 0 ? performance.now() + timeout : 0
    let left = timeout
    let again = false
    return this.#receive((first, count) => {
      if (again && timeout > 0) left = Math.max(0, end - performance.now())
      again = true
      return this.#native.receiveBlocking(this.#handle, first, count, left)
    })
  }

  protected doWait(): void {
    this.#counts.wakeups++
    check('wait', this.#native.wait(this.#handle))
  }

  protected doStopWaiting(): void {
    this.#native.unwait(this.#handle)
  }

  protected doJoinGroup(group: number): void {
    this.#socket.joinGroup(group)
  }

  protected doLeaveGroup(group: number): void {
    this.#socket.leaveGroup(group)
  }

  protected doReadProcNet(name: string): string {
    return this.#socket.readProcNet(name)
  }

  protected doClose(): void {
    this.outbox.close()
    this.#pool.close()
    this.#socket.close()
  }

  #receive(fill: (first: number, count: number) => number): FrameBatch | undefined {
    const { batchSize } = this.#pool.sizes
    const slab = this.#pool.next()
    for (;;) {
      this.#counts.calls++
      const received = fill(slab * batchSize, batchSize)
      if (received > 0) {
        const kept = this.#account(slab * batchSize, received)
        if (kept > 0) return this.#deliver(slab, kept)
      } else if (received === -Errno.ENOBUFS) {
        this.#congested = true
        this.#countLoss()
      } else if (received === -Errno.EAGAIN) {
        if (this.#congested || this.#alwaysCount) this.#countLoss()
        this.#congested = false
        return undefined
      } else {
        throw systemError('receive', -received)
      }
    }
  }

  #deliver(slab: number, length: number): FrameBatch {
    const lost = this.#lost
    this.#lost = 0
    this.#counts.batches++
    this.#counts.frames += length
    return this.#pool.take(slab, length, lost)
  }

  /** Counts what was received and moves it together over the frames of foreign senders; the frames that are left. */
  #account(first: number, received: number): number {
    const { words, memory, stride } = this.#pool
    let kept = 0
    for (let i = 0; i < received; i++) {
      const word = (first + i) * FrameWord.Count
      if (words[word + FrameWord.PortId] !== 0 && !this.#foreignSenders) {
        this.#counts.foreign++
        continue
      }
      if (kept !== i) {
        memory.u8.copyWithin((first + kept) * stride, (first + i) * stride, (first + i + 1) * stride)
        words.copyWithin((first + kept) * FrameWord.Count, word, word + FrameWord.Count)
      }
      const length = words[word + FrameWord.Length] as number
      if ((words[word + FrameWord.RealLength] as number) > length) this.#counts.truncated++
      this.#counts.bytes += length
      kept++
    }
    return kept
  }

  #countLoss(): void {
    const lost = this.#socket.newDrops()
    if (lost === 0) return
    this.#lost += lost
    this.#counts.lost += lost
    this.events.emit('overrun', lost)
  }

  #readable(status: number): void {
    if (status < 0) this.fail(systemError('wait', -status))
    else this.wake()
  }
}
