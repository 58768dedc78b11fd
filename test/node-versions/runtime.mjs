// Tries ringlink in this runtime: the simulated kernel answers a packet, and the real one's transport is opened or
// refused. Prints { accepted, kind } or { accepted, code, message }.
import { Protocol } from '../../packages/codec/dist/index.js'
import { openQueue, openTransport } from '../../packages/ringlink/dist/index.js'
import { SimKernel } from '../../packages/transport-sim/dist/index.js'

const kernel = new SimKernel()
const rule = { hook: 'output' }
const queue = await openQueue({ number: 0, transport: (needs) => kernel.open(needs), rule })
// An IPv4 header, and nothing in it.
kernel.inject(Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2))
for await (const packet of queue.packets()) {
  packet.accept()
  break
}
const { accepted } = queue.stats
await queue.close()

const real = await openTransport({ protocol: Protocol.Netfilter }).then(
  async (transport) => {
    await transport.close()
    return { kind: transport.capabilities.kind }
  },
  ({ name, code, message }) => ({ name, code, message }),
)
console.log(JSON.stringify({ accepted, ...real }))
