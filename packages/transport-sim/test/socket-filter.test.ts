/** What a socket with a filter receives from the simulated kernel. */

import { type ConnectionTuple, openConntrack } from '@ringlink/client'
import { ConntrackMessage } from '@ringlink/codec'
import { expect, test } from 'vitest'
import { SimKernel } from '../src/index.ts'

const tuple = (sourcePort: number): ConnectionTuple => ({
  ...{ sourceAddress: '10.0.0.1', destinationAddress: '10.0.0.2', protocol: 'udp' },
  ...{ sourcePort, destinationPort: 53 },
})

test('a simulated socket queues what its filter keeps, and nothing else', async () => {
  const kernel = new SimKernel({ seed: 1 })
  await using conntrack = await openConntrack({ transport: (needs) => kernel.open(needs) })
  await using events = await conntrack.events({ filter: { protocol: 'udp', sourcePort: 2 } })
  for (const port of [1, 2, 3]) await conntrack.create({ original: tuple(port), timeout: 60_000 })
  await conntrack.delete({ original: tuple(2) })
  const seen: string[] = []
  for await (const batch of events) {
    for (const view of batch) seen.push(`${view.event} ${view.original.sourcePort} ${view.messageType}`)
    if (seen.length >= 2) break
  }
  expect(seen).toEqual([`new 2 ${ConntrackMessage.New}`, `destroy 2 ${ConntrackMessage.Delete}`])
  expect(events.stats.notifications).toBe(2)
})
