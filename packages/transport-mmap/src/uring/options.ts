import {
  boolean,
  integer,
  type Members,
  OptionPlace,
  object,
  readOptions,
  type Schema,
  schemaOf,
} from '@ringlink/codec/options'
import { frameStride } from '@ringlink/transport'
import { type CheckedOptions, checkOptions, type SocketOptions, socketMembers } from '@ringlink/transport-socket'

/** Options of an io_uring ring. Sizes are bytes; defaults follow from the use. */
export interface UringOptions extends Omit<SocketOptions, 'liveBatches' | 'batchSize'> {
  /**
   * frames that the kernel fills and that can be live or held at one time: a power of two, 2 to 32768; default 4096,
   * fewer if frames are large
   */
  readonly frames?: number | undefined
  /** frames in one batch, 1 to `frames`; default 256, at most a quarter of the frames */
  readonly batchSize?: number | undefined
  /**
   * Maximum frames held in place at one time, 0 to `frames - 1`; further ones are copied out, so that the kernel always
   * has frames to fill. Default: half of the frames.
   */
  readonly holdLimit?: number | undefined
  /**
   * Receive on a kernel thread (`IORING_SETUP_SQPOLL`) while this thread answers. Faster if a core is free for that
   * thread, which spins while there is traffic; much slower if none is. Default false.
   */
  readonly kernelThread?: boolean | undefined
}

/** Checked options with defaults applied. */
export interface CheckedUringOptions {
  socket: CheckedOptions
  frames: number
  batchSize: number
  holdLimit: number
  kernelThread: boolean
}

export const DEFAULT_FRAMES = 4096
/** Default maximum memory of frames in bytes. Frames that are never filled are never allocated. */
const FRAMES_TARGET = 64 * 1024 * 1024
const MINIMUM_FRAMES = 256
/** The kernel's limit on a ring of provided buffers. */
const MAXIMUM_FRAMES = 32768
const DEFAULT_BATCH_SIZE = 256
/** Shifted offsets of frames must fit into a signed 32-bit number. */
const MAXIMUM_BYTES = 2 ** 31

const { liveBatches: _, batchSize: __, ...others } = socketMembers
const frameCounts = schemaOf(`a power of two from 2 to ${MAXIMUM_FRAMES}`, ['number'], (frames: number, place) => {
  const isPowerOfTwo = Number.isInteger(frames) && (frames & (frames - 1)) === 0
  if (isPowerOfTwo && frames >= 2 && frames <= MAXIMUM_FRAMES) return frames
  throw place.outOfRange(`a power of two from 2 to ${MAXIMUM_FRAMES}`, frames)
})

/** The members of these options, for functions that open any kind of ring. */
export const uringMembers: Members<UringOptions> = {
  ...others,
  frames: frameCounts,
  batchSize: integer(1, MAXIMUM_FRAMES),
  holdLimit: integer(0, MAXIMUM_FRAMES),
  kernelThread: boolean,
}
const uringOptions: Schema<UringOptions> = object<UringOptions>(uringMembers)
const OPERATION = 'open uring'

/** Checks every option once and fills in the defaults. Throws `OptionError`. */
export function checkUringOptions(given: UringOptions): CheckedUringOptions {
  const options = readOptions(OPERATION, uringOptions, given)
  const { frames, batchSize, holdLimit, kernelThread = false, ...rest } = options
  const socket = checkOptions(rest, OPERATION)
  const frameCount = frames ?? defaultFrames(socket.frameSize)
  if (frameCount * frameStride(FRAME_HEAD + socket.frameSize) >= MAXIMUM_BYTES) {
    const problem = `are more than 2 GiB, ${frameCount} of ${socket.frameSize} bytes; use fewer, or smaller ones (frameSize)`
    throw new OptionPlace(OPERATION, 'frames').error('VALUE_RANGE', problem)
  }
  const batch = batchSize ?? Math.max(1, Math.min(DEFAULT_BATCH_SIZE, frameCount >> 2))
  integer(1, frameCount).read(batch, new OptionPlace(OPERATION, 'batchSize'))
  const hold = holdLimit ?? frameCount >> 1
  integer(0, frameCount - 1).read(hold, new OptionPlace(OPERATION, 'holdLimit'))
  return { socket, frames: frameCount, batchSize: batch, holdLimit: hold, kernelThread }
}

/** Bytes that the kernel writes before a message: `struct io_uring_recvmsg_out`, then `struct sockaddr_nl`. */
export const FRAME_HEAD = 28

function defaultFrames(frameSize: number): number {
  let frames = DEFAULT_FRAMES
  while (frames > MINIMUM_FRAMES && frames * frameSize > FRAMES_TARGET) frames >>= 1
  return frames
}
