// A host: its rule logs the traffic of its network namespace, and what the kernel logs is published, not decoded.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { publish } from '@ringlink/transport-nats'
import { openLog, openSocket, type TransportNeeds } from 'ringlink'
import { GROUP, type HostAnswer, type HostCommand, PORT, SERVER, STREAM, THRESHOLD } from './protocol.ts'

const [host = 'host', bufferSize = '67108864'] = process.argv.slice(2)
/** Milliseconds to wait at the end for a server that was just started again. */
const PATIENCE = 20_000

function answer(message: HostAnswer): void {
  process.send?.(message)
}

/** The process whose namespace is the host's. */
async function openNamespace() {
  const traffic = fileURLToPath(new URL('traffic.js', import.meta.url))
  const child = fork(traffic, { execPath: 'unshare', execArgv: ['-n', process.execPath] })
  const [failure] = await Promise.race([once(child, 'message').then(() => []), once(child, 'exit')])
  if (failure !== undefined) throw new Error(`the network namespace of ${host} ended: ${failure}`)
  return child
}

async function main(): Promise<void> {
  const traffic = await openNamespace()
  const networkNamespace = `/proc/${traffic.pid}/ns/net`
  const open = (needs: TransportNeeds) => openSocket({ ...needs, networkNamespace })
  const log = await openLog({
    ...{ group: GROUP, threshold: THRESHOLD, timeout: 100, copyRange: 128, bufferSize: 65_536 },
    ...{ receiveBufferSize: 1 << 27, transport: open, ruleTransport: open },
    rule: { hook: 'output', match: { protocol: 'udp', destinationPort: PORT } },
  })
  const publisher = await publish(log.frames(), {
    ...{ servers: SERVER, stream: STREAM, host, bufferSize: Number(bufferSize), delay: 20 },
    messageSize: Math.min(131_072, Math.max(32_768, Math.floor(Number(bufferSize) / 8))),
  })
  process.on('message', (command: HostCommand) => {
    void run(command).catch((error: unknown) =>
      answer({ problem: error instanceof Error ? error.message : String(error) }),
    )
  })
  answer({ ready: true })

  async function run(command: HostCommand): Promise<void> {
    if ('send' in command) {
      traffic.send(command.send)
      await once(traffic, 'message')
      answer({ sent: command.send })
      return
    }
    if ('reconnects' in command) {
      answer({ reconnects: publisher.stats.reconnects })
      return
    }
    const counters = (await log.rules?.counters()) ?? []
    await log.finish()
    await publisher.finish({ timeout: PATIENCE })
    answer({ report: { logged: counters.reduce((sum, { packets }) => sum + packets, 0), stats: publisher.stats } })
    traffic.disconnect()
  }
}

process.once('disconnect', () => process.exit())
await main().catch((error: unknown) => answer({ problem: error instanceof Error ? error.message : String(error) }))
