import {
  boolean,
  integer,
  list,
  type Members,
  OptionPlace,
  object,
  readOptions,
  type Schema,
} from '@ringlink/codec/options'
import { planRing, type RingGeometry } from '@ringlink/transport/netlink-ring'
import { type CheckedOptions, checkOptions, type SocketOptions, socketMembers } from '@ringlink/transport-socket'

/** Options of a netlink ring. Sizes are bytes; defaults follow from the use. */
export interface NetlinkRingOptions
  extends Omit<SocketOptions, 'liveBatches' | 'batchSize' | 'noOverrunErrors' | 'strictChecking'> {
  /**
   * frames that the kernel fills, and that can be live or held at one time, 1 to 65536; default one for every 2304
   * bytes of `receiveBufferSize` (the cost of a packet on a socket), 256 without it, and fewer if that would exceed 16
   * MiB, which the kernel allocates at once
   */
  readonly frames?: number | undefined
  /** frames in one batch; default 256, at most a quarter of the frames */
  readonly batchSize?: number | undefined
  /**
   * Maximum frames held in place (SKIP); further ones are copied out. Default: half the frames on an nfnetlink socket
   * without groups, if the kernel steps over such frames, which is tried when opening; otherwise none.
   */
  readonly holdLimit?: number | undefined
  /**
   * Frames of a transmit ring, 1 to 65536; default 0: none, and a flush is one ordinary send, which costs the kernel
   * one copy as well. The frames hold 3776 bytes each.
   */
  readonly transmitFrames?: number | undefined
  /** allocation sizes of the protocol's dumps that exceed a page, in bytes (`min_dump_alloc`: nl80211, links) */
  readonly dumpAllocations?: readonly number[] | undefined
  /** overwrite released frames, to expose code that still reads them; default false */
  readonly poison?: boolean | undefined
}

/** Checked options with defaults applied. */
export interface CheckedNetlinkRingOptions extends CheckedOptions {
  receive: RingGeometry
  transmit: RingGeometry | undefined
  /** `undefined`: half the frames, if the kernel steps over them */
  holdLimit: number | undefined
  dumpAllocations: readonly number[]
  poison: boolean
}

/** `NETLINK_NETFILTER` */
const NETFILTER = 12
/**
 * Allocation size of dumps and log batches in bytes (`NLMSG_GOODSIZE`): with smaller frames they would come through the
 * receive queue.
 */
export const MINIMUM_CAPACITY = 3776
/**
 * Bytes that the kernel reserves beyond the message that it then builds: nfnetlink_queue counts every possible
 * attribute, conntrack's with its longest names. With less room, a message that would fit goes to the receive queue.
 */
export const ALLOCATION_ROOM = 512
const DEFAULT_FRAMES = 256
/** The cost of a packet without its payload, in bytes of a socket's accounting. */
const BUFFER_PER_PACKET = 2304
/** The kernel allocates a ring at once, and keeps it in memory. */
const FRAMES_TARGET = 16 * 1024 * 1024
const MINIMUM_FRAMES = 16
const MAXIMUM_FRAMES = 65536
const MAXIMUM_RING = 2 ** 30
const LARGEST_BATCH = 256

const { liveBatches: _, batchSize: __, noOverrunErrors: ___, strictChecking: ____, ...others } = socketMembers

/** The members of these options, for functions that open any kind of ring. */
export const netlinkRingMembers: Members<NetlinkRingOptions> = {
  ...others,
  frames: integer(1, MAXIMUM_FRAMES),
  batchSize: integer(1, MAXIMUM_FRAMES),
  holdLimit: integer(0, MAXIMUM_FRAMES),
  transmitFrames: integer(0, MAXIMUM_FRAMES),
  dumpAllocations: list(integer(1, 1 << 20)),
  poison: boolean,
}
const netlinkRingOptions: Schema<NetlinkRingOptions> = object<NetlinkRingOptions>(netlinkRingMembers)
const OPERATION = 'open netlink ring'

/** Checks every option once and fills in the defaults. Throws `OptionError`. */
export function checkNetlinkRingOptions(given: NetlinkRingOptions, pageSize: number): CheckedNetlinkRingOptions {
  const options = readOptions(OPERATION, netlinkRingOptions, given)
  const { frames, batchSize, holdLimit, transmitFrames = 0, dumpAllocations = [], poison = false, ...rest } = options
  const socket = checkOptions(rest, OPERATION)
  const capacity = Math.max(MINIMUM_CAPACITY, socket.frameSize + ALLOCATION_ROOM)
  const asked = frames ?? defaultFrames(capacity, options.receiveBufferSize)
  const receive = planRing({ capacity, frameCount: asked, pageSize })
  if (receive.blockSize * receive.blockCount > MAXIMUM_RING) {
    const problem = `are more than 1 GiB, ${asked} of ${capacity} bytes; use fewer, or smaller ones (frameSize)`
    throw place('frames').error('VALUE_RANGE', problem)
  }
  const count = receive.frameCount
  return {
    ...socket,
    batchSize: within('batchSize', batchSize ?? Math.max(1, Math.min(LARGEST_BATCH, count >> 2)), 1, count),
    receive,
    transmit:
      transmitFrames === 0 ? undefined : planRing({ capacity: MINIMUM_CAPACITY, frameCount: transmitFrames, pageSize }),
    holdLimit: holdLimit === undefined ? defaultHoldLimit(socket) : within('holdLimit', holdLimit, 0, count - 1),
    dumpAllocations,
    poison,
  }
}

/** Checks an option whose bounds depend on others. Throws code `VALUE_RANGE`. */
function within(name: string, value: number, minimum: number, maximum: number): number {
  return integer(minimum, maximum).read(value, place(name))
}

function place(name: string): OptionPlace {
  return new OptionPlace(OPERATION, name)
}

/**
 * Messages to groups, and most answers of other protocols, come through the receive queue; held frames would lose them.
 */
function defaultHoldLimit({ protocol, groups }: CheckedOptions): number | undefined {
  return protocol === NETFILTER && groups.length === 0 ? undefined : 0
}

function defaultFrames(capacity: number, receiveBufferSize: number | undefined): number {
  const wanted = receiveBufferSize === undefined ? DEFAULT_FRAMES : Math.ceil(receiveBufferSize / BUFFER_PER_PACKET)
  const most = Math.floor(FRAMES_TARGET / capacity)
  return Math.min(MAXIMUM_FRAMES, Math.max(MINIMUM_FRAMES, Math.min(wanted, most)))
}
