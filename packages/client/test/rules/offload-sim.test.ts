/** Offload without a kernel: a program's tests need no privileges. With the glue, and without it. */
import { Hook } from '@ringlink/codec'
import { udpPacket } from '@ringlink/packet'
import { SimKernel } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import { openQueue, type Queue, type QueuePacket } from '../../src/index.ts'

const PORT = 2000
const rule = { hook: 'output', match: { protocol: 'udp' }, offload: { packets: 3 } } as const

function simulated(conntrackGlue: boolean) {
  const kernel = new SimKernel({ conntrackGlue })
  const marks: number[] = []
  kernel.onDelivered((packet) => {
    if (packet.hook === Hook.Output) kernel.inject(packet.bytes, { hook: Hook.Postrouting, follows: packet })
    else marks.push(packet.mark)
  })
  const send = (isReply = false) => {
    const [client, server] = [
      { address: '10.0.0.1', port: PORT },
      { address: '10.0.0.2', port: 80 },
    ] as const
    const [from, to] = isReply ? [server, client] : [client, server]
    const packet = udpPacket({
      source: from.address,
      destination: to.address,
      sourcePort: from.port,
      destinationPort: to.port,
      payload: 'x',
    })
    kernel.inject(packet, { hook: Hook.Output, continues: true })
  }
  return { kernel, marks, send }
}

/** Answers all that waits. */
async function answer(queue: Queue, decide: (packet: QueuePacket) => void): Promise<number> {
  let count = 0
  const waiting = queue.counters()?.waiting ?? 0
  for await (const packets of queue) {
    for (const packet of packets) {
      count++
      decide(packet)
    }
    if (count >= waiting) break
  }
  return count
}

describe.each([
  ['with the glue', true],
  ['without the glue', false],
] as const)('offload %s', (_, hasGlue) => {
  test.each([
    ['accept', 4],
    ['drop', 0],
  ] as const)('%s: later packets are not queued, until the decision is cancelled', async (verdict, delivered) => {
    const { kernel, marks, send } = simulated(hasGlue)
    const queue = await openQueue({
      number: 3,
      transport: (needs) => kernel.open(needs),
      rule: { ...rule, offload: { packets: 100 } },
      conntrack: hasGlue,
    })
    send()
    expect(await answer(queue, (packet) => packet.accept())).toBe(1)
    send()
    expect(await answer(queue, (packet) => packet.offload(verdict))).toBe(1)
    for (let i = 0; i < 3; i++) send(i === 1)
    expect(queue.counters()?.waiting).toBe(0)
    expect(marks).toEqual(Array.from({ length: 1 + delivered }, () => 0))
    const { accepted, dropped } = (await queue.rules?.offloaded()) ?? {}
    expect([accepted?.packets, dropped?.packets]).toEqual(verdict === 'accept' ? [3, 0] : [0, 3])
    await queue.recall({
      sourceAddress: '10.0.0.1',
      destinationAddress: '10.0.0.2',
      protocol: 'udp',
      sourcePort: PORT,
      destinationPort: 80,
    })
    send()
    expect(queue.counters()?.waiting).toBe(1)
    await queue.close()
  })

  test('undecided connections pass after their first packets', async () => {
    const { kernel, marks, send } = simulated(hasGlue)
    const queue = await openQueue({
      number: 3,
      transport: (needs) => kernel.open(needs),
      rule,
      conntrack: hasGlue,
    })
    for (let i = 0; i < 3; i++) {
      send(i === 1)
      expect(await answer(queue, (packet) => packet.accept())).toBe(1)
    }
    for (let i = 0; i < 5; i++) send(i === 1)
    expect(queue.counters()?.waiting).toBe(0)
    expect(marks).toHaveLength(8)
    expect((await queue.rules?.offloaded())?.later.packets).toBe(5)
    await queue.close()
  })
})

test('with the glue a decision keeps other bits of the mark, and sets those that are asked for', async () => {
  const { kernel, send } = simulated(true)
  const queue = await openQueue({ number: 3, transport: (needs) => kernel.open(needs), rule, conntrack: true })
  send()
  await answer(queue, (packet) => packet.accept({ connection: { mark: 0x501 } }))
  send()
  await answer(queue, (packet) => packet.offload('accept', { connection: { mark: { value: 0x20, mask: 0xff } } }))
  let mark: number | undefined
  const rules = await openQueue({
    number: 4,
    transport: (needs) => kernel.open(needs),
    rule: { hook: 'postrouting', match: { protocol: 'udp' } },
    conntrack: true,
  })
  send()
  await answer(rules, (packet) => {
    mark = packet.conntrack()?.mark
    packet.accept()
  })
  expect(mark).toBe(0x40000520)
  await rules.close()
  await queue.close()
})
