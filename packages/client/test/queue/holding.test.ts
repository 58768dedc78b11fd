/** Held packets (hold in packet.ts, Verdicts) on the simulated kernel. */

import { SimKernel, type SimOptions } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import { udp } from '../../../transport-sim/test/support.ts'
import { type HeldPacket, openQueue } from '../../src/index.ts'

const receive = { blockSize: 4096, blockCount: 124, frameSize: 4096, frameCount: 124 }

/** The transports of the simulated kernel. */
const kinds: Record<string, Partial<SimOptions>> = {
  'a plain socket': {},
  'a ring that copies': { ring: { receive } },
  'a ring that holds half its frames in place': { ring: { receive, holdLimit: 62 } },
  'a ring that holds all its frames but two in place': { ring: { receive, holdLimit: 122 } },
}

describe.each(Object.entries(kinds))('over %s of the simulated kernel', (_, kind) => {
  test.each([513, 1000, 10_000])('%i packets are held and the loop continues; then all are accepted', async (count) => {
    const kernel = new SimKernel({ seed: 1 })
    kernel.addRule({ hook: 3, queue: 0 })
    let delivered = 0
    kernel.onDelivered(() => delivered++)
    await using queue = await openQueue({
      ...{ number: 0, copyRange: 1024, maxLength: count + 1 },
      transport: (needs) => kernel.open({ ...needs, ...kind }),
    })
    const held: HeldPacket[] = []
    const inject = () => kernel.inject(udp(5000, `${held.length}`))
    inject()
    for await (const packets of queue) {
      for (const packet of packets) held.push(packet.hold())
      if (held.length === count) break
      inject()
    }
    const { stats } = queue.session.transport
    expect(stats).toMatchObject({ held: count, lost: 0 })
    expect(queue.stats).toMatchObject({ packets: count, lost: 0 })
    for (const packet of held) packet.accept()
    await queue.flush()
    expect(stats.held).toBe(0)
    expect(delivered).toBe(count)
  })
})
