import { Errno } from '@ringlink/codec/errors'
import { Memory } from '@ringlink/codec/memory'
import {
  checkMapping,
  checkRingRequest,
  FrameStatus,
  KernelReceiveRing,
  type KernelRingQuirks,
  KernelTransmitRing,
  PollEvent,
  RING_FULL,
  RingFrames,
  type RingGeometry,
  RingOption,
  readRingRequest,
  ringSize,
  TOO_LARGE,
} from '@ringlink/transport/netlink-ring'
import { NO_PLACE, NO_ROOM, type Receiver } from '../netlink/receiver.ts'
import type { SimSocket } from '../netlink/socket.ts'

/** Properties of the kernel's rings besides the differences between real ones. */
export interface RingKernelOptions extends KernelRingQuirks {
  readonly pageSize?: number | undefined
  /** CAP_NET_ADMIN in the initial user namespace; without it rings are refused */
  readonly privileged?: boolean | undefined
  /** maximum bytes of one ring */
  readonly ringMemory?: number | undefined
}

/** Processes a send through a socket. Returns the bytes taken, or a negative errno. */
export type TakeRequest = (memory: Memory, offset: number, length: number) => number

const PAGE_SIZE = 4096
const RING_MEMORY = 2 ** 28
/** The largest buffer of a receive that these kernels remember, to allocate dumps with. */
const REMEMBERED_RECEIVE = 16384
const NO_FRAME = -1

/**
 * The kernel's side of memory-mapped rings on one socket, in front of its receive queue, as in af_netlink.c of Linux
 * 4.4 (docs/netlink-mmap.md). Messages of the kernel to this socket alone are built in a frame; messages to groups,
 * from other users, and too large ones go through the queue, with a frame as token.
 */
export class RingSocket implements Receiver {
  /**
   * called when a frame became readable without a notification of the kernel; other frames are notified through the
   * socket's `arrived`
   */
  onSilentChange: () => void = () => {}
  readonly #socket: SimSocket
  readonly #take: TakeRequest
  readonly #options: RingKernelOptions
  #receiveGeometry: RingGeometry | undefined
  #transmitGeometry: RingGeometry | undefined
  #receive: KernelReceiveRing | undefined
  #transmit: KernelTransmitRing | undefined
  #memory: Memory | undefined
  #mapped = false
  // The frame allocated and not yet delivered, the previous head, and the requested size.
  #frame = NO_FRAME
  #head = 0
  #size = 0
  // The previous contents of that frame, if the kernel writes a dump after its start.
  #stale = new Uint8Array(0)

  constructor(socket: SimSocket, take: TakeRequest, options: RingKernelOptions = {}) {
    this.#socket = socket
    this.#take = take
    this.#options = options
    socket.receiver = this
  }

  get pageSize(): number {
    return this.#options.pageSize ?? PAGE_SIZE
  }

  get memory(): Memory {
    return this.#frame === NO_FRAME ? this.#socket.queue.memory : this.#ring.frames.memory
  }

  get offset(): number {
    return this.#frame === NO_FRAME ? this.#socket.queue.offset : this.#ring.frames.data(this.#frame)
  }

  /** messages that were dropped, in the ring or before the queue */
  get drops(): number {
    return this.#socket.queue.drops
  }

  /** The next message that is built in place would be lost. */
  get isFull(): boolean {
    return this.#receive?.isFull ?? false
  }

