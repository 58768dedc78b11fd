// The traffic of a host, and its network namespace: a process of its own, started by host.ts, which asks it to send.
import { createSocket } from 'node:dgram'
import { raiseLoopback } from '@ringlink/example-shared/loopback'
import { PORT } from './protocol.ts'

/** Datagrams that are on their way into the kernel at one time. */
const WINDOW = 32

await raiseLoopback(65_536)
const receiver = createSocket('udp4').bind(PORT, '127.0.0.1')
const sender = createSocket('udp4')
const payload = Buffer.alloc(64, 'ringlink ')

async function send(count: number): Promise<void> {
  let left = count
  const sendOn = async () => {
    while (left-- > 0) {
      await new Promise<void>((resolve, reject) => {
        sender.send(payload, PORT, '127.0.0.1', (error) => (error === null ? resolve() : reject(error)))
      })
    }
  }
  await Promise.all(Array.from({ length: WINDOW }, sendOn))
}

process.on('message', (count: number) => {
  void send(count).then(() => process.send?.(count))
})
process.once('disconnect', () => {
  receiver.close()
  process.exit()
})
process.send?.(0)
