/**
 * How fast the simulated kernel alone is: packets injected, queued, read by the client in batches, accepted and
 * delivered.
 */
import { openQueue } from '@ringlink/client'
import { SimKernel, type SimRingOptions } from '../src/index.ts'

/** Packets waiting at one time: the default length of a queue. */
const BURST = 1024

/** Moves `total` packets of `size` bytes, through a ring if there is one; packets per second. */
export async function drain(total: number, size: number, copyRange: number, ring?: SimRingOptions): Promise<number> {
  const kernel = new SimKernel({ seed: 1 })
  kernel.addRule({ hook: 3, queue: 0 })
  const queue = await openQueue({
    number: 0,
    copyRange,
    maxLength: 2 * BURST,
    transport: (needs) => kernel.open({ ...needs, ring }),
  })
  const packet = new Uint8Array(size)
  packet[0] = 0x45
  packet[9] = 17
  for (let i = 0; i < BURST; i++) kernel.inject(packet)
  let seen = 0
  const start = performance.now()
  for await (const packets of queue) {
    for (const it of packets) it.accept()
    seen += packets.length
    if (seen >= total) break
    if (seen % BURST === 0) for (let i = 0; i < BURST; i++) kernel.inject(packet)
  }
  const seconds = (performance.now() - start) / 1000
  if (kernel.delivered < total) throw new Error(`${kernel.delivered} of ${total} packets were delivered`)
  await queue.close()
  return seen / seconds
}
