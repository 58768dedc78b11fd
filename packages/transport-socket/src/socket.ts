import { Errno } from '@ringlink/codec/errors'
import { loadNative, type NativeBinding, type NativeHandle } from '@ringlink/native'
import {
  BaseTransport,
  type Capabilities,
  FRAME_WORDS,
  type FrameBatch,
  FrameWord,
  liveStats,
  type OutboxBuffer,
  openingError,
  SlabPool,
  slabCapabilities,
  systemError,
  type TransportStats,
} from '@ringlink/transport'
import { check, NetlinkSocket, plainBuffer } from './netlink-socket.ts'
import type { CheckedOptions } from './options.ts'

/** A netlink socket that receives many datagrams at a time into the frames of a slab. */
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

  /** Opens and binds. Throws `TransportError` and then leaves nothing open. */
  constructor(checked: CheckedOptions) {
    super()
    this.#native = loadNative()
    this.#socket = new NetlinkSocket(this.#native, checked, (status) => this.#readable(status))
    this.#handle = this.#socket.handle
    this.#foreignSenders = checked.foreignSenders
    try {
      this.portId = this.#socket.configure(checked)
      const { frameSize, batchSize, liveBatches } = checked
      this.#pool = new SlabPool({ frameSize, batchSize, slabs: liveBatches })
      const { memory, stride, words } = this.#pool
      const frames = batchSize * liveBatches
      check('attach frames', this.#native.attachFrames(this.#handle, plainBuffer(memory.buffer), stride, frames, words))
      this.outbox = this.#socket.makeOutbox(checked.outboxSize, () => {
        this.counts.systemCalls++
      })
      const { countsDrops } = this.#socket
      // A table of all sockets is not read on every wake-up: unreported losses show at close there.
      this.loss.always = checked.noOverrunErrors && countsDrops === 'at once'
      this.capabilities = slabCapabilities('socket', this.#pool, this.outbox.memory.byteLength, countsDrops !== 'never')
    } catch (error) {
      this.#socket.close()
      throw openingError('open socket', error)
    }
    this.stats = liveStats(this.counts, this.#pool, this.outbox)
  }

  protected doReceive(): FrameBatch | undefined {
    return this.#receive((first, count) => this.#native.receive(this.#handle, first, count))
  }

  protected doReceiveBlocking(timeout: number): FrameBatch | undefined {
    this.counts.wakeups++
    return this.#receive((first, count) => this.#native.receiveBlocking(this.#handle, first, count, timeout))
  }

  protected doWait(): void {
    this.counts.wakeups++
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

  protected override doReadDrops(): number {
    return this.#socket.drops()
  }

  /** One attempt to receive. Without a batch there may still be a loss, or dropped frames. */
  #receive(fill: (first: number, count: number) => number): FrameBatch | undefined {
    const { batchSize } = this.#pool.sizes
    const slab = this.#pool.next()
    this.counts.systemCalls++
    const received = fill(slab * batchSize, batchSize)
    if (received > 0) {
      const kept = this.#account(slab * batchSize, received)
      return kept > 0 ? this.#pool.take(slab, kept, this.countBatch(kept)) : undefined
    }
    if (received === -Errno.ENOBUFS) this.loss.noteOverrun()
    else if (received === -Errno.EAGAIN) this.loss.noteEmpty()
    else throw systemError('receive', -received)
    return undefined
  }

  /** Counts received frames and closes the gaps left by foreign senders. Returns how many frames are left. */
  #account(first: number, received: number): number {
    const { words, memory, stride } = this.#pool
    let kept = 0
    for (let i = 0; i < received; i++) {
      const word = (first + i) * FRAME_WORDS
      if (words[word + FrameWord.PortId] !== 0 && !this.#foreignSenders) {
        this.counts.foreign++
        continue
      }
      if (kept !== i) {
        memory.u8.copyWithin((first + kept) * stride, (first + i) * stride, (first + i + 1) * stride)
        words.copyWithin((first + kept) * FRAME_WORDS, word, word + FRAME_WORDS)
      }
      this.countFrame(words[word + FrameWord.Length] as number, words[word + FrameWord.FullLength] as number)
      kept++
    }
    return kept
  }

  #readable(status: number): void {
    if (status < 0) this.fail(systemError('wait', -status))
    else this.wake()
  }
}
