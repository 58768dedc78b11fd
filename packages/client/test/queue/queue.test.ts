import { Errno, QueueMessage, Verdict } from '@ringlink/codec'
import { errorMessage, packetMessage, split } from '@ringlink/test-support/messages'
import { describe, expect, test } from 'vitest'
import type { HeldPacket } from '../../src/index.ts'
import { failure, nextBatch, open, plain } from './accepting-kernel.ts'

describe('held packets', () => {
  test('outlive their batch and are answered in any order, each once', async () => {
    const { transport, verdicts, queue } = await open()
    const held: HeldPacket[] = []
    transport.deliver(packetMessage(1, { mark: 11 }), packetMessage(2, { mark: 22 }), packetMessage(3))
    for await (const packets of queue) {
      for (const packet of packets) packet.id === 3 ? packet.accept() : held.push(packet.hold())
      break
    }
    expect(plain(verdicts())).toEqual([[3, Verdict.Accept]])
    const [one, two] = held as [HeldPacket, HeldPacket]
    expect([one.id, one.mark, two.id, two.mark]).toEqual([1, 11, 2, 22])
    two.accept()
    one.drop()
    expect(() => one.accept()).toThrow(expect.objectContaining({ code: 'VERDICT_GIVEN' }))
    expect(() => one.id).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    await Promise.resolve()
    expect(plain(verdicts())).toEqual([
      [3, Verdict.Accept],
      [2, Verdict.Accept],
      [1, Verdict.Drop],
    ])
    await queue.close()
    expect(verdicts()).toHaveLength(3)
  })

  test('get the unanswered verdict at close', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'drop' })
    transport.deliver(packetMessage(1))
    let held: HeldPacket | undefined
    for await (const packets of queue) {
      for (const packet of packets) held = packet.hold()
      break
    }
    await queue.close()
    expect(plain(verdicts())).toEqual([[1, Verdict.Drop]])
    expect(queue.stats).toMatchObject({ dropped: 1, unanswered: 1 })
    expect(() => held?.accept()).toThrow(expect.objectContaining({ code: 'VERDICT_GIVEN' }))
  })

  test('are dropped at the end of a using block', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'accept' })
    transport.deliver(packetMessage(1))
    for await (const packets of queue) {
      for (const packet of packets) packet.hold()[Symbol.dispose]()
      break
    }
    await Promise.resolve()
    expect(plain(verdicts())).toEqual([[1, Verdict.Drop]])
    await queue.close()
  })
})

