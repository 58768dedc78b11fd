// Opens what needs privileges, with the privileges that this process has, and prints the outcome.
import { openQueue, openTransport } from '../../packages/ringlink/dist/index.js'

const result = { uid: process.getuid(), transport: await kindOfTransport(), queue: await outcome() }
console.log(JSON.stringify(result))

async function kindOfTransport() {
  const transport = await openTransport({ protocol: 12 })
  const { kind } = transport.capabilities
  await transport.close()
  return kind
}

async function outcome() {
  try {
    const rule = { hook: 'output', match: { protocol: 'udp', destinationPort: 9 } }
    const queue = await openQueue({ number: 0, rule })
    await queue.close()
    return 'open'
  } catch (error) {
    return `${error.code}: ${error.message}`
  }
}
