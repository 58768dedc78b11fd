import { align4 } from '@ringlink/codec/memory'
import {
  boolean,
  either,
  integer,
  list,
  type Members,
  OptionPlace,
  object,
  readOptions,
  type Schema,
  text,
} from '@ringlink/codec/options'
import { frameStride, type SocketFilter, type TransportNeeds, transportNeeds } from '@ringlink/transport'

/** Options of `openSocket`. Sizes are bytes; defaults follow from the use. */
export interface SocketOptions extends TransportNeeds {
  /** frames in one batch, 1 to 64; default 64, fewer if frames are large */
  readonly batchSize?: number | undefined
  /** batches that can be live at one time; default 4 */
  readonly liveBatches?: number | undefined
  /** network namespace to open it in: a path (`/run/netns/blue`, `/proc/1234/ns/net`) or an open descriptor of one */
  readonly networkNamespace?: string | number | undefined
  /** multicast groups to join, numbers from 1 */
  readonly groups?: readonly number[] | undefined
  /** port id of the socket; default a free one that the kernel chooses */
  readonly portId?: number | undefined
  /** do not wake up for losses (`NETLINK_NO_ENOBUFS`); they are still counted at the next wake-up */
  readonly noOverrunErrors?: boolean | undefined
  /** errors with the kernel's message and the attribute at fault (`NETLINK_EXT_ACK`); default true */
  readonly extendedAck?: boolean | undefined
  /** errors without the body of the request (`NETLINK_CAP_ACK`); default true */
  readonly cappedAck?: boolean | undefined
  /** make the kernel refuse unknown parts of get requests (`NETLINK_GET_STRICT_CHK`); default true */
  readonly strictChecking?: boolean | undefined
  /** also deliver frames that other processes send to this port; default false: they are counted and dropped */
  readonly foreignSenders?: boolean | undefined
}

/** Checked options with defaults applied. */
export interface CheckedOptions {
  protocol: number
  frameSize: number
  batchSize: number
  liveBatches: number
  outboxSize: number
  receiveBufferSize: number | undefined
  socketFilter: SocketFilter | undefined
  networkNamespace: string | number | null
  groups: readonly number[]
  portId: number
  noOverrunErrors: boolean
  extendedAck: boolean
  cappedAck: boolean
  strictChecking: boolean
  foreignSenders: boolean
}

/** The largest chunk of a dump in bytes, so that every message that the kernel sends by itself fits. */
export const DEFAULT_FRAME_SIZE = 32768
/** Room for four thousand verdicts, or for one changed packet of the largest size and its neighbours. */
export const DEFAULT_OUTBOX_SIZE = 128 * 1024
const DEFAULT_LIVE_BATCHES = 4
/** Maximum frames for one `recvmmsg`; measured, more bring nothing. */
export const MAXIMUM_BATCH_SIZE = 64

/** Offsets of frames must fit into a signed 32-bit number. */
const MAXIMUM_BYTES = 2 ** 31
const SLAB_TARGET = 2 * 1024 * 1024
const MINIMUM_LARGE_BATCH = 16

/** The members of a socket's options, for transports that open one. */
export const socketMembers: Members<SocketOptions> = {
  ...transportNeeds,
  batchSize: integer(1, MAXIMUM_BATCH_SIZE),
  liveBatches: integer(1, 1024),
  networkNamespace: either(text(1, 4096), integer(0, 0x7fffffff)),
  groups: list(integer(1, 0x7fffffff)),
  portId: integer(0, 0xffffffff),
  noOverrunErrors: boolean,
  extendedAck: boolean,
  cappedAck: boolean,
  strictChecking: boolean,
  foreignSenders: boolean,
}
const socketOptions: Schema<SocketOptions> = object<SocketOptions>(socketMembers)

/** Checks every option once and fills in the defaults. Throws `OptionError`. */
export function checkOptions(given: SocketOptions, operation = 'open socket'): CheckedOptions {
  const options = readOptions(operation, socketOptions, given)
  const { frameSize = DEFAULT_FRAME_SIZE, liveBatches = DEFAULT_LIVE_BATCHES } = options
  const { batchSize = defaultBatchSize(frameSize) } = options
  if (liveBatches * batchSize * frameStride(align4(frameSize)) >= MAXIMUM_BYTES) {
    const problem = `of ${batchSize} frames of ${frameSize} bytes are more than 2 GiB, got ${liveBatches}; use fewer, or smaller frames (batchSize, frameSize)`
    throw new OptionPlace(operation, 'liveBatches').error('VALUE_RANGE', problem)
  }
  return {
    protocol: options.protocol,
    frameSize,
    batchSize,
    liveBatches,
    outboxSize: options.outboxSize ?? DEFAULT_OUTBOX_SIZE,
    receiveBufferSize: options.receiveBufferSize,
    socketFilter: options.socketFilter,
    networkNamespace: options.networkNamespace ?? null,
    groups: options.groups ?? [],
    portId: options.portId ?? 0,
    noOverrunErrors: options.noOverrunErrors ?? false,
    extendedAck: options.extendedAck ?? true,
    cappedAck: options.cappedAck ?? true,
    strictChecking: options.strictChecking ?? true,
    foreignSenders: options.foreignSenders ?? false,
  }
}

/** Large frames come in small numbers: measured with segmentation offload, 1.3 per batch. */
function defaultBatchSize(frameSize: number): number {
  return Math.max(MINIMUM_LARGE_BATCH, Math.min(MAXIMUM_BATCH_SIZE, Math.floor(SLAB_TARGET / frameSize)))
}