describe('loss and bad input', () => {
  test('gaps in the ids are counted exactly, also before the first packet and around the 32-bit wrap', async () => {
    const { transport, queue } = await open()
    transport.deliver(packetMessage(3), packetMessage(4), packetMessage(8))
    for await (const packets of queue) {
      expect(packets.lost).toBe(2 + 3)
      break
    }
    transport.deliver(packetMessage(9))
    for await (const packets of queue) {
      expect(packets.lost).toBe(0)
      break
    }
    expect(queue.stats.lost).toBe(5)
    await queue.close()
  })

  test('a message larger than its frame is not shown, is reported, and gets the unanswered verdict', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'accept' })
    const truncated: number[] = []
    queue.events.on('truncated', (id) => truncated.push(id))
    transport.deliver(packetMessage(1, { payload: new Uint8Array(4000) }), packetMessage(2))
    const shown: number[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        shown.push(packet.id)
        packet.drop()
      }
      break
    }
    expect(shown).toEqual([2])
    expect(truncated).toEqual([1])
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [2, Verdict.Drop],
    ])
    expect(queue.stats.truncated).toBe(1)
    await queue.close()
  })

  test.each(['packet', 'close'])('a waiting loop skips batches with nothing to show, until a %s', async (end) => {
    const { transport, queue } = await open()
    let noteMalformed = () => {}
    queue.events.on('malformed', () => noteMalformed())
    const iterator = queue[Symbol.asyncIterator]()
    const next = iterator.next()
    for (let count = 1; count <= 3; count++) {
      const malformed = new Promise<void>((resolve) => {
        noteMalformed = resolve
      })
      transport.deliver(new Uint8Array(5))
      await malformed
      expect(queue.stats.malformed).toBe(count)
    }
    if (end === 'close') await queue.close()
    else transport.deliver(packetMessage(7))
    const { done, value } = await next
    expect([done, value && Array.from(value, ({ id }) => id)]).toEqual(
      end === 'close' ? [true, undefined] : [false, [7]],
    )
    await iterator.return?.()
    await queue.close()
  })

  test('a malformed packet is reported, and gets the unanswered verdict if its id can be read', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'accept' })
    const codes: string[] = []
    queue.events.on('malformed', ({ code }) => codes.push(code))
    const badAttribute = packetMessage(1, { mark: 7 })
    badAttribute[36 - 4] = 3
    const noHeader = packetMessage(2).slice(0, 20)
    new DataView(noHeader.buffer).setUint32(0, 20, true)
    transport.deliver(badAttribute, noHeader, packetMessage(3), new Uint8Array(5))
    const shown: number[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        shown.push(packet.id)
        packet.drop()
      }
      break
    }
    expect(shown).toEqual([3])
    expect(codes).toEqual(['ATTRIBUTE_MISSING', 'SHORT_HEADER', 'ATTRIBUTE_LENGTH'])
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [3, Verdict.Drop],
    ])
    await queue.close()
  })

  test('a late verdict is an event and never ends the loop', async () => {
    const { transport, queue } = await open()
    const late: number[] = []
    queue.events.on('late', (id) => late.push(id))
    transport.deliver(packetMessage(1))
    const shown: number[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        shown.push(packet.id)
        packet.accept()
      }
      if (shown.length === 2) break
      packets.flush()
      const verdict = split(transport.sent.at(-1) as Uint8Array)[0]?.bytes as Uint8Array
      transport.deliver(errorMessage(verdict, Errno.ENOENT), packetMessage(2))
    }
    expect(shown).toEqual([1, 2])
    expect(late).toEqual([1])
    expect(queue.stats).toMatchObject({ late: 1, refused: 0 })
    await queue.close()
  })

  test('a refused verdict ends the loop with its errno', async () => {
    const { transport, queue } = await open()
    const { kernel } = transport
    transport.kernel = (datagram) => {
      const verdicts = split(datagram).filter(({ type }) => type === QueueMessage.Verdict)
      return verdicts.length === 0 ? kernel(datagram) : verdicts.map(({ bytes }) => errorMessage(bytes, Errno.EPERM))
    }
    transport.deliver(packetMessage(1))
    const loop = (async () => {
      for await (const packets of queue) packets.accept()
    })()
    expect(await failure(loop)).toMatchObject({ code: 'KERNEL', errno: Errno.EPERM, sequence: 1 })
    expect(queue.stats.refused).toBe(1)
    await queue.close()
  })

  test.each([
    ['one refusal of its first message, without the privilege', 1],
    ['a refusal of each message, when another socket owns the queue', 3],
  ] as const)('a flush that is refused as a whole counts all its packets: %s', async (_, errors) => {
    const { transport, queue } = await open({ verdictBatching: 'never' })
    const { kernel } = transport
    transport.kernel = (datagram) => {
      const verdicts = split(datagram).filter(({ type }) => type === QueueMessage.Verdict)
      if (verdicts.length === 0) return kernel(datagram)
      return verdicts.slice(0, errors).map(({ bytes }) => errorMessage(bytes, Errno.EPERM))
    }
    transport.deliver(packetMessage(7), packetMessage(8), packetMessage(9))
    const loop = (async () => {
      for await (const packets of queue) packets.accept()
    })()
    expect(await failure(loop)).toMatchObject({ code: 'KERNEL', errno: Errno.EPERM, sequence: 7 })
    await queue.close()
    expect(queue.stats).toMatchObject({ packets: 3, accepted: 3, refused: 3 })
  })

  test('finish without a loop is close', async () => {
    const { transport, queue } = await open()
    transport.deliver(packetMessage(1))
    await queue.finish()
    expect(queue.stats).toMatchObject({ packets: 1, dropped: 1, unanswered: 1 })
    await queue.finish()
  })

  test('other messages of the kernel are skipped', async () => {
    const { transport, queue } = await open()
    const other = packetMessage(1)
    new DataView(other.buffer).setUint16(4, 0x0100, true)
    transport.deliver(other)
    const { batch } = await (async () => {
      const next = nextBatch(queue)
      transport.deliver(packetMessage(1))
      return next
    })()
    expect(batch.length).toBe(1)
    await queue.close()
  })
})

