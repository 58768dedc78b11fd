/** When verdicts.ts sends batch verdicts, by the option verdictBatching. */

import { Errno, Hook, QueueMessage } from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage, packetMessage, split } from '@ringlink/test-support/messages'
import { SimKernel } from '@ringlink/transport-sim'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type HeldPacket, openQueue, type Queue, type VerdictBatching } from '../../src/index.ts'
import { FULL_BATCHES_TO_BEGIN, OTHER_BATCHES_TO_END } from '../../src/queue/overload.ts'

const BATCH = 8

async function open(verdictBatching: VerdictBatching | undefined) {
  const transport = new FunctionTransport((datagram) =>
    split(datagram).flatMap(({ type, bytes }) => (type === QueueMessage.Config ? [errorMessage(bytes, 0)] : [])),
  )
  const queue = await openQueue({ number: 0, transport, copyRange: 512, verdictBatching })
  let next = 1
  /** Answers a batch of that many packets. Returns what was sent for them: type, id, verdict. */
  const round = async (count: number, decide: (queue: Queue, id: number) => void = () => {}) => {
    const datagrams = transport.sent.length
    transport.deliver(...Array.from({ length: count }, () => packetMessage(next++)))
    for await (const packets of queue) {
      for (const packet of packets) decide(queue, packet.id)
      packets.accept()
      break
    }
    return transport.sent
      .slice(datagrams)
      .flatMap(split)
      .map(({ type, bytes }) => [type & 0xff, bytes[31], bytes[27]])
  }
  return { transport, queue, round, skip: () => next++ }
}

const SINGLE = QueueMessage.Verdict & 0xff
const FOLDED = QueueMessage.VerdictBatch & 0xff

describe('verdictBatching', () => {
  test('always: one verdict for all', async () => {
    const { queue, round } = await open('always')
    expect(await round(5)).toEqual([[FOLDED, 5, 1]])
    expect(await round(1)).toEqual([[SINGLE, 6, 1]])
    expect(queue.stats).toMatchObject({ packets: 6, accepted: 6, batchVerdicts: 1 })
    await queue.close()
  })

  test('a number: one for each that many packets', async () => {
    const { queue, round } = await open(3)
    expect(await round(8)).toEqual([
      [FOLDED, 3, 1],
      [FOLDED, 6, 1],
      [FOLDED, 8, 1],
    ])
    expect(queue.stats.batchVerdicts).toBe(3)
    await queue.close()
  })

  test('never, and 1: one for each packet', async () => {
    for (const batching of ['never', 1] as const) {
      const { queue, round } = await open(batching)
      expect(await round(3)).toEqual([1, 2, 3].map((id) => [SINGLE, id, 1]))
      await queue.close()
    }
  })

  test('auto, the default: while batches are full', async () => {
    const { queue, round } = await open(undefined)
    for (let i = 1; i < FULL_BATCHES_TO_BEGIN; i++) await round(BATCH)
    expect(queue.stats.batchVerdicts).toBe(0)
    expect(await round(BATCH)).toHaveLength(1)
    for (let i = 0; i < OTHER_BATCHES_TO_END; i++) await round(2)
    const { batchVerdicts } = queue.stats
    expect(batchVerdicts).toBe(OTHER_BATCHES_TO_END)
    await round(2)
    await round(BATCH)
    expect(queue.stats.batchVerdicts).toBe(batchVerdicts)
    await queue.close()
  })

  test.each([[0], [1.5], ['sometimes']])('%j is refused', async (wrong) => {
    await expect(open(wrong as VerdictBatching)).rejects.toMatchObject({ code: 'VALUE_RANGE' })
  })
})

