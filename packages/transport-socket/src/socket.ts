import { Errno } from '@ringlink/codec/errors'
import { FrameWord, loadNative, type NativeBinding, type NativeHandle } from '@ringlink/native'
import {
  BaseTransport,
  type Capabilities,
  type FrameBatch,
  liveStats,
  newCounts,
  OutboxBuffer,
  SlabPool,
  slabCapabilities,
  systemError,
  TransportError,
  type TransportStats,
} from '@ringlink/transport'
import { type CheckedOptions, checkOptions, type SocketOptions } from './options.ts'

/** `SOL_NETLINK` and its options (uapi/linux/netlink.h). */
const SOL_NETLINK = 270
const SocketOption = {
  /** NETLINK_ADD_MEMBERSHIP */
  AddMembership: 1,
  /** NETLINK_DROP_MEMBERSHIP */
  DropMembership: 2,
  /** NETLINK_NO_ENOBUFS */
  NoOverrunErrors: 5,
  /** NETLINK_CAP_ACK */
  CappedAck: 10,
  /** NETLINK_EXT_ACK */
  ExtendedAck: 11,
  /** NETLINK_GET_STRICT_CHK */
  StrictChecking: 12,
} as const

/** A netlink socket whose datagrams are received, many at a time, into the frames of a slab. */
export class SocketTransport extends BaseTransport {
  readonly capabilities: Capabilities
  readonly portId: number
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  #native: NativeBinding
  #handle: NativeHandle
  #pool: SlabPool
  #foreignSenders: boolean
  // While messages are being dropped the kernel reports that once, and again only after its queue ran empty; until then
  // the counter has to be asked.
  #congested = false
  #alwaysCount: boolean
  #drops = 0
  #lost = 0
  #counts = newCounts()

  /** Opens and binds. Throws `TransportError`; nothing is left open then. */
  constructor(options: SocketOptions) {
    super()
    const checked = checkOptions(options)
    this.#native = loadNative()
    this.#handle = openHandle(this.#native, checked, (status) => this.#readable(status))
    this.#foreignSenders = checked.foreignSenders
    this.#alwaysCount = checked.noOverrunErrors
    try {
      this.portId = this.#configure(checked)
      const { frameSize, batchSize, liveBatches } = checked
      this.#pool = new SlabPool({ frameSize, batchSize, slabs: liveBatches })
      const { memory, stride, words } = this.#pool
      const frames = batchSize * liveBatches
      this.#check(
        'attach frames',
        this.#native.attachFrames(this.#handle, arrayBuffer(memory.buffer), stride, frames, words),
      )
      this.outbox = new OutboxBuffer(this.#sizeSendBuffer(checked.outboxSize), (offset, length) => {
        this.#counts.calls++
        return this.#native.send(this.#handle, offset, length)
      })
      this.#check('attach outbox', this.#native.attachOutbox(this.#handle, arrayBuffer(this.outbox.memory.buffer)))
      this.capabilities = slabCapabilities('socket', this.#pool, this.outbox.memory.byteLength)
    } catch (error) {
      this.#native.close(this.#handle)
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
    const end = performance.now() + timeout
    return this.#receive((first, count) => {
      const left = timeout < 0 ? timeout : Math.max(0, end - performance.now())
      return this.#native.receiveBlocking(this.#handle, first, count, left)
    })
  }

  protected doWait(): void {
    this.#counts.wakeups++
    this.#check('wait', this.#native.wait(this.#handle))
  }

  protected doStopWaiting(): void {
    this.#native.unwait(this.#handle)
  }

  protected doJoinGroup(group: number): void {
    this.#check('join group', this.#native.setOption(this.#handle, SOL_NETLINK, SocketOption.AddMembership, group))
  }

  protected doLeaveGroup(group: number): void {
    this.#check('leave group', this.#native.setOption(this.#handle, SOL_NETLINK, SocketOption.DropMembership, group))
  }

  protected doReadProcNet(name: string): string {
    const text = this.#native.readProcNet(this.#handle, name)
    if (typeof text === 'number') throw systemError(`read /proc/net/${name}`, -text)
    return text
  }

  protected doClose(): void {
    this.outbox.close()
    this.#pool.close()
    this.#native.close(this.#handle)
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
    const drops = this.#native.drops(this.#handle)
    // The kernel's counter has 32 bits and wraps.
    const lost = (drops - this.#drops) >>> 0
    if (drops < 0 || lost === 0) return
    this.#drops = drops
    this.#lost += lost
    this.#counts.lost += lost
    this.events.emit('overrun', lost)
  }

  #readable(status: number): void {
    if (status < 0) this.fail(systemError('wait', -status))
    else this.wake()
  }

  #configure(options: CheckedOptions): number {
    const set = (name: number, value: boolean) => {
      if (value) this.#native.setOption(this.#handle, SOL_NETLINK, name, 1)
    }
    // A kernel without one of these works without it, only less well.
    set(SocketOption.ExtendedAck, options.extendedAck)
    set(SocketOption.CappedAck, options.cappedAck)
    set(SocketOption.StrictChecking, options.strictChecking)
    set(SocketOption.NoOverrunErrors, options.noOverrunErrors)
    if (options.receiveBufferSize !== undefined) {
      // The kernel doubles what it is asked for, to pay for its bookkeeping; our number is what it shall end with.
      const asked = Math.ceil(options.receiveBufferSize / 2)
      this.#check('set receive buffer', this.#native.setReceiveBuffer(this.#handle, asked))
    }
    const portId = this.#check('bind', this.#native.bind(this.#handle, options.portId, 0))
    for (const group of options.groups) this.doJoinGroup(group)
    return portId
  }

  /** Makes room for a whole outbox in one send, or as much of it as the system allows; the outbox' size. */
  #sizeSendBuffer(wanted: number): number {
    const granted = this.#check('set send buffer', this.#native.setSendBuffer(this.#handle, wanted + SEND_OVERHEAD))
    return Math.min(wanted, (granted - SEND_OVERHEAD) & ~3)
  }

  #check(operation: string, result: number): number {
    if (result < 0) throw systemError(operation, -result)
    return result
  }
}

/** What the kernel keeps of a send buffer for itself (`netlink_sendmsg` refuses more than the buffer less 32 bytes). */
const SEND_OVERHEAD = 32

function openHandle(
  native: NativeBinding,
  { protocol, networkNamespace }: CheckedOptions,
  onReadable: (status: number) => void,
): NativeHandle {
  const handle = native.open(protocol, networkNamespace, onReadable)
  if (typeof handle !== 'number') return handle
  const errno = -handle
  if (errno === Errno.EPROTONOSUPPORT)
    throw systemError('open socket', errno, `this kernel has no netlink protocol ${protocol}`)
  const hint = networkNamespace === null ? undefined : `network namespace ${networkNamespace}`
  throw systemError('open socket', errno, hint)
}

function arrayBuffer(buffer: ArrayBuffer | SharedArrayBuffer): ArrayBuffer {
  if (buffer instanceof ArrayBuffer) return buffer
  throw new TransportError('ARGUMENT', 'attach', 'a socket receives into an ArrayBuffer')
}
