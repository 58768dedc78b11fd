import { Errno, type Memory, Protocol } from '@ringlink/codec'
import { systemError } from '@ringlink/transport'
import type { Random } from '@ringlink/transport/faults'
import type { CheckedSimOptions } from '../options.ts'
import { groupCounts } from './groups.ts'
import { ReceiveQueue } from './receive-queue.ts'
import { SimSocket } from './socket.ts'

/** Port id of the first socket of a protocol, which on Linux is the process id. */
const PROCESS_ID = 1000

type WriteMessage = (memory: Memory, offset: number) => number

/** The open sockets of a kernel, by protocol and port id. */
export class SocketTable {
  readonly #sockets = new Map<string, SimSocket>()
  readonly #random: Random
  readonly #smallBlock: number

  /** @param smallBlock bytes of the block of a small message */
  constructor(random: Random, smallBlock: number) {
    this.#random = random
    this.#smallBlock = smallBlock
  }

  /** Opens a socket. Throws code `SYSTEM` with the errno of `socket` or `bind`. */
  open(checked: CheckedSimOptions): SimSocket {
    const { protocol, portId, extendedAck, cappedAck, strictChecking, privileged, socketFilter } = checked
    if (!groupCounts.has(protocol)) throw systemError('open socket', Errno.EPROTONOSUPPORT)
    if (portId !== 0 && this.find(protocol, portId) !== undefined) throw systemError('bind', Errno.EADDRINUSE)
    const settings = {
      portId: portId === 0 ? this.#freePortId(protocol) : portId,
      protocol,
      extendedAck,
      cappedAck,
      strictChecking,
      socketFilter,
      privileged,
    }
    const { receiveBufferSize, noOverrunErrors } = checked
    const queue = new ReceiveQueue(receiveBufferSize, this.#smallBlock, !noOverrunErrors, () => socket.arrived())
    const socket: SimSocket = new SimSocket(settings, queue)
    for (const group of checked.groups) {
      const result = join(socket, group)
      if (result < 0) throw systemError('join group', -result)
    }
    this.#sockets.set(socketKey(protocol, socket.portId), socket)
    return socket
  }

  close({ settings, portId }: SimSocket): void {
    this.#sockets.delete(socketKey(settings.protocol, portId))
  }

  find(protocol: number, portId: number): SimSocket | undefined {
    return this.#sockets.get(socketKey(protocol, portId))
  }

  hasListeners(protocol: number, group: number): boolean {
    for (const { settings, groups } of this.#sockets.values()) {
      if (settings.protocol === protocol && groups.has(group)) return true
    }
    return false
  }

  /** Sends a message to the members of a group, except the socket of port `except`. */
  multicast(protocol: number, group: number, size: number, write: WriteMessage, except = 0): void {
    for (const socket of this.#sockets.values()) {
      if (socket.settings.protocol !== protocol || !socket.groups.has(group)) continue
      if (except !== 0 && socket.portId === except) continue
      if (!socket.keeps(size, write)) continue
      deliver(socket, size, write, 0, group <= 32 ? (1 << (group - 1)) >>> 0 : 0)
    }
  }

  /** The process id for the first socket, then one of the upper half, as Linux chooses them. */
  #freePortId(protocol: number): number {
    let portId = PROCESS_ID
    while (this.find(protocol, portId) !== undefined) portId = 0x80000000 + this.#random.below(0x7ffff000)
    return portId
  }
}

function socketKey(protocol: number, portId: number): string {
  return `${protocol} ${portId}`
}

/** 0, or the errno (negative) of a group that the socket cannot join or leave. */
function refuseGroup({ settings }: SimSocket, group: number): number {
  if (settings.protocol === Protocol.Netfilter && !settings.privileged) return -Errno.EPERM
  return group < 1 || group > (groupCounts.get(settings.protocol) ?? 0) ? -Errno.EINVAL : 0
}

export function join(socket: SimSocket, group: number): number {
  const refused = refuseGroup(socket, group)
  if (refused === 0) socket.groups.add(group)
  return refused
}

export function leave(socket: SimSocket, group: number): number {
  const refused = refuseGroup(socket, group)
  if (refused === 0) socket.groups.delete(group)
  return refused
}

export function writeBytes(message: Uint8Array): WriteMessage {
  return (memory, offset) => {
    memory.u8.set(message, offset)
    return message.length
  }
}

/** Delivers a message to one socket. False when it did not arrive. */
export function deliver(socket: SimSocket, size: number, write: WriteMessage, from: number, groups: number): boolean {
  const { receiver } = socket
  if (!receiver.allocate(size)) return false
  return receiver.deliver(write(receiver.memory, receiver.offset), 0, from, groups) === 0
}
