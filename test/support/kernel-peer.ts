import type { Transport } from '@ringlink/transport'
import type { Ability, Peer } from '@ringlink/transport/conformance'
import type { SocketPeer } from './socket-peer.ts'

export const NETLINK_ROUTE = 0
const NLMSG_ERROR = 2
const NLM_F_REQUEST = 1
const EOPNOTSUPP = 95
/** A type unknown to rtnetlink: it answers with an error that repeats the whole request. */
const UNKNOWN_TYPE = 500
/** A group to which nothing is sent in a fresh namespace. */
export const OVERRUN_GROUP = 30

/** What the peer of a real socket cannot do. */
export const cannot: Partial<Record<Ability, string>> = {
  emptyMessages: 'Linux never sends an empty netlink message',
  partialSend: 'netlink accepts a send as a whole or not at all',
  poison: 'a socket does not overwrite released frames',
}

/** The peer of a transport on a real socket of NETLINK_ROUTE. */
export class KernelPeer implements Peer {
  #transport: Transport
  #other: SocketPeer

  constructor(transport: Transport, other: SocketPeer) {
    this.#transport = transport
    this.#other = other
  }

  async deliver(messages: readonly Uint8Array[]): Promise<void> {
    const { portId } = this.#transport
    await Promise.all(messages.map((message) => this.#other.send(portId, message)))
  }

  deliverForeign(messages: readonly Uint8Array[]): Promise<void> {
    return this.deliver(messages)
  }

  deliverToGroup(group: number, message: Uint8Array): Promise<void> {
    return this.#other.sendToGroup(group, message)
  }

  /** Fills the receive buffer until the kernel has counted that many drops at this socket. */
  async lose(count: number): Promise<void> {
    const filler = new Uint8Array(this.#transport.capabilities.frameSize).fill(0xf1)
    const target = this.#drops() + count
    while (this.#drops() < target) await this.#other.sendToGroup(OVERRUN_GROUP, filler)
  }

  request(index: number, byteLength: number): Uint8Array {
    const request = Buffer.alloc(byteLength, index + 1)
    request.writeUInt32LE(byteLength, 0)
    request.writeUInt16LE(UNKNOWN_TYPE, 4)
    request.writeUInt16LE(NLM_F_REQUEST, 6)
    request.writeUInt32LE(index, 8)
    request.writeUInt32LE(this.#transport.portId, 12)
    return new Uint8Array(request)
  }

  answered(message: Uint8Array): Uint8Array | undefined {
    const { buffer, byteOffset, length } = message
    if (length < 36) return undefined
    const data = new DataView(buffer, byteOffset, length)
    const isAnswer = data.getUint16(4, true) === NLMSG_ERROR && data.getInt32(16, true) === -EOPNOTSUPP
    return isAnswer ? message.slice(20, 20 + data.getUint32(20, true)) : undefined
  }

  sent(): readonly Uint8Array[] {
    const requests: Uint8Array[] = []
    for (let batch = this.#transport.poll(); batch !== undefined; batch = this.#transport.poll()) {
      for (const { offset, byteLength } of batch) {
        const request = this.answered(batch.memory.copy(offset, byteLength))
        if (request !== undefined) requests.push(request)
      }
      batch.release()
    }
    return requests
  }

  #drops(): number {
    const rows = this.#transport.readProcNet('netlink').trim().split('\n').slice(1)
    for (const row of rows) {
      // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
      const [, protocol, portId, , , , , , drops] = row.trim().split(/\s+/)
      if (Number(protocol) === NETLINK_ROUTE && Number(portId) === this.#transport.portId) return Number(drops)
    }
    throw new Error('the socket is not in /proc/net/netlink')
  }
}
