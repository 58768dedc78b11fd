import { Errno, Family, Verdict } from '@ringlink/codec'
import { packetMessage } from '@ringlink/test-support/messages'
import { describe, expect, test } from 'vitest'
import { failure, nextBatch, open, plain } from './accepting-kernel.ts'

describe('verdicts', () => {
  test('those of a batch are sent together, when the next batch is requested', async () => {
    const { transport, verdicts, queue } = await open()
    const { iterator, batch } = await (async () => {
      transport.deliver(packetMessage(1), packetMessage(2), packetMessage(3))
      return nextBatch(queue)
    })()
    const datagrams = transport.sent.length
    for (const packet of batch) packet.id === 2 ? packet.drop() : packet.accept()
    expect(transport.sent.length).toBe(datagrams)
    const next = iterator.next()
    expect(transport.sent.length).toBe(datagrams + 1)
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [2, Verdict.Drop],
      [3, Verdict.Accept],
    ])
    await queue.close()
    expect((await next).done).toBe(true)
  })

  test('every kind, with its changes', async () => {
    const { transport, verdicts, queue } = await open()
    const linkLayerHeader = Uint8Array.from({ length: 14 }, (_, index) => index)
    const bridged = packetMessage(8, { conntrack: { id: 7 }, conntrackInformation: 0, linkLayerHeader })
    bridged[16] = Family.Bridge
    transport.deliver(...Array.from({ length: 7 }, (_, index) => packetMessage(index + 1)), bridged)
    const { batch, iterator } = await nextBatch(queue)
    const payload = Uint8Array.from({ length: 20 }, (_, i) => (i === 0 ? 0x45 : i))
    for (const packet of batch) {
      if (packet.id === 1) packet.accept({ mark: 0 })
      else if (packet.id === 2) packet.accept({ payload, priority: 7 })
      else if (packet.id === 3) packet.drop()
      else if (packet.id === 4) packet.repeat({ mark: 9 })
      else if (packet.id === 5) packet.requeue(3)
      else if (packet.id === 6) packet.requeue(4, { bypass: true, mark: 1 })
      else if (packet.id === 7) packet.answer(Verdict.Stop)
      else
        packet.accept({
          ...{ mark: 4, priority: 5, conntrack: { mark: 5 }, vlan: { protocol: 0x8100, tag: 42 } },
          linkLayerHeader: Uint8Array.from(linkLayerHeader).reverse(),
        })
    }
    await iterator.return?.()
    const byId = new Map(verdicts().map((verdict) => [verdict.verdictHeader?.id, verdict]))
    expect(byId.get(1)).toEqual({ verdictHeader: { verdict: 1, id: 1 }, mark: 0 })
    expect(byId.get(2)).toEqual({ verdictHeader: { verdict: 1, id: 2 }, payload, priority: 7 })
    expect(byId.get(3)?.verdictHeader?.verdict).toBe(0)
    expect(byId.get(4)).toEqual({ verdictHeader: { verdict: 4, id: 4 }, mark: 9 })
    expect(byId.get(5)?.verdictHeader?.verdict).toBe(0x00030003)
    expect(byId.get(6)).toEqual({ verdictHeader: { verdict: 0x00048003, id: 6 }, mark: 1 })
    expect(byId.get(7)?.verdictHeader?.verdict).toBe(5)
    expect(byId.get(8)).toMatchObject({
      ...{ mark: 4, priority: 5, conntrack: { mark: 5 }, vlan: { protocol: 0x8100, tag: 42 } },
      linkLayerHeader: Uint8Array.from(linkLayerHeader).reverse(),
    })
    expect(queue.stats).toMatchObject({ packets: 8, accepted: 3, dropped: 1, other: 4, unanswered: 0 })
    await queue.close()
  })

  test('a second verdict, an invalid one and one after the batch are refused, and none of them is sent', async () => {
    const { transport, verdicts, queue } = await open()
    transport.deliver(packetMessage(1))
    const { batch, iterator } = await nextBatch(queue)
    const packet = batch[Symbol.iterator]().next().value
    expect(() => packet?.answer(2)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    const wrongVerdicts = ['accept', undefined, null, 2, 6, -1, 0.5, 257, 2 ** 32, Number.NaN]
    for (const wrong of wrongVerdicts) {
      expect(() => packet?.answer(wrong as number)).toThrow(
        expect.objectContaining({ code: 'VALUE_RANGE', path: 'verdict' }),
      )
    }
    const wrongChanges: [unknown, string, string][] = [
      [null, 'ARGUMENT', ''],
      ['mark', 'ARGUMENT', ''],
      [{ marks: 1 }, 'ARGUMENT', 'marks'],
      [{ mark: '1' }, 'ARGUMENT', 'mark'],
      [{ mark: 2 ** 32 }, 'VALUE_RANGE', 'mark'],
      [{ priority: 1.5 }, 'VALUE_RANGE', 'priority'],
      [{ payload: 'text' }, 'ARGUMENT', 'payload'],
      [{ payload: new Uint8Array(19) }, 'VALUE_RANGE', 'payload'],
      [{ payload: Uint8Array.of(0x46, ...new Uint8Array(22)) }, 'VALUE_RANGE', 'payload'],
      [{ mark: 1, payload: new Uint8Array(0) }, 'VALUE_RANGE', 'payload'],
      [{ conntrack: 5 }, 'ARGUMENT', 'conntrack'],
      // What the kernel would ignore: this packet has no connection, and does not cross a bridge.
      [{ conntrack: { mark: 5 } }, 'ARGUMENT', 'conntrack'],
      [{ mark: 1, expectation: {} }, 'ARGUMENT', 'expectation'],
      [{ vlan: { protocol: 0x8100, tag: 1 } }, 'ARGUMENT', 'vlan'],
      [{ mark: 1, linkLayerHeader: new Uint8Array(14) }, 'ARGUMENT', 'linkLayerHeader'],
    ]
    for (const [changes, code, path] of wrongChanges) {
      expect(() => packet?.accept(changes as object)).toThrow(expect.objectContaining({ code, path }))
      expect(() => packet?.answer(Verdict.Accept, changes as object)).toThrow(expect.objectContaining({ code, path }))
      if (changes !== null)
        expect(() => packet?.requeue(1, changes as object)).toThrow(expect.objectContaining({ code }))
    }
    const drop = packet?.drop.bind(packet) as (options: object) => void
    expect(() => drop({ errno: 111 })).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
    expect(() => packet?.requeue('1' as unknown as number)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
    expect(() => packet?.requeue(1, { bypass: 1 as unknown as boolean })).toThrow(
      expect.objectContaining({ code: 'ARGUMENT' }),
    )
    expect(() => packet?.requeue(65536)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    expect(() => packet?.accept({ mark: -1 })).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    packet?.accept()
    expect(() => packet?.drop()).toThrow(expect.objectContaining({ code: 'VERDICT_GIVEN' }))
    expect(() => packet?.hold()).toThrow(expect.objectContaining({ code: 'VERDICT_GIVEN' }))
    await iterator.return?.()
    expect(() => packet?.accept()).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    expect(() => packet?.id).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    expect(() => packet?.payload()).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    expect(plain(verdicts())).toEqual([[1, Verdict.Accept]])
    await queue.close()
  })

  test.each(['accept', 'drop'] as const)(
    'unanswered packets get %s at the end of the batch, on break and on a throw',
    async (unanswered) => {
      const verdict = unanswered === 'accept' ? Verdict.Accept : Verdict.Drop
      for (const leave of ['next', 'break', 'throw'] as const) {
        const { transport, verdicts, queue } = await open({ unanswered })
        transport.deliver(packetMessage(1), packetMessage(2), packetMessage(3))
        let batches = 0
        const loop = (async () => {
          for await (const packets of queue) {
            batches++
            for (const packet of packets) if (packet.id === 2) packet.accept({ mark: 1 })
            if (leave === 'break') break
            if (leave === 'throw') throw new Error('the body failed')
            transport.deliver(packetMessage(4))
            if (batches === 2) break
          }
        })()
        if (leave === 'throw') await expect(loop).rejects.toThrow('the body failed')
        else await loop
        expect(plain(verdicts()).slice(0, 3)).toEqual([
          [2, Verdict.Accept],
          [1, verdict],
          [3, verdict],
        ])
        await queue.close()
      }
    },
  )

  test('accept() and drop() of the batch answer the rest', async () => {
    const { transport, verdicts, queue } = await open()
    transport.deliver(packetMessage(1), packetMessage(2), packetMessage(3))
    for await (const packets of queue) {
      for (const packet of packets) if (packet.id === 2) packet.drop()
      expect(packets.accept()).toBe(2)
      expect(packets.drop()).toBe(0)
      break
    }
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [2, Verdict.Drop],
      [3, Verdict.Accept],
    ])
    await queue.close()
  })

  test('flush() of the batch sends what has been given', async () => {
    const { transport, verdicts, queue } = await open()
    transport.deliver(packetMessage(1), packetMessage(2))
    for await (const packets of queue) {
      for (const packet of packets) {
        packet.accept()
        packets.flush()
        expect(plain(verdicts()).at(-1)).toEqual([packet.id, Verdict.Accept])
      }
      break
    }
    expect(verdicts()).toHaveLength(2)
    await queue.close()
  })

  test('verdicts that could not be sent are kept and sent at close', async () => {
    const { transport, verdicts, queue } = await open()
    transport.deliver(packetMessage(1))
    const { batch, iterator } = await nextBatch(queue)
    batch.accept()
    const { kernel } = transport
    transport.kernel = () => -Errno.ENOBUFS
    expect(await failure(iterator.next())).toMatchObject({ code: 'SYSTEM', errno: Errno.ENOBUFS })
    transport.kernel = kernel
    await queue.close()
    expect(plain(verdicts())).toEqual([[1, Verdict.Accept]])
  })

  test('more verdicts than the outbox holds are flushed in between', async () => {
    const { transport, verdicts, queue } = await open()
    const payload = new Uint8Array(50_000)
    transport.deliver(...Array.from({ length: 8 }, (_, index) => packetMessage(index + 1)))
    for await (const packets of queue) {
      for (const packet of packets) packet.accept({ payload })
      break
    }
    expect(verdicts().map(({ verdictHeader }) => verdictHeader?.id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    await queue.close()
  })
})
