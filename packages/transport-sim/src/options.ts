import { TransportError, type TransportNeeds } from '@ringlink/transport'
import type { RingGeometry, RingTransportOptions } from '@ringlink/transport/netlink-ring'
import { DATABASE_PROTOCOL } from './database.ts'
import type { RingKernelOptions } from './rings/ring-socket.ts'

/** How a simulated socket gets memory-mapped rings. What is left out follows from the socket's options. */
export interface SimRingOptions extends Pick<RingTransportOptions, 'holdLimit' | 'dumpAllocations' | 'transmit'> {
  /** the receive ring; by default one of the frames that a plain socket would have */
  readonly receive?: RingGeometry | undefined
  /** what kernel it is; by default 4.4.1 without its dump bug */
  readonly kernel?: RingKernelOptions | undefined
}

/** How a transport to a simulated kernel is opened. Sizes are bytes; what is left out is as it is on a socket. */
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
  /** deliver also what other sockets send to this port; default false: such frames are counted and dropped */
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
  readonly groups: readonly number[]
  readonly portId: number
  readonly privileged: boolean
  readonly noOverrunErrors: boolean
  readonly extendedAck: boolean
  readonly cappedAck: boolean
  readonly foreignSenders: boolean
}

/** Protocols of the simulated kernel: netfilter, and the database. */
export const protocols: readonly number[] = [12, DATABASE_PROTOCOL]
/** Groups that a socket can join. */
export const GROUPS = 32

const DEFAULT_FRAME_SIZE = 32768
const DEFAULT_OUTBOX_SIZE = 128 * 1024
const SLAB_TARGET = 2 * 1024 * 1024

/** Checks every option once and fills in the defaults. Throws code `ARGUMENT`. */
export function checkSimOptions(options: SimOptions): CheckedSimOptions {
  const frameSize = wholeNumber(options.frameSize ?? DEFAULT_FRAME_SIZE, 'frameSize', 64, 1 << 20)
  const largeBatch = Math.max(16, Math.min(64, Math.floor(SLAB_TARGET / frameSize)))
  return {
    protocol: wholeNumber(options.protocol, 'protocol', 0, 255),
    frameSize,
    batchSize: wholeNumber(options.batchSize ?? largeBatch, 'batchSize', 1, 1024),
    liveBatches: wholeNumber(options.liveBatches ?? 4, 'liveBatches', 1, 1024),
    outboxSize: wholeNumber(options.outboxSize ?? DEFAULT_OUTBOX_SIZE, 'outboxSize', 64, 1 << 28),
    receiveBufferSize:
      options.receiveBufferSize === undefined
        ? undefined
        : wholeNumber(options.receiveBufferSize, 'receiveBufferSize', 1, 0x7fffffff),
    groups: options.groups ?? [],
    portId: wholeNumber(options.portId ?? 0, 'portId', 0, 0xffffffff),
    privileged: options.privileged ?? true,
    noOverrunErrors: options.noOverrunErrors ?? false,
    extendedAck: options.extendedAck ?? true,
    cappedAck: options.cappedAck ?? true,
    foreignSenders: options.foreignSenders ?? false,
  }
}

function wholeNumber(value: number, name: string, minimum: number, maximum: number): number {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value
  throw new TransportError(
    'ARGUMENT',
    'open simulated socket',
    `${name} is ${value}; a whole number from ${minimum} to ${maximum} is wanted`,
  )
}
