import type { QueueConfig } from '../../packages/codec/src/index.ts'

/** The sockets of a script. */
export type SocketName = 'a' | 'b'

/** A verdict of a script. Its packet is named by its distance from the last packet of the queue that was read: 0 is that one. */
export interface ScriptVerdict {
  readonly queue: number
  readonly back: number
  readonly verdict: number
  readonly batch?: boolean
  readonly mark?: number
  readonly priority?: number
  /** replaces the packet by one with this text, to the same port */
  readonly text?: string
  /** replaces the packet by this many zero bytes */
  readonly zeros?: number
  readonly acknowledge?: boolean
}

/** One step. The same script runs on the real kernel and on the simulated one. */
export type Step =
  | {
      readonly do: 'open'
      readonly socket: SocketName
      readonly receiveBufferSize?: number
      readonly noOverrunErrors?: boolean
      readonly cappedAck?: boolean
      readonly extendedAck?: boolean
    }
  | { readonly do: 'close'; readonly socket: SocketName }
  | {
      readonly do: 'config'
      readonly socket: SocketName
      readonly queue: number
      readonly config: QueueConfig
      readonly acknowledge?: boolean
    }
  /** a message as bytes behind its netlink header, of which type and flags are given */
  | {
      readonly do: 'raw'
      readonly socket: SocketName
      readonly type: number
      readonly flags: number
      readonly body: readonly number[]
      /** bytes of the message to send; default all */
      readonly cut?: number
    }
  | { readonly do: 'traffic'; readonly port: number; readonly count: number; readonly size: number }
  /** reads batches until nothing is left, or that many */
  | { readonly do: 'read'; readonly socket: SocketName; readonly batches?: number }
  | { readonly do: 'verdicts'; readonly socket: SocketName; readonly verdicts: readonly ScriptVerdict[] }
  | { readonly do: 'counters'; readonly socket: SocketName }
  /** compares what was delivered so far */
  | { readonly do: 'delivered' }

/** The ports of a script, and what becomes of packets to them. */
export const ports = {
  /** to queue 0 */
  first: 5000,
  /** to queue 1 */
  second: 5001,
  /** to queue 0, or on when nobody listens there */
  bypass: 5002,
  /** marked 7, to queue 1 */
  marked: 5003,
  /** on its way without being queued */
  direct: 5004,
} as const
