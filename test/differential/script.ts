import { Hook, type LogConfig, type QueueConfig } from '@ringlink/codec'
import type { RuleLog } from '@ringlink/transport-sim'

/** The sockets of a script. */
export type SocketName = 'a' | 'b'

/**
 * A verdict of a script. Its packet is named by its distance from the last packet of the queue that was read: 0 is that
 * one.
 */
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
  | {
      readonly do: 'log'
      readonly socket: SocketName
      readonly group: number
      readonly config: LogConfig
      readonly family?: number
      readonly acknowledge?: boolean
    }
  /** lets time pass until the log group, if it is the socket's own, has sent what waits in it; then reads */
  | { readonly do: 'expire'; readonly socket: SocketName; readonly group: number }
  /** the bytes of a message after its netlink header, whose type and flags are given */
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

/** The actions on packets to a port, in the order of these members. */
export interface PortRule {
  /** `Hook`; default Output */
  readonly hook?: number
  readonly mark?: number
  readonly logs?: readonly RuleLog[]
  readonly queue?: number
  /** let them pass if the queue has no listener */
  readonly bypass?: boolean
}
export type PortRules = Readonly<Record<number, PortRule>>

/** The ports of a script for queues. */
export const ports = { first: 5000, second: 5001, bypass: 5002, marked: 5003, direct: 5004 } as const
export const queueRules: PortRules = {
  [ports.first]: { queue: 0 },
  [ports.second]: { queue: 1 },
  [ports.bypass]: { queue: 0, bypass: true },
  [ports.marked]: { mark: 7, queue: 1 },
  [ports.direct]: {},
}

/** The ports of a script for logs. */
export const logPorts = {
  plain: 5010,
  other: 5011,
  prefixed: 5012,
  short: 5013,
  bare: 5014,
  eager: 5015,
  marked: 5016,
  input: 5017,
  twice: 5018,
  queued: 5019,
  direct: 5020,
} as const
/** Groups 5 and 21 share a bucket of the kernel's table. */
export const logRules: PortRules = {
  [logPorts.plain]: { logs: [{ group: 5 }] },
  [logPorts.other]: { logs: [{ group: 21 }] },
  [logPorts.prefixed]: { logs: [{ group: 5, prefix: 'seen: ' }] },
  [logPorts.short]: { logs: [{ group: 5, copyLength: 31, prefix: 'p'.repeat(63) }] },
  [logPorts.bare]: { logs: [{ group: 6, copyLength: 0 }] },
  [logPorts.eager]: { logs: [{ group: 5, threshold: 3 }] },
  [logPorts.marked]: { mark: 7, logs: [{ group: 6, prefix: 'seven' }] },
  [logPorts.input]: { hook: Hook.Input, logs: [{ group: 6, prefix: 'in' }] },
  [logPorts.twice]: {
    logs: [
      { group: 21, prefix: 'once' },
      { group: 5, prefix: 'twice', threshold: 1 },
    ],
  },
  [logPorts.queued]: { logs: [{ group: 6 }], queue: 0, bypass: true },
  [logPorts.direct]: {},
}
