import type { Memory } from '@ringlink/codec'
import type { VirtualClock } from './clock.ts'
import type { SimSocket } from './netlink/socket.ts'

/** What a transport needs from its kernel. */
export interface TransportHost {
  readonly clock: VirtualClock
  /** Processes the messages that a socket sends. */
  send(socket: SimSocket, memory: Memory, offset: number, length: number): void
  /** 0 or a negative errno */
  join(socket: SimSocket, group: number): number
  leave(socket: SimSocket, group: number): number
  /** `undefined` if there is no such file */
  readProcNet(name: string): string | undefined
  closed(socket: SimSocket): void
}
