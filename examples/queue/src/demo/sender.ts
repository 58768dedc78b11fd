// The sender of the demo's traffic: a process of its own, started by inside.ts, which it reports to.
import { createHash, randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import {
  ADDRESS,
  DATAGRAMS,
  DROPPED_PORT,
  DROPPED_TEXT,
  fateOf,
  KEPT_PORT,
  type SenderReport,
  TCP_BYTES,
  TCP_PORT,
} from './traffic.ts'

/** Datagrams that are on their way at one time: less than a receive buffer of default size holds. */
const WINDOW = 128
/** milliseconds without an acknowledgement after which something is lost */
const PATIENCE = 3000

/**
 * Sends datagrams as fast as the receiver acknowledges them, so that no buffer overflows on the way. Those that the
 * filter drops are never acknowledged and go along in between.
 */
class DatagramSender {
  sent = 0
  #kept: Socket
  #dropped: Socket
  #limit = 0
  #acknowledged = 0
  #unacknowledged = 0
  #inKernel = 0
  #finish: (() => void) | undefined

  constructor(kept: Socket, dropped: Socket) {
    this.#kept = kept
    this.#dropped = dropped
    kept.on('message', (message) => {
      const acknowledged = message.readUInt32BE()
      this.#unacknowledged -= acknowledged - this.#acknowledged
      this.#acknowledged = acknowledged
      this.#pump()
    })
  }

  static async open(): Promise<DatagramSender> {
    const [kept, dropped] = await Promise.all([connectedSocket(KEPT_PORT), connectedSocket(DROPPED_PORT)])
    return new DatagramSender(kept, dropped)
  }

  /**
   * Sends up to datagram `limit`; resolves when all that are not dropped were acknowledged, rejects when that stops.
   */
  async sendUpTo(limit: number): Promise<void> {
    this.#limit = limit
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve
    })
    let before = -1
    const watch = setInterval(() => {
      if (this.#acknowledged === before) this.#finish?.()
      before = this.#acknowledged
    }, PATIENCE)
    this.#pump()
    await finished
    clearInterval(watch)
    if (this.#unacknowledged > 0) throw new Error(`${this.#unacknowledged} datagrams were not acknowledged`)
  }

  close(): void {
    this.#kept.close()
    this.#dropped.close()
  }

  #pump(): void {
    while (this.sent < this.#limit && this.#unacknowledged < WINDOW && this.#inKernel < WINDOW) this.#send(this.sent++)
    if (this.sent === this.#limit && this.#unacknowledged === 0 && this.#inKernel === 0) this.#finish?.()
  }

  #send(index: number): void {
    const fate = fateOf(index)
    const datagram = Buffer.alloc(64 + (index % 400), 'ringlink ')
    datagram.writeUInt32BE(index)
    // The receiver acknowledges now and then, and always this one.
    datagram.writeUInt32BE(index === this.#limit - 1 ? 1 : 0, 4)
    if (fate === 'dropped by text') datagram.write(DROPPED_TEXT, 16 + (index % 32))
    if (fate === 'kept') this.#unacknowledged++
    this.#inKernel++
    const socket = fate === 'dropped by port' ? this.#dropped : this.#kept
    socket.send(datagram, () => {
      this.#inKernel--
      this.#pump()
    })
  }
}

async function connectedSocket(port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.connect(port, ADDRESS)
  await once(socket, 'connect')
  return socket
}

/** Sends bytes to a server that sends them back. */
async function exchange(): Promise<{ sent: number; received: number; intact: boolean }> {
  const socket = connect({ port: TCP_PORT, host: ADDRESS })
  const [there, back] = [createHash('sha256'), createHash('sha256')]
  let received = 0
  socket.on('data', (bytes) => {
    received += bytes.length
    back.update(bytes)
  })
  const ended = once(socket, 'end')
  const block = randomBytes(256 * 1024)
  let sent = 0
  while (sent < TCP_BYTES) {
    block.writeUInt32BE(sent)
    // A copy: the socket may read it later than the next turn of the loop writes to it.
    const bytes = Buffer.from(block)
    there.update(bytes)
    sent += bytes.length
    if (!socket.write(bytes)) await once(socket, 'drain')
  }
  socket.end()
  await ended
  return { sent, received, intact: there.digest('hex') === back.digest('hex') }
}

async function main(): Promise<SenderReport> {
  const datagrams = await DatagramSender.open()
  let tcp = { sent: 0, received: 0, intact: false }
  let problem: string | undefined
  try {
    const [result] = await Promise.all([exchange(), datagrams.sendUpTo(DATAGRAMS - 1)])
    tcp = result
    await datagrams.sendUpTo(DATAGRAMS)
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error)
  }
  datagrams.close()
  return {
    datagrams: datagrams.sent,
    tcpBytesSent: tcp.sent,
    tcpBytesReceived: tcp.received,
    tcpIntact: tcp.intact,
    problem,
  }
}

// The parent process is gone, so the traffic is not needed.
process.once('disconnect', () => process.exit())
const report = await main()
process.send?.(report, () => process.exit())
