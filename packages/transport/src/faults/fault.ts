import type { FrameBatch } from '../transport.ts'
import type { Random } from './random.ts'

/** What faults have done since the transport was opened. */
export interface FaultStats {
  /** messages that vanished without a word */
  dropped: number
  /** messages that came twice */
  duplicated: number
  /** messages that changed places with the one behind them */
  reordered: number
  /** messages that were cut */
  truncated: number
  /** messages with a bit turned over */
  corrupted: number
  /** messages that came later */
  delayed: number
  /** of these, messages that have not come yet */
  waiting: number
  /** messages lost as the kernel loses them: reported */
  overrun: number
  /** flushes that sent less than everything */
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

/** A received frame on its way through the faults. It does not change; what would change it makes another. */
export interface FaultFrame {
  readonly byteLength: number
  readonly fullLength: number
  readonly portId: number
  readonly groups: number
  /** Its bytes, its own or those of the batch that it lies in; good until its batch is released, and not to be written. */
  bytes(): Uint8Array
}

/** Frame `index` of a batch, where it is. */
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

/** A frame as another was, but with these bytes, which are its own. */
export function frameOf({ fullLength, portId, groups }: FaultFrame, bytes: Uint8Array): FaultFrame {
  return { byteLength: bytes.length, fullLength, portId, groups, bytes: () => bytes }
}

/** What a fault works with. */
export interface FaultContext {
  readonly random: Random
  readonly stats: FaultStats
  /** Reports messages as lost. */
  lose(count: number): void
}

/** What a fault does to the frames of one batch of the transport below: the frames that go on. */
export type ReceiveFault = (frames: readonly FaultFrame[], context: FaultContext) => readonly FaultFrame[]
/** How many of `commits` a flush sends. */
export type SendFault = (commits: number, context: FaultContext) => number

/** One kind of trouble, to be given to `withFaults`. Each transport gets state of its own. */
export interface Fault {
  readonly makeReceive?: () => ReceiveFault
  readonly makeSend?: () => SendFault
}
