import { Memory } from '@ringlink/codec'
import { runFilter, type SocketFilter } from '@ringlink/transport'
import type { ReceiveQueue } from './receive-queue.ts'
import type { Receiver } from './receiver.ts'

/** A dump on its way to a socket. */
export interface Dump {
  /** Writes the next chunk into the socket's receiver; false when there was no room for it. */
  next(): boolean
}

/** The properties of a socket at opening, and those that `setsockopt` changes. */
export interface SocketSettings {
  readonly portId: number
  readonly protocol: number
  /** NETLINK_EXT_ACK */
  readonly extendedAck: boolean
  /** NETLINK_CAP_ACK */
  readonly cappedAck: boolean
  /** NETLINK_GET_STRICT_CHK */
  readonly strictChecking: boolean
  /** SO_ATTACH_FILTER: the program that decides which messages are queued */
  readonly socketFilter?: SocketFilter | undefined
  /** its owner has CAP_NET_ADMIN; may be lost later */
  privileged: boolean
}

/** A netlink socket, seen from the kernel. */
export class SimSocket {
  readonly settings: SocketSettings
  /** where messages for it are built; the receive queue, or a ring in front of it */
  receiver: Receiver
  readonly queue: ReceiveQueue
  readonly groups: Set<number> = new Set()
  /** the most that the user has made room for in one receive, which chunks of dumps are made to fit */
  largestReceive = 0
  /** the dump that runs, of which there is one at a time */
  dump: Dump | undefined

  /** called when there may be something to receive */
  arrived: () => void = () => {}

  constructor(settings: SocketSettings, queue: ReceiveQueue) {
    this.settings = settings
    this.queue = queue
    this.receiver = queue
  }

  /** Whether its filter keeps a message of `size` bytes. */
  keeps(size: number, write: (memory: Memory, offset: number) => number): boolean {
    const { socketFilter } = this.settings
    if (socketFilter === undefined) return true
    const memory = new Memory(size)
    return runFilter(socketFilter, memory, 0, write(memory, 0)) !== 0
  }

  get portId(): number {
    return this.settings.portId
  }

  /** Called after the user received a message: as in the kernel, a dump continues once half of the buffer is free. */
  received(): void {
    const { queue } = this
    if (this.dump !== undefined && queue.charged <= queue.limit / 2) this.dump.next()
    queue.relieve()
  }
}