describe('nothing is coalesced', () => {
  test('over a held packet, in its batch and in later ones', async () => {
    const { transport, queue } = await open('always')
    const held: HeldPacket[] = []
    const round = async (...ids: number[]) => {
      const datagrams = transport.sent.length
      transport.deliver(...ids.map((id) => packetMessage(id)))
      for await (const packets of queue) {
        for (const packet of packets) if (packet.id === 4) held.push(packet.hold())
        packets.accept()
        break
      }
      return transport.sent
        .slice(datagrams)
        .flatMap(split)
        .map(({ type, bytes }) => [type & 0xff, bytes[31]])
    }
    expect(await round(1, 2, 3, 4, 5, 6)).toEqual([
      [FOLDED, 3],
      [SINGLE, 5],
      [SINGLE, 6],
    ])
    expect(await round(7, 8)).toEqual([
      [SINGLE, 7],
      [SINGLE, 8],
    ])
    held[0]?.drop()
    await Promise.resolve()
    expect(await round(9, 10)).toEqual([[FOLDED, 10]])
    await queue.close()
  })

  test('over one that has no verdict yet when the others are flushed', async () => {
    const { transport, queue } = await open('always')
    transport.deliver(...[1, 2, 3, 4].map((id) => packetMessage(id)))
    const datagrams = transport.sent.length
    for await (const packets of queue) {
      for (const packet of packets) {
        if (packet.id !== 3) packet.drop()
        if (packet.id === 4) packets.flush()
      }
      packets.accept()
      break
    }
    expect(
      transport.sent
        .slice(datagrams)
        .flatMap(split)
        .map(({ type, bytes }) => [type & 0xff, bytes[31], bytes[27]]),
    ).toEqual([
      [FOLDED, 2, 0],
      [SINGLE, 4, 0],
      [SINGLE, 3, 1],
    ])
    await queue.close()
  })

  test('verdicts with changes are never coalesced', async () => {
    const { transport, queue } = await open('always')
    transport.deliver(...[1, 2, 3, 4].map((id) => packetMessage(id)))
    const datagrams = transport.sent.length
    for await (const packets of queue) {
      for (const packet of packets) packet.accept(packet.id === 2 ? { mark: 9 } : undefined)
      break
    }
    expect(
      transport.sent
        .slice(datagrams)
        .flatMap(split)
        .map(({ type, bytes }) => [type & 0xff, bytes[31], bytes.length]),
    ).toEqual([
      [SINGLE, 2, 40],
      [FOLDED, 4, 32],
    ])
    await queue.close()
  })

  test('a truncated packet gets the unanswered verdict like any other, but after one with an unreadable id nothing is coalesced', async () => {
    const { transport, queue, round, skip } = await open('always')
    const cut = packetMessage(skip(), { payload: new Uint8Array(4000) })
    transport.deliver(cut)
    // Dropped, because it was not answered; the others need no exception.
    expect(await round(2)).toEqual([[FOLDED, 3, 1]])
    const unreadable = packetMessage(skip()).slice(0, 20)
    new DataView(unreadable.buffer).setUint32(0, 20, true)
    transport.deliver(unreadable)
    expect(await round(2)).toEqual([
      [SINGLE, 5, 1],
      [SINGLE, 6, 1],
    ])
    expect(await round(2)).toHaveLength(2)
    await queue.close()
  })

  test('if ids come out of order', async () => {
    const transport = new FunctionTransport((datagram) =>
      split(datagram).flatMap(({ type, bytes }) => (type === QueueMessage.Config ? [errorMessage(bytes, 0)] : [])),
    )
    Object.defineProperty(transport, 'capabilities', { value: { ...transport.capabilities, ordered: false } })
    const queue = await openQueue({ number: 0, transport, copyRange: 512, verdictBatching: 'always' })
    transport.deliver(packetMessage(1), packetMessage(2))
    for await (const packets of queue) {
      packets.accept()
      break
    }
    expect(queue.stats.batchVerdicts).toBe(0)
    await queue.close()
  })

  test('after a refused verdict, whose packet still waits', async () => {
    const { transport, queue, round } = await open('always')
    const { kernel } = transport
    transport.kernel = (datagram) => split(datagram).map(({ bytes }) => errorMessage(bytes, Errno.EINVAL))
    await round(2)
    transport.kernel = kernel
    // The refusal comes with this packet, which is shown first.
    expect(await round(1)).toEqual([[SINGLE, 3, 1]])
    await expect(round(1)).rejects.toMatchObject({
      code: 'KERNEL',
      errno: Errno.EINVAL,
      message: expect.stringContaining('verdict on packets up to 2 of queue 0'),
    })
    await round(2)
    expect(queue.stats).toMatchObject({ refused: 1, batchVerdicts: 1 })
    await queue.close()
  })
})

