import type { FrameBatch } from '../transport.ts'
import type { Random } from './random.ts'

/** Counters of faults since the transport was opened. */
export interface FaultStats {
  /** messages dropped silently */
  dropped: number
  /** messages duplicated */
  duplicated: number
  /** messages swapped with the following one */
  reordered: number
  /** messages truncated */
  truncated: number
  /** messages with a flipped bit */
  corrupted: number
  /** messages delayed */
  delayed: number
  /** of these, messages not delivered yet */
  waiting: number
  /** messages lost and reported, as by the kernel */
  overrun: number
  /** flushes that did not send everything */
  shortSends: number
}

/** Counters at zero. */
export function noFaults(): FaultStats {
  return {
    dropped: 0,
    duplicated: 0,
    reordered: 0,
    truncated: 0,
    corrupted: 0,
    delayed: 0,
    waiting: 0,
    overrun: 0,
    shortSends: 0,
  }
}

/** A received frame on its way through the faults. Immutable: a change makes another frame. */
export interface FaultFrame {
  readonly byteLength: number
  readonly fullLength: number
  readonly portId: number
  readonly groups: number
  /** The bytes of the frame, its own or those of its batch; valid until the batch is released, and read-only. */
  bytes(): Uint8Array
}

/** Frame `index` of a batch, in place. */
export function frameIn(batch: FrameBatch, index: number): FaultFrame {
  const offset = batch.offset(index)
  const byteLength = batch.byteLength(index)
  return {
    byteLength,
    fullLength: batch.fullLength(index),
    portId: batch.portId(index),
    groups: batch.groups(index),
    bytes: () => batch.memory.u8.subarray(offset, offset + byteLength),
  }
}

/** A copy of a frame with these bytes, which it owns. */
export function frameOf({ fullLength, portId, groups }: FaultFrame, bytes: Uint8Array): FaultFrame {
  return { byteLength: bytes.length, fullLength, portId, groups, bytes: () => bytes }
}

/** The tools of a fault. */
export interface FaultContext {
  readonly random: Random
  readonly stats: FaultStats
  /** Reports messages as lost. */
  lose(count: number): void
}

/** Applies a fault to the frames of one batch of the transport below, and returns the resulting frames. */
export type ReceiveFault = (frames: readonly FaultFrame[], context: FaultContext) => readonly FaultFrame[]
/** Returns how many of `commits` a flush sends. */
export type SendFault = (commits: number, context: FaultContext) => number

/** One kind of fault, for `withFaults`. Each transport gets separate state. */
export interface Fault {
  /** it loses messages that nobody counts */
  readonly isSilent?: boolean | undefined
  /** it changes the order of messages */
  readonly reorders?: boolean | undefined
  readonly makeReceive?: () => ReceiveFault
  readonly makeSend?: () => SendFault
}
