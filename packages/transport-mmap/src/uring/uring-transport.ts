import { Errno } from '@ringlink/codec/errors'
import type { NativeBinding, NativeHandle } from '@ringlink/native'
import {
  BaseTransport,
  type Capabilities,
  FRAME_WORDS,
  type FrameBatch,
  FrameWord,
  frameStride,
  liveStats,
  type OutboxBuffer,
  openingError,
  systemError,
  TransportError,
  type TransportStats,
} from '@ringlink/transport'
import { check, NetlinkSocket } from '@ringlink/transport-socket'
import { UringBuffers } from './buffers.ts'
import { type CheckedUringOptions, FRAME_HEAD } from './options.ts'
import { BUFFER_SHIFT, CompletionFlag, SetupFlag, UringRings } from './rings.ts'

/** The values of an error's `operation` when opening fails because of io_uring. */
export const UringStep = {
  SetUp: 'set up io_uring',
  Map: 'map io_uring',
  Provide: 'provide frames to io_uring',
  Arm: 'receive with io_uring',
  Wake: 'wake up by io_uring',
} as const
export type UringStep = (typeof UringStep)[keyof typeof UringStep]

/** One request is in flight at a time. */
const SUBMISSIONS = 2
/** Milliseconds that the kernel thread spins for more work before it sleeps. */
const THREAD_IDLE = 2

/**
 * A netlink socket that io_uring receives from: the kernel writes messages into provided frames and completions into a
 * mapped queue, and both are read and returned in place. Messages to the kernel are sent as on a plain socket.
 */
export class UringTransport extends BaseTransport {
  readonly capabilities: Capabilities
  readonly portId: number
  readonly outbox: OutboxBuffer
  readonly stats: TransportStats
  readonly #native: NativeBinding
  readonly #handle: NativeHandle
  readonly #socket: NetlinkSocket
  readonly #rings: UringRings
  readonly #buffers: UringBuffers
  readonly #kernelThread: boolean
  readonly #foreignSenders: boolean
  // The number of frames that the kernel should have at a time.
  readonly #provision: number
  // The request is in flight: its last completion has not come yet.
  #armed = false
  readonly #lookAgain = () => this.wake()