  /** `setsockopt(NETLINK_RX_RING | NETLINK_TX_RING)`: 0 or a negative errno. */
  setRing(option: RingOption, request: Uint32Array): number {
    const isReceive = option === RingOption.Receive
    const errno = checkRingRequest(request, {
      pageSize: this.pageSize,
      privileged: this.#options.privileged ?? true,
      mapped: this.#mapped,
      pending: isReceive && (this.#receive?.pending ?? 0) > 0,
      set: (isReceive ? this.#receiveGeometry : this.#transmitGeometry) !== undefined,
    })
    if (errno !== 0) return -errno
    const asked = readRingRequest(request)
    const geometry = asked.blockCount === 0 ? undefined : asked
    if (ringSize(geometry) > (this.#options.ringMemory ?? RING_MEMORY)) return -Errno.ENOMEM
    if (isReceive) this.#setReceive(geometry)
    else this.#transmitGeometry = geometry
    this.#allocateRings()
    return 0
  }

  /** `mmap()`: the memory of both rings, or a negative errno. */
  map(length: number, offset = 0): Memory | number {
    const errno = checkMapping(length, offset, this.pageSize, this.#receiveGeometry, this.#transmitGeometry)
    if (errno !== 0 || this.#memory === undefined) return -errno
    this.#mapped = true
    return this.#memory
  }

  unmap(): void {
    this.#mapped = false
  }

  allocate(size: number, attached = 0): boolean {
    this.#forget()
    this.#head = this.#receive?.head ?? 0
    // Data that the kernel would attach as pages must be in the frame as well.
    const frame = this.#receive?.reserve(size + attached) ?? TOO_LARGE
    if (frame === RING_FULL) {
      this.#socket.queue.overrun()
      return false
    }
    if (frame === TOO_LARGE) return this.#socket.queue.allocate(size, attached)
    this.#frame = frame
    this.#size = size + attached
    if (this.#ring.dumpTrim(this.#size) > 0) {
      const { memory, capacity } = this.#ring.frames
      this.#stale = memory.copy(this.#ring.frames.data(frame), capacity)
    }
    return true
  }

  build(size: number): void {
    this.#forget()
    this.#socket.queue.build(size)
  }

  deliver(length: number, attached: number, portId: number, groups: number): number {
    const frame = this.#frame
    if (frame === NO_FRAME) return this.#deliverCopied(length, attached, portId, groups)
    this.#frame = NO_FRAME
    if (portId === 0 && groups === 0) {
      this.#complete(frame, length)
      return 0
    }
    // The kernel knows beforehand that such a message does not fit a frame. The reservation is not visible yet.
    const { frames } = this.#ring
    const start = frames.data(frame)
    const { queue } = this.#socket
    queue.allocate(length)
    queue.memory.u8.set(frames.memory.u8.subarray(start, start + length), queue.offset)
    this.#ring.withdraw(frame, this.#head)
    return this.#deliverCopied(length, 0, portId, groups)
  }

  force(length: number): void {
    const frame = this.#frame
    if (frame === NO_FRAME) {
      const token = this.#receive?.beginCopied() ?? NO_FRAME
      if (token === RING_FULL) {
        this.#socket.queue.overrun()
        return
      }
      this.#socket.queue.force(length)
      if (token >= 0) this.#receive?.finishCopied(token, { length })
      return
    }
    this.#frame = NO_FRAME
    this.#trim(frame, length)
    this.#complete(frame, length)
  }

  get placeSize(): number {
    return this.#ring.frames.capacity
  }

  reserve(size: number): number {
    const frame = this.#receive?.reserve(size) ?? TOO_LARGE
    if (frame === TOO_LARGE) return NO_PLACE
    if (frame !== RING_FULL) return frame
    this.#socket.queue.overrun()
    this.#socket.arrived()
    return NO_ROOM
  }

  deliverReserved(frame: number, memory: Memory, length: number): void {
    const { frames } = this.#ring
    frames.memory.u8.set(memory.u8.subarray(0, length), frames.data(frame))
    this.#complete(frame, length)
  }

  /**
   * `recvmsg(MSG_DONTWAIT)`: if there is a message, calls `read` with its position and returns 0; else returns a
   * negative errno.
   */
  receive(
    capacity: number,
    read: (memory: Memory, offset: number, length: number, portId: number, groups: number) => void,
  ): number {
    const { queue } = this.#socket
    const error = queue.takeError()
    if (error !== 0) return -error
    if (queue.length === 0) {
      queue.relieve()
      return -Errno.EAGAIN
    }
    read(queue.memory, queue.headOffset, queue.headLength, queue.headPortId, queue.headGroups)
    queue.shift()
    const socket = this.#socket
    socket.largestReceive = Math.max(socket.largestReceive, Math.min(capacity, REMEMBERED_RECEIVE))
    socket.received()
    return 0
  }

  /** `sendto(NULL, 0)`: the bytes sent from the transmit ring, or a negative errno. */
  trigger(): number {
    return this.#transmit?.trigger((bytes) => this.#take(Memory.from(bytes), 0, bytes.length)) ?? 0
  }

  /** An ordinary send. */
  send(memory: Memory, offset: number, length: number): number {
    return this.#take(memory, offset, length)
  }

  /** `poll(0)` with its side effects: a dump continues while half of the ring is free, and congestion ends. */
  poll(): number {
    const { queue } = this.#socket
    const ring = this.#receive
    if (ring !== undefined) {
      while (this.#socket.dump !== undefined && ring.dumpSpace()) {
        if (!this.#socket.dump.next()) break
      }
      queue.relieve()
    }
    const error = queue.error === 0 ? 0 : PollEvent.Error
    const readable = queue.length > 0 || ring?.readable() === true ? PollEvent.Readable : 0
    return error | readable
  }

  /** `getsockopt(SO_ERROR)`. */
  takeError(): number {
    return this.#socket.queue.takeError()
  }

  get #ring(): KernelReceiveRing {
    return this.#receive as KernelReceiveRing
  }

  /**
   * Moves a dump's message to where these kernels would have written it; the bytes before it keep their old contents.
   */
  #trim(frame: number, length: number): void {
    const trim = this.#ring.dumpTrim(this.#size)
    if (trim === 0) return
    const { frames } = this.#ring
    const data = frames.data(frame)
    const { memory } = frames
    const message = memory.copy(data, length)
    memory.u8.set(this.#stale, data)
    memory.u8.set(message, data + trim)
  }

  #complete(frame: number, length: number): void {
    this.#ring.deliver(frame, { length })
    this.#socket.arrived()
  }

  #deliverCopied(length: number, attached: number, portId: number, groups: number): number {
    const { queue } = this.#socket
    const ring = this.#receive
    if (ring !== undefined && ring.frames.status(ring.head) !== FrameStatus.Unused) {
      // A sender learns of congestion, but not of a full ring.
      const { congested } = queue
      queue.overrun()
      this.#socket.arrived()
      return congested ? -Errno.EAGAIN : 0
    }
    const result = queue.deliver(length, attached, portId, groups)
    if (result === 0 && ring !== undefined) {
      const group = groups === 0 ? 0 : 32 - Math.clz32(groups & -groups)
      ring.finishCopied(ring.beginCopied(), { length, group })
    }
    return result
  }

  /** A message that was allocated and never delivered was dropped, and leaves an empty frame. */
  #forget(): void {
    if (this.#frame === NO_FRAME) return
    this.#ring.abort(this.#frame)
    this.#frame = NO_FRAME
    this.onSilentChange()
  }

  #setReceive(geometry: RingGeometry | undefined): void {
    const { queue } = this.#socket
    this.#receiveGeometry = geometry
    this.#receive = undefined
    this.#frame = NO_FRAME
    while (queue.length > 0) queue.shift()
  }

  /** Both rings lie in one block, as they will be mapped. Nothing is mapped now, so the one that there was can move. */
  #allocateRings(): void {
    const receiveSize = ringSize(this.#receiveGeometry)
    const memory = new Memory(receiveSize + ringSize(this.#transmitGeometry))
    const old = this.#receive
    this.#memory = memory
    if (this.#receiveGeometry !== undefined) {
      const ring = new KernelReceiveRing(new RingFrames(memory, this.#receiveGeometry), this.#options)
      if (old !== undefined) {
        memory.u8.set(old.frames.memory.u8.subarray(0, receiveSize))
        ring.head = old.head
      }
      this.#receive = ring
    }
    this.#transmit =
      this.#transmitGeometry === undefined
        ? undefined
        : new KernelTransmitRing(new RingFrames(memory, this.#transmitGeometry, receiveSize))
  }
}