describe('iteration and close', () => {
  test('a second iteration is refused until the first has ended', async () => {
    const { transport, queue } = await open()
    transport.deliver(packetMessage(1))
    const { iterator } = await nextBatch(queue)
    expect(() => queue[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'BUSY' }))
    await iterator.return?.()
    transport.deliver(packetMessage(2))
    const second = await nextBatch(queue)
    expect(second.batch.length).toBe(1)
    await queue.close()
  })

  test('an iterator that has ended does not end the one after it', async () => {
    const { transport, queue } = await open()
    transport.deliver(packetMessage(1))
    const { iterator } = await nextBatch(queue)
    await iterator.return?.()
    const second = queue[Symbol.asyncIterator]()
    await iterator.return?.()
    expect((await iterator.next()).done).toBe(true)
    expect(() => queue[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'BUSY' }))
    transport.deliver(packetMessage(2))
    expect((await second.next()).done).toBe(false)
    await queue.close()
  })

  test('close ends a waiting loop, is idempotent, and emits no late events', async () => {
    const { queue } = await open()
    const loop = (async () => {
      for await (const _ of queue) throw new Error('no batch was expected')
    })()
    const closing = [queue.close(), queue.close()]
    await Promise.all(closing)
    await loop
    expect(() => queue.flush()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    expect((await queue[Symbol.asyncIterator]().next()).done).toBe(true)
  })

  test('close inside the loop answers the batch and ends it', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'drop' })
    transport.deliver(packetMessage(1), packetMessage(2))
    for await (const packets of queue) {
      for (const packet of packets) if (packet.id === 1) packet.accept()
      await queue.close()
    }
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [2, Verdict.Drop],
    ])
  })

  test('with unanswered accept, close also accepts queued packets that nobody has read', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'accept' })
    transport.deliver(packetMessage(5))
    for await (const packets of queue) {
      packets.drop()
      break
    }
    await queue.close()
    const last = split(transport.sent.at(-1) as Uint8Array).at(-1)
    expect(last?.type).toBe(QueueMessage.VerdictBatch)
    expect(plain(verdicts()).at(-1)).toEqual([(5 + 0x3fffffff) >>> 0, Verdict.Accept])
  })

  test('a request inside the loop is answered during live batches, and the packets before the answer come next', async () => {
    const { transport, queue } = await open()
    const { kernel } = transport
    transport.kernel = (datagram) => {
      const answer = kernel(datagram)
      if (typeof answer === 'number' || answer.length === 0) return answer
      return [...Array.from({ length: 40 }, (_, index) => packetMessage(index + 2)), ...answer]
    }
    transport.deliver(packetMessage(1))
    const shown: number[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        shown.push(packet.id)
        packet.accept()
      }
      if (shown.length === 1) await queue.configure({ maxLength: 99 })
      if (shown.length === 41) break
    }
    expect(shown).toEqual(Array.from({ length: 41 }, (_, index) => index + 1))
    expect(queue.stats.lost).toBe(0)
    await queue.close()
  })

  test('packets() gives one packet at a time, and break ends its batch', async () => {
    const { transport, verdicts, queue } = await open({ unanswered: 'drop' })
    transport.deliver(packetMessage(1), packetMessage(2), packetMessage(3))
    for await (const packet of queue.packets()) {
      if (packet.id === 2) break
      packet.accept()
    }
    expect(plain(verdicts())).toEqual([
      [1, Verdict.Accept],
      [2, Verdict.Drop],
      [3, Verdict.Drop],
    ])
    await queue.close()
  })
})