  /** Opens, binds and begins to receive. Throws `TransportError` and then leaves nothing open. */
  constructor(checked: CheckedUringOptions, native: NativeBinding) {
    super()
    this.#native = native
    this.#socket = new NetlinkSocket(this.#native, checked.socket, (status) => this.#readable(status))
    this.#handle = this.#socket.handle
    this.#kernelThread = checked.kernelThread
    this.#foreignSenders = checked.socket.foreignSenders
    this.loss.always = checked.socket.noOverrunErrors
    this.#provision = provision(checked)
    try {
      this.portId = this.#socket.configure(checked.socket)
      this.#rings = setUpRings(this.#native, this.#handle, checked.kernelThread, this.#provision)
      this.#buffers = provideBuffers(this.#native, this.#handle, checked, this.#provision)
      this.outbox = this.#socket.makeOutbox(checked.socket.outboxSize, () => {
        this.counts.systemCalls++
      })
      this.capabilities = Object.freeze({
        kind: 'uring',
        ring: true,
        hold: checked.holdLimit > 0 ? 'ring' : 'copy',
        holdLimit: checked.holdLimit,
        ordered: true,
        frameSize: this.#buffers.capacity,
        frameCount: checked.frames,
        batchSize: checked.batchSize,
        outboxSize: this.outbox.memory.byteLength,
        exactLoss: true,
      })
      this.#provide()
      this.#arm()
    } catch (error) {
      this.#socket.close()
      throw openingError('open uring', error)
    }
    this.stats = liveStats(this.counts, this.#buffers, this.outbox)
  }

  protected doReceive(): FrameBatch | undefined {
    return this.#receive(0)
  }

  protected doReceiveBlocking(timeout: number): FrameBatch | undefined {
    const deadline = performance.now() + timeout
    for (let left = timeout; ; left = timeout < 0 ? timeout : deadline - performance.now()) {
      if (timeout >= 0 && left <= 0) return undefined
      this.counts.wakeups++
      const batch = this.#receive(left)
      if (batch !== undefined || this.loss.hasNews) return batch
    }
  }

  protected doWait(): void {
    this.counts.wakeups++
    const hasFrames = this.#provide()
    if (!this.#armed && hasFrames) this.#arm()
    // Earlier completions are not signalled again, and nothing signals that all frames are in use.
    const isKnown = this.#rings.look() || this.#rings.hasWork() || !hasFrames
    if (isKnown) setImmediate(this.#lookAgain)
    else check('wait', this.#native.wait(this.#handle))
  }

  protected doStopWaiting(): void {
    this.#native.unwait(this.#handle)
  }

  // These three are those of the plain socket: only receiving differs, and a base class for them would join two
  // packages.
  protected doJoinGroup(group: number): void {
    this.#socket.joinGroup(group)
  }

  protected doLeaveGroup(group: number): void {
    this.#socket.leaveGroup(group)
  }

  protected doReadProcNet(name: string): string {
    return this.#socket.readProcNet(name)
  }

  protected doClose(): void | Promise<void> {
    this.outbox.close()
    this.#buffers.close()
    if (!this.#kernelThread) return this.#socket.close()
    const ending = this.#native.uringClose(this.#handle)
    if (typeof ending !== 'number') return ending
    this.#socket.close()
  }

  protected override doReadDrops(): number {
    return this.#socket.drops()
  }

  /** The next batch, after blocking for up to `timeout` milliseconds if there is none. */
  #receive(timeout: number): FrameBatch | undefined {
    let wait = timeout
    this.#provide()
    for (;;) {
      this.#collect()
      if (this.#buffers.filled === this.capabilities.batchSize) return this.#deliver()
      if (!this.#armed && this.#provide()) this.#arm()
      else if (this.#rings.hasWork()) this.#enter(0, 0)
      else if (this.#buffers.filled > 0) return this.#deliver()
      else if (this.#rings.look()) continue
      else if (!this.#provide()) throw this.#noFreeFrames()
      else if (wait === 0 || this.loss.hasNews) return this.#foundNothing()
      else {
        this.#enter(0, wait)
        wait = 0
      }
    }
  }

  /** Adds the frames of the completions to the batch under construction, until it is full. */
  #collect(): void {
    const rings = this.#rings
    if (!rings.look()) return
    const { batchSize } = this.capabilities
    let failure = 0
    while (this.#buffers.filled < batchSize && rings.next()) {
      if ((rings.flags & CompletionFlag.Buffer) !== 0) this.#account(rings.flags >>> BUFFER_SHIFT)
      if ((rings.flags & CompletionFlag.More) === 0) {
        this.#armed = false
        if (rings.result < 0) failure = -rings.result
      }
    }
    rings.giveBack()
    // The socket was overrun, or no frame was left: only the kernel's counter shows which.
    if (failure === Errno.ENOBUFS) {
      this.loss.noteOverrun()
      // The kernel thread may lag with a full queue: after a first loss the counter is always read.
      if (this.#kernelThread) this.loss.always = true
    } else if (failure !== 0) throw systemError(UringStep.Arm, failure)
  }

  #account(frame: number): void {
    const buffers = this.#buffers
    buffers.describe(frame)
    const { words } = buffers
    const word = frame * FRAME_WORDS
    if (!this.#foreignSenders && words[word + FrameWord.PortId] !== 0) {
      this.counts.foreign++
      buffers.discard(frame)
      return
    }
    this.countFrame(words[word + FrameWord.Length] as number, words[word + FrameWord.FullLength] as number)
    buffers.add(frame)
  }

  #deliver(): FrameBatch {
    return this.#buffers.take(this.countBatch(this.#buffers.filled))
  }

  #foundNothing(): undefined {
    this.loss.noteEmpty()
    return undefined
  }

  /** Provides frames to the kernel. Returns whether it has any; without one its request ends at once. */
  #provide(): boolean {
    this.#buffers.provide(this.#provision)
    return this.#buffers.provided > 0
  }

  #noFreeFrames(): TransportError {
    const { frameCount } = this.capabilities
    return new TransportError('NO_FREE_FRAMES', 'receive', `live batches have all ${frameCount} frames; release one`)
  }

  #arm(): void {
    this.#armed = true
    this.#rings.submit()
    this.#enter(1, 0)
  }

  #enter(submit: number, timeout: number): void {
    this.counts.systemCalls++
    check(UringStep.Arm, this.#native.uringEnter(this.#handle, submit, timeout))
  }

  #readable(status: number): void {
    if (status < 0) this.fail(systemError('wait', -status))
    else this.wake()
  }
}

/**
 * The number of frames by which a batch may exceed its size: the maximum of one turn of the kernel's work
 * (MULTISHOT_MAX_RETRY of io_uring/net.c).
 */
const OVERSHOOT = 32

/**
 * Without a kernel thread, the kernel fills frames only while a batch is made: with just enough frames for that,
 * released ones are filled again while they are in the cache. A kernel thread works ahead as far as there are frames.
 */
function provision({ kernelThread, frames, batchSize }: CheckedUringOptions): number {
  return kernelThread ? frames : Math.min(frames, batchSize + OVERSHOOT)
}

/** @param provided frames that the kernel has at one time */
function setUpRings(native: NativeBinding, handle: NativeHandle, kernelThread: boolean, provided: number): UringRings {
  // Room for every frame that can be filled and for the end of the request, so that completions never wait in the
  // kernel.
  const completions = powerOfTwo(provided + 1)
  const setUp = (flags: number) =>
    native.uringSetUp(handle, SUBMISSIONS, completions, flags | SetupFlag.CompletionCount, THREAD_IDLE)
  let result = setUp(kernelThread ? THREADED : DEFERRED)
  if (result === -Errno.EINVAL && !kernelThread) result = setUp(COOPERATIVE)
  check(UringStep.SetUp, result)
  const queues = native.uringMap(handle)
  if (typeof queues === 'number') throw systemError(UringStep.Map, -queues)
  return new UringRings(queues)
}

/** Without `SINGLE_ISSUER`, which brings a ring with a kernel thread nothing: another thread ends it. */
const THREADED = SetupFlag.KernelThread
const DEFERRED = SetupFlag.SingleIssuer | SetupFlag.DeferredWork | SetupFlag.WorkFlag
/** The flags that Linux 6.0 supports. */
const COOPERATIVE = SetupFlag.SingleIssuer | SetupFlag.CooperativeWork | SetupFlag.WorkFlag

function provideBuffers(
  native: NativeBinding,
  handle: NativeHandle,
  { frames: count, batchSize, holdLimit, socket }: CheckedUringOptions,
  provided: number,
): UringBuffers {
  const stride = frameStride(FRAME_HEAD + socket.frameSize)
  const memory = native.uringProvide(handle, count, stride, powerOfTwo(provided))
  if (typeof memory === 'number') throw systemError(UringStep.Provide, -memory)
  return new UringBuffers(memory, { count, stride, batchSize, holdLimit })
}

/**
 * The next power of two from `count` on. The kernel locks the memory of its rings, and users may lock little, so it is
 * no larger than needed.
 */
function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(count))
}
