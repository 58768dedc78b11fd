// A queue that accepts and drops, and a log, over every transport of the kernel that runs here, each fed by a rule;
// every packet is accounted for.

import assert from 'node:assert/strict'
import { openLog, openQueue } from '@ringlink/client'
import { Namespace } from '@ringlink/test-support/namespace'
import type { TransportNeeds } from '@ringlink/transport'
import { openSocket } from '@ringlink/transport-socket'
import { soakTransports } from '../soak/round.ts'
import { step } from './steps.ts'

const count = Number(process.env.PACKETS ?? 500)
const rule = (port: number) => ({ hook: 'output', match: { protocol: 'udp', destinationPort: port } }) as const
let port = 9000

await using namespace = await Namespace.open()
const ruleTransport = (needs: TransportNeeds) => openSocket({ ...needs, networkNamespace: namespace.path })

for (const [name, openIn] of await soakTransports()) {
  const transport = openIn(namespace.path)

  await step(`a queue over a ${name}, ${count} packets`, async () => {
    port++
    await namespace.listen(port)
    const queue = await openQueue({ number: 5, transport, ruleTransport, rule: rule(port) })
    const reading = (async () => {
      for await (const packets of queue)
        for (const packet of packets) packet.id % 3 === 0 ? packet.drop() : packet.accept()
    })()
    assert.deepEqual(await namespace.send({ port, count }), { failed: 0 })
    await queue.finish()
    await reading
    const dropped = Math.floor(count / 3)
    const { packets, accepted, lost, refused } = queue.stats
    assert.deepEqual(
      { packets, accepted, lost, refused },
      { packets: count, accepted: count - dropped, lost: 0, refused: 0 },
    )
    await namespace.waitFor(port, count - dropped)
    assert.equal((await namespace.received(port)).count, count - dropped)
    return undefined
  })

  await step(`a log over a ${name}, ${count} packets`, async () => {
    port++
    await namespace.listen(port)
    const log = await openLog({ group: 5, transport, ruleTransport, rule: { ...rule(port), prefix: 'seen' } })
    let seen = 0
    const reading = (async () => {
      for await (const records of log)
        for (const record of records) {
          assert.equal(record.prefix(), 'seen')
          seen++
        }
    })()
    await namespace.send({ port, count })
    await log.finish()
    await reading
    assert.equal(seen, count)
    assert.equal(log.stats.lost, 0)
    return undefined
  })
}
