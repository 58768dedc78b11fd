import {
  boolean,
  integer,
  list,
  object,
  oneOf,
  readArgument,
  readOptions,
  required,
  type Schema,
} from '@ringlink/codec/options'
import { type SocketFilter, type TransportNeeds, transportNeeds } from '@ringlink/transport'
import type { RingGeometry, RingTransportOptions } from '@ringlink/transport/netlink-ring'
import type { RingKernelOptions } from './rings/ring-socket.ts'

/** Options of memory-mapped rings on a simulated socket. Defaults follow from the socket's options. */
export interface SimRingOptions extends Pick<RingTransportOptions, 'holdLimit' | 'dumpAllocations' | 'transmit'> {
  /** the receive ring; by default one of the frames that a plain socket would have */
  readonly receive?: RingGeometry | undefined
  /** the kernel version's behaviour; default 4.4.1 without its dump bug */
  readonly kernel?: RingKernelOptions | undefined
}

/** Options of a transport to a simulated kernel. Sizes are bytes; defaults are those of a socket. */
export interface SimOptions extends TransportNeeds {
  /** frames in one batch; default 64, fewer where frames are large */
  readonly batchSize?: number | undefined
  /** batches that can be live at one time; default 4 */
  readonly liveBatches?: number | undefined
  /** multicast groups to join, numbers from 1 */
  readonly groups?: readonly number[] | undefined
  /** the port id to have; left out: the kernel chooses one that is free */
  readonly portId?: number | undefined
  /** the process has CAP_NET_ADMIN; default true */
  readonly privileged?: boolean | undefined
  /** do not wake up for losses (`NETLINK_NO_ENOBUFS`) */
  readonly noOverrunErrors?: boolean | undefined
  /** errors with the kernel's own words and the attribute at fault (`NETLINK_EXT_ACK`); default true */
  readonly extendedAck?: boolean | undefined
  /** errors without the body of the request (`NETLINK_CAP_ACK`); default true */
  readonly cappedAck?: boolean | undefined
  /** make the kernel refuse unknown parts of get requests (`NETLINK_GET_STRICT_CHK`); default true */
  readonly strictChecking?: boolean | undefined
  /** also deliver frames that other sockets send to this port; default false: they are counted and dropped */
  readonly foreignSenders?: boolean | undefined
  /** receive through a memory-mapped ring, as Linux 3.10 to 4.5 has them; `{}` for one that fits the other options */
  readonly ring?: SimRingOptions | undefined
}

/** Options that were checked, with their defaults. */
export interface CheckedSimOptions {
  readonly protocol: number
  readonly frameSize: number
  readonly batchSize: number
  readonly liveBatches: number
  readonly outboxSize: number
  readonly receiveBufferSize: number | undefined
  readonly socketFilter: SocketFilter | undefined
  readonly groups: readonly number[]
  readonly portId: number
  readonly privileged: boolean
  readonly noOverrunErrors: boolean
  readonly extendedAck: boolean
  readonly cappedAck: boolean
  readonly strictChecking: boolean
  readonly foreignSenders: boolean
  readonly ring: SimRingOptions | undefined
}

const DEFAULT_FRAME_SIZE = 32768
const DEFAULT_OUTBOX_SIZE = 128 * 1024
const SLAB_TARGET = 2 * 1024 * 1024

const geometry = object<RingGeometry>({
  blockSize: required(integer(0, 0xffffffff)),
  blockCount: required(integer(0, 0xffffffff)),
  frameSize: required(integer(0, 0xffffffff)),
  frameCount: required(integer(0, 0xffffffff)),
})
const ringKernel: Schema<RingKernelOptions> = object<RingKernelOptions>({
  skip: oneOf('forwards', 'broken'),
  readable: oneOf('any', 'previous'),
  dumpTrim: boolean,
  pageSize: integer(4096, 1 << 20),
  privileged: boolean,
  ringMemory: integer(0, Number.MAX_SAFE_INTEGER),
})
const ring = object<SimRingOptions>({
  receive: geometry,
  transmit: geometry,
  kernel: ringKernel,
  holdLimit: integer(0, 0xffffffff),
  dumpAllocations: list(integer(1, 1 << 20)),
})
const simOptions: Schema<SimOptions> = object<SimOptions>({
  ...transportNeeds,
  batchSize: integer(1, 1024),
  liveBatches: integer(1, 1024),
  groups: list(integer(1, 0x7fffffff)),
  portId: integer(0, 0xffffffff),
  privileged: boolean,
  noOverrunErrors: boolean,
  extendedAck: boolean,
  cappedAck: boolean,
  strictChecking: boolean,
  foreignSenders: boolean,
  ring,
})

/** Checks every option once and fills in the defaults. Throws `OptionError`. */
export function checkSimOptions(given: SimOptions): CheckedSimOptions {
  const options = readOptions('open simulated socket', simOptions, given)
  const { frameSize = DEFAULT_FRAME_SIZE } = options
  return {
    protocol: options.protocol,
    frameSize,
    batchSize: options.batchSize ?? Math.max(16, Math.min(64, Math.floor(SLAB_TARGET / frameSize))),
    liveBatches: options.liveBatches ?? 4,
    outboxSize: options.outboxSize ?? DEFAULT_OUTBOX_SIZE,
    receiveBufferSize: options.receiveBufferSize,
    socketFilter: options.socketFilter,
    groups: options.groups ?? [],
    portId: options.portId ?? 0,
    privileged: options.privileged ?? true,
    noOverrunErrors: options.noOverrunErrors ?? false,
    extendedAck: options.extendedAck ?? true,
    cappedAck: options.cappedAck ?? true,
    strictChecking: options.strictChecking ?? true,
    foreignSenders: options.foreignSenders ?? false,
    ring: options.ring,
  }
}

/** Checks the options of a ring system. Throws `OptionError`. */
export function checkRingKernel(given: RingKernelOptions): RingKernelOptions {
  return readArgument('open simulated socket', 'kernel', ringKernel, given)
}