test('a batch verdict that finds no packet is late, once', async () => {
  const { transport, queue, round } = await open('always')
  const late: number[] = []
  queue.events.on('late', (id) => late.push(id))
  const { kernel } = transport
  transport.kernel = (datagram) => split(datagram).map(({ bytes }) => errorMessage(bytes, Errno.ENOENT))
  await round(4)
  transport.kernel = kernel
  await round(1)
  expect(late).toEqual([4])
  expect(queue.stats).toMatchObject({ late: 1, refused: 0, batchVerdicts: 1 })
  await queue.close()
})

/** The action for each packet; packets without one are accepted. */
type Decision = 'accept' | 'drop' | 'mark' | 'hold' | 'nothing' | 'flush'

interface Script {
  readonly bursts: readonly number[]
  readonly decisions: readonly Decision[]
  readonly receiveBufferSize: number
}

/** Plays a script on a simulated kernel. Returns the delivered packets with their marks, and the counters. */
async function play({ bursts, decisions, receiveBufferSize }: Script, verdictBatching: VerdictBatching) {
  const kernel = new SimKernel({ seed: 1 })
  kernel.addRule({ hook: Hook.Output, queue: 0 })
  const delivered: string[] = []
  kernel.onDelivered(({ bytes, mark }) => delivered.push(`${bytes[20]}.${bytes[21]} mark ${mark}`))
  const queue = await openQueue({
    number: 0,
    verdictBatching,
    receiveBufferSize,
    transport: (needs) => kernel.open({ ...needs, batchSize: 16, ring: undefined }),
  })
  let sent = 0
  const held: HeldPacket[] = []
  for (const burst of bursts) {
    for (let i = 0; i < burst; i++, sent++) {
      const packet = new Uint8Array(40)
      packet[0] = 0x45
      packet[9] = 17
      packet.set([sent >> 8, sent & 255], 20)
      kernel.inject(packet)
    }
    const target = sent - queue.stats.lost
    while (queue.stats.packets < target - queue.stats.lost && queue.counters()?.waiting !== held.length) {
      for await (const packets of queue) {
        for (const packet of packets) {
          const decision = decisions[packet.id % decisions.length]
          if (decision === 'drop') packet.drop()
          else if (decision === 'mark') packet.accept({ mark: packet.id })
          else if (decision === 'hold') held.push(packet.hold())
          else if (decision === 'flush') packets.flush()
          else if (decision !== 'nothing') packet.accept()
        }
        // One in three of the held packets is accepted, beginning in the middle.
        for (const packet of held.splice(held.length >> 1, held.length / 3)) packet.accept()
        break
      }
    }
  }
  const { batchVerdicts, ...stats } = { ...queue.stats }
  await queue.close()
  return { delivered: delivered.sort(), stats, counters: queue.counters(), batchVerdicts }
}

test('on a simulated kernel packets get the same verdicts in every batching mode', async () => {
  const decision = fc.oneof(
    { weight: 12, arbitrary: fc.constant<Decision>('accept') },
    { weight: 4, arbitrary: fc.constant<Decision>('drop') },
    { weight: 1, arbitrary: fc.constantFrom<Decision>('mark', 'hold', 'nothing', 'flush') },
  )
  const script = fc.record({
    bursts: fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 6 }),
    decisions: fc.array(decision, { minLength: 1, maxLength: 97 }),
    receiveBufferSize: fc.constantFrom(1 << 20, 20_000),
  })
  let coalesced = 0
  await fc.assert(
    fc.asyncProperty(script, fc.integer({ min: 2, max: 20 }), async (script, most) => {
      const { batchVerdicts, ...singly } = await play(script, 'never')
      expect(batchVerdicts).toBe(0)
      expect(singly.stats).toMatchObject({ late: 0, refused: 0 })
      for (const batching of ['always', most] as const) {
        const { batchVerdicts, ...same } = await play(script, batching)
        expect(same).toEqual(singly)
        coalesced += batchVerdicts
      }
    }),
    { numRuns: 150 },
  )
  expect(coalesced).toBeGreaterThan(500)
})
