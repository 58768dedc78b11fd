/** A receive that waits on a simulated ring. */

import { setImmediate } from 'node:timers/promises'
import type { FrameBatch } from '@ringlink/transport'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EchoKernel } from './support.ts'

const receive = { blockSize: 4096, blockCount: 8, frameSize: 4096, frameCount: 8 }
const packet = (number: number) => Uint8Array.of(number, 1, 2, 3, 4, 5, 6, 7)
const firstBytes = (batch: FrameBatch) =>
  Array.from({ length: batch.length }, (_, index) => batch.memory.u8[batch.offset(index)])

/** Resolves once everything due without another message has happened, in simulated time too. */
async function settle(kernel: EchoKernel): Promise<void> {
  for (let turn = 0; turn < 8; turn++) {
    await setImmediate()
    kernel.host.clock.advance(1)
  }
}

describe('a receive that waits', () => {
  test('finds a full ring of which poll says nothing, because the frame before the head of the kernel was released', async () => {
    const kernel = new EchoKernel({ readable: 'previous' })
    const transport = kernel.open({ receive, holdLimit: 4 })
    kernel.put(packet(0))
    const kept = await transport.receive()
    for (let number = 1; kernel.put(packet(number)); number++);
    // Meets the overrun, and waits: the last batch was not full. The poll of the wait moved the head past the batch
    // that is kept.
    transport.events.on('overrun', () => kept.release())
    const batch = await transport.receive()
    expect(firstBytes(batch)).toEqual([1, 2, 3, 4])
    batch.release()
    expect(firstBytes(await transport.receive())).toEqual([5, 6, 7])
    await transport.close()
  })

  test('gets NO_FREE_FRAMES even after a batch that was not full: no message can come that would wake it', async () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive, batchSize: 3 })
    for (let number = 0; number < 8; number++) kernel.put(packet(number))
    const live = [await transport.receive(), await transport.receive(), await transport.receive()]
    expect(live.map((batch) => batch.length)).toEqual([3, 3, 2])
    await expect(transport.receive()).rejects.toMatchObject({ code: 'NO_FREE_FRAMES' })
    await transport.close()
  })

  const step = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), count: fc.integer({ min: 1, max: 9 }) }),
    fc.record({ kind: fc.constant('release' as const), index: fc.nat(8) }),
    fc.record({ kind: fc.constant('settle' as const) }),
    fc.record({ kind: fc.constant('abort' as const) }),
  )

  test('has received everything in the ring, on every kind of kernel, for any releases and abandoned waits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          skip: fc.constantFrom('forwards' as const, 'broken' as const),
          readable: fc.constantFrom('any' as const, 'previous' as const),
        }),
        fc.boolean(),
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 40 }),
        async (quirks, holds, batchSize, steps) => {
          const kernel = new EchoKernel(quirks)
          const holdLimit = holds && quirks.skip === 'forwards' ? 4 : 0
          const transport = kernel.open({ receive, batchSize, holdLimit })
          const live: FrameBatch[] = []
          transport.events.on('overrun', () => live.shift()?.release())
          const seen: (number | undefined)[] = []
          const sent: number[] = []
          let controller = new AbortController()
          let waiting = false
          const next = () => {
            if (waiting) return
            waiting = true
            transport.receive({ signal: controller.signal }).then(
              (batch) => {
                waiting = false
                live.push(batch)
                seen.push(...firstBytes(batch))
                next()
              },
              () => {
                waiting = false
              },
            )
          }
          let number = 0
          for (const { kind, ...one } of [...steps, { kind: 'settle' as const }]) {
            if (kind === 'put' && 'count' in one) {
              for (let put = 0; put < one.count; put++, number++)
                if (kernel.put(packet(number & 255))) sent.push(number & 255)
            } else if (kind === 'release' && 'index' in one) {
              live.splice(one.index % Math.max(1, live.length), 1)[0]?.release()
            } else if (kind === 'abort') {
              controller.abort()
              controller = new AbortController()
            } else if (kind === 'settle') {
              next()
              await settle(kernel)
              next()
              await settle(kernel)
              expect(seen).toEqual(sent)
              // Room for what comes next.
              while (live.length > 1) live.pop()?.release()
            }
          }
          await transport.close()
        },
      ),
      { numRuns: 150, seed: 20261126 },
    )
  })
})
