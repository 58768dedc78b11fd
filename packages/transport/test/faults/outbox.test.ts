import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { shortSend } from '../../src/faults/index.ts'
import { open, seeds } from './faulty-transport.ts'

describe('short sends', () => {
  test('send every commit once, in order, and say how many', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 16, max: 40 }), { maxLength: 12 }), seeds, async (lengths, seed) => {
        const { peer, transport } = open([shortSend({ probability: 0.7 })], seed)
        const requests = lengths.map((byteLength, index) => peer.request(index, byteLength))
        for (const request of requests) {
          transport.outbox.memory.u8.set(request, transport.outbox.reserve(request.length))
          transport.outbox.commit(request.length)
        }
        let sent = 0
        let failures = 0
        while (transport.outbox.pendingCommits > 0) {
          const before = transport.outbox.pendingCommits
          try {
            const count = transport.outbox.flush()
            expect(count).toBe(before)
            sent += count
          } catch (error) {
            expect(error).toMatchObject({ code: 'SYSTEM', sent: before - transport.outbox.pendingCommits })
            sent += before - transport.outbox.pendingCommits
            failures++
          }
        }
        expect(sent).toBe(requests.length)
        expect(peer.sent()).toEqual(requests)
        expect(transport.faults.shortSends).toBe(failures)
        expect(transport.stats.sent).toBe(sent)
        await transport.close()
      }),
    )
  })

  test('send as many as the limit says', async () => {
    const limits = [2, 0, 9]
    const { peer, transport } = open([shortSend({ limit: () => limits.shift() ?? 0 })], 1)
    const { outbox } = transport
    for (let index = 0; index < 5; index++) {
      outbox.memory.u8.set(peer.request(index, 16), outbox.reserve(16))
      outbox.commit(16)
    }
    expect(() => outbox.flush()).toThrow(expect.objectContaining({ sent: 2 }))
    expect(() => outbox.flush()).toThrow(expect.objectContaining({ sent: 0 }))
    expect(outbox.pendingCommits).toBe(3)
    expect(outbox.flush()).toBe(3)
    expect(transport.faults.shortSends).toBe(2)
  })

  test('meet a send that fails by itself', async () => {
    const { peer, transport } = open([shortSend({ limit: (commits) => commits })], 1)
    const { outbox } = transport
    const put = (index: number) => {
      outbox.memory.u8.set(peer.request(index, 16), outbox.reserve(16))
      outbox.commit(16)
    }
    for (let index = 0; index < 4; index++) put(index)
    peer.limitSend(1)
    expect(() => outbox.flush()).toThrow(expect.objectContaining({ code: 'SYSTEM', sent: 1 }))
    put(4)
    expect(outbox).toMatchObject({ pendingCommits: 4, pending: 64 })
    expect(outbox.flush()).toBe(4)
    expect(peer.sent()).toEqual([0, 1, 2, 3, 4].map((index) => peer.request(index, 16)))
  })
})
