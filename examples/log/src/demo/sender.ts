// The sender of the demo's traffic: a process of its own, started by inside.ts, which it reports to.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { ADDRESS, DATAGRAMS, DNS_PORT, QUESTIONS, type SenderReport, TCP_BYTES, TCP_PORT, UDP_PORT } from './traffic.ts'

/** Datagrams that are on their way into the kernel at one time. */
const WINDOW = 32

/** Sends `count` consecutive datagrams. */
async function sendDatagrams(port: number, count: number, datagram: (index: number) => Buffer): Promise<void> {
  const socket = createSocket('udp4')
  let next = 0
  const sendOn = async () => {
    while (next < count) {
      const bytes = datagram(next++)
      await new Promise<void>((resolve, reject) => {
        socket.send(bytes, port, ADDRESS, (error) => (error === null ? resolve() : reject(error)))
      })
    }
  }
  try {
    await Promise.all(Array.from({ length: WINDOW }, sendOn))
  } finally {
    socket.close()
  }
}

function question(index: number): Buffer {
  const header = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0])
  header.writeUInt16BE(index)
  const labels = [`host-${index}`, 'ringlink', 'example'].map((label) => Buffer.from(`.${label}`))
  for (const label of labels) label[0] = label.length - 1
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])])
}

async function sendStream(): Promise<void> {
  const socket = connect({ port: TCP_PORT, host: ADDRESS })
  socket.resume()
  const closed = once(socket, 'close')
  socket.end(Buffer.alloc(TCP_BYTES, 'ringlink '))
  await closed
}

async function main(): Promise<SenderReport> {
  try {
    await Promise.all([
      sendDatagrams(UDP_PORT, DATAGRAMS, (index) => Buffer.alloc(32 + (index % 400), 'ringlink ')),
      sendDatagrams(DNS_PORT, QUESTIONS, question),
      sendStream(),
    ])
    return { problem: undefined }
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
}

// The parent process is gone, so the traffic is not needed.
process.once('disconnect', () => process.exit())
const report = await main()
process.send?.(report, () => process.exit())
