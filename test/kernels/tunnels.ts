// Packets that a tunnel has wrapped, queued with segmentation offload: the partial checksum is that of the packet
// inside, and packets that are sent back must carry a complete one. For kernels with these tunnels.

import assert from 'node:assert/strict'
import { openQueue, type QueuePacket } from '@ringlink/client'
import { transportChecksum } from '@ringlink/packet'
import { Namespace } from '@ringlink/test-support/namespace'
import { soakTransports } from '../soak/round.ts'
import { NOT_HERE, step } from './steps.ts'

const PACKETS = 10
const ADDRESSES = ['10.0.0.1', '10.0.0.2']
/** How `ip link` makes each, and the protocol of its packets. */
const tunnels = [
  ['ipip', 'ipip', 4],
  ['gre', 'gre', 47],
  ['gre with a checksum', 'gre csum', 47],
] as const
const answers: Record<string, (packet: QueuePacket) => void> = {
  'accepted as they are': (packet) => packet.accept(),
  'sent back, with a checksum': (packet) => packet.accept({ edit: {} }),
}

await using left = await Namespace.open()
await using right = await Namespace.open()
let port = 9000

await step('two hosts with tunnels', async () => {
  try {
    await ip(left, [`link add net type veth peer name net netns ${right.pid}`])
    for (const [own, host] of [left, right].entries()) {
      const made = tunnels.flatMap(([, type], index) => [
        // A key for each, or the second one of GRE would be the first one.
        `link add t${index} type ${type} local ${ADDRESSES[own]} remote ${ADDRESSES[1 - own]}${index > 1 ? ' key 5' : ''}`,
        `address add 10.${index + 1}.0.${own + 1}/24 dev t${index}`,
        `link set t${index} up`,
      ])
      await ip(host, [`address add ${ADDRESSES[own]}/24 dev net`, 'link set net up', ...made])
    }
  } catch (error) {
    console.log(`skipped: there can be no tunnels: ${String(error).trim()}`)
    process.exit(NOT_HERE)
  }
  return undefined
})

for (const [name, openIn] of await soakTransports())
  for (const [index, [tunnel, , protocol]] of tunnels.entries())
    for (const [what, answer] of Object.entries(answers))
      await step(`${name}: packets in ${tunnel}, ${what}`, async () => {
        const transport = openIn(left.path)
        const rule = { hook: 'output', match: { protocol } } as const
        const address = `10.${index + 1}.0.2`
        await right.listen(++port, address)
        const options = { number: 5, segmentationOffload: true, unanswered: 'drop' } as const
        const queue = await openQueue({ ...options, transport, ruleTransport: transport, rule })
        let partial = 0
        const reading = (async () => {
          for await (const packets of queue)
            for (const packet of packets) {
              if (packet.isChecksumPartial && transportChecksum(packet.headers().innermost()) === 'partial') partial++
              answer(packet)
            }
        })()
        await left.send({ port, address, count: PACKETS })
        await right.waitFor(port, PACKETS)
        await queue.close()
        await reading
        assert.equal(partial, PACKETS)
        return undefined
      })

function ip(namespace: Namespace, commands: readonly string[]): Promise<string> {
  return namespace.run('sh', '-c', `printf '%s\\n' "$@" | ip -batch -`, 'sh', ...commands)
}
