import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { ADDRESS, DATAGRAMS, DROPPED_PORT, DROPPED_TEXT, fateOf, KEPT_PORT, TCP_PORT } from './traffic.ts'

const ACKNOWLEDGE_EVERY = 32

/** Where the traffic arrives: two UDP ports, and a TCP port that sends back what comes. */
export class Receiver implements AsyncDisposable {
  /** datagrams, on both ports */
  datagrams = 0
  /** datagrams that the filter should have dropped, by their port or their text */
  forbidden = 0
  /** datagrams that came a second time */
  repeated = 0
  tcpBytes = 0
  #allowed = 0
  #seen = new Uint8Array(DATAGRAMS)
  #sockets: Socket[] = []
  #server: Server

  private constructor() {
    // The other side may have said all before we have sent it all back.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('data', (bytes) => {
        this.tcpBytes += bytes.length
      })
      // The sender gave up, and its report has the reason.
      socket.on('error', () => {})
      socket.pipe(socket)
    })
  }

  static async open(): Promise<Receiver> {
    const receiver = new Receiver()
    await receiver.#bind(KEPT_PORT)
    await receiver.#bind(DROPPED_PORT)
    receiver.#server.listen(TCP_PORT, ADDRESS)
    await once(receiver.#server, 'listening')
    return receiver
  }

  /**
   * Whether a datagram arrives now at the port whose packets the filter drops; within a second. It is counted as any
   * other.
   */
  async passes(): Promise<boolean> {
    const [sender, receiver] = this.#sockets
    if (sender === undefined || receiver === undefined) return false
    const arrived = once(receiver, 'message').then(() => true)
    sender.send(Buffer.alloc(8), DROPPED_PORT, ADDRESS)
    return Promise.race([arrived, setTimeout(1000, false, { ref: false })])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.close()
    this.#server.close()
  }

  async #bind(port: number): Promise<void> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1024 * 1024 })
    this.#sockets.push(socket)
    socket.on('message', (datagram, sender) => this.#onDatagram(socket, port, datagram, sender))
    socket.bind(port, ADDRESS)
    await once(socket, 'listening')
  }

  #onDatagram(socket: Socket, port: number, datagram: Buffer, sender: RemoteInfo): void {
    const index = datagram.readUInt32BE()
    this.datagrams++
    if (port === DROPPED_PORT || fateOf(index) !== 'kept' || datagram.includes(DROPPED_TEXT)) {
      this.forbidden++
      return
    }
    this.#allowed++
    if (this.#seen[index] === 1) this.repeated++
    this.#seen[index] = 1
    const wantsAcknowledgement = datagram.readUInt32BE(4) === 1
    if (!wantsAcknowledgement && this.#allowed % ACKNOWLEDGE_EVERY !== 0) return
    // To a port that no rule names: acknowledgements are not queued.
    const acknowledgement = Buffer.alloc(4)
    acknowledgement.writeUInt32BE(this.#allowed)
    socket.send(acknowledgement, sender.port, sender.address)
  }
}
