import { Memory } from '@ringlink/codec/memory'
import { describeFrame, FRAME_WORDS, FrameWord } from '../../src/index.ts'
import {
  KernelReceiveRing,
  type KernelRingQuirks,
  ReceiveRing,
  type ReceiveRingOptions,
  RING_FULL,
  RingFrames,
  type RingGeometry,
} from '../../src/netlink-ring/index.ts'

/** Both ends of a receive ring, each with its own view of the same memory, and a receive queue between them. */
export class BothEnds {
  readonly kernel: KernelReceiveRing
  readonly user: ReceiveRing
  readonly queue: Uint8Array[] = []

  constructor(geometry: RingGeometry, quirks: KernelRingQuirks = {}, options: Partial<ReceiveRingOptions> = {}) {
    const buffer = new ArrayBuffer(geometry.blockSize * geometry.blockCount)
    this.kernel = new KernelReceiveRing(new RingFrames(new Memory(buffer), geometry), quirks)
    const frames = new RingFrames(new Memory(buffer), geometry)
    this.user = new ReceiveRing(frames, {
      receiveCopy: (offset, capacity, words, index) => {
        const message = this.queue.shift()
        if (message === undefined) return false
        frames.memory.u8.set(message.subarray(0, capacity), offset)
        describeFrame(words, index / FRAME_WORDS, Math.min(message.length, capacity), message.length, 0, 0)
        return true
      },
      ...options,
    })
  }

  /** Builds a message in a frame and delivers it. Returns the frame, or a negative refusal. */
  direct(message: Uint8Array, size: number = message.length): number {
    const frame = this.kernel.reserve(size)
    if (frame >= 0) this.complete(frame, message)
    return frame
  }

  complete(frame: number, message: Uint8Array, at: number = this.kernel.frames.data(frame)): void {
    this.kernel.frames.memory.u8.set(message, at)
    this.kernel.deliver(frame, { length: message.length })
  }

  copied(message: Uint8Array): number {
    const frame = this.kernel.beginCopied()
    if (frame === RING_FULL) return frame
    this.queue.push(message)
    this.kernel.finishCopied(frame, { length: message.length })
    return frame
  }

  /** The bytes of a frame taken. */
  read(frame: number): Uint8Array {
    const length = this.user.words[frame * FRAME_WORDS + FrameWord.Length] as number
    return this.user.frames.memory.copy(this.user.offsets[frame] ?? 0, length)
  }

  /** Poll's POLLIN, of the ring or the receive queue. */
  readable(): boolean {
    return this.queue.length > 0 || this.kernel.readable()
  }
}

/** A message like the kernel's: its length, then `number`, then bytes derived from it. */
export function message(number: number, length = 16 + (number % 37)): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length).map((_, i) => (number * 31 + i) & 0xff)
  const data = new DataView(bytes.buffer)
  data.setUint32(0, length, LITTLE_ENDIAN)
  data.setUint32(4, number, LITTLE_ENDIAN)
  return bytes
}

/** The number of a message that {@link message} made. */
export function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, LITTLE_ENDIAN)
}

export const LITTLE_ENDIAN: boolean = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/** A geometry of `count` frames, each in a block of its own. */
export function frames(count: number, frameSize = 2052): RingGeometry {
  return { blockSize: Math.ceil(frameSize / 4096) * 4096, blockCount: count, frameSize, frameCount: count }
}

/** Takes and releases all frames. Returns the numbers of the messages. */
export function drain(
  { user, ...ends }: BothEnds,
  read = (frame: number) => BothEnds.prototype.read.call({ user, ...ends }, frame),
) {
  const numbers: number[] = []
  for (let frame = user.take(); frame >= 0; frame = user.take()) {
    numbers.push(numberOf(read(frame)))
    user.release(frame)
  }
  return numbers
}
