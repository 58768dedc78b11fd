import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { Hook, QueueMessage, VERDICT_LENGTH, Verdict, VerdictTemplate } from '@ringlink/codec'
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { describe, expect, test } from 'vitest'
import { type HeldPacket, type PacketBatch, StopFlag } from '../../src/index.ts'
import { answer, KernelQueues, PORT, UDP } from './kernel-queues.ts'

describe.skipIf(kernelUnavailable)(kernelTests('a queue of the real kernel'), () => {
  const kernel = KernelQueues.use()

  test('accepted packets arrive, dropped ones do not', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open()
    await kernel.namespace.send({ port: PORT, count: 100 })
    await answer(queue, 100, (packet) => (packet.id % 4 === 0 ? packet.drop() : packet.accept()))
    await kernel.namespace.waitFor(PORT, 75)
    const { count, payloads } = await kernel.namespace.received(PORT)
    expect(count).toBe(75)
    expect(payloads).toEqual(
      Array.from({ length: 100 }, (_, index) => index)
        .filter((index) => (index + 1) % 4 !== 0)
        .map((index) => `packet ${index}`),
    )
    expect(queue.counters()).toMatchObject({ waiting: 0, queueDropped: 0, userDropped: 0, lastId: 100 })
    expect(queue.stats).toMatchObject({ packets: 100, accepted: 75, dropped: 25, lost: 0, late: 0 })
  })

  test('a packet shows its metadata from the kernel', async () => {
    await kernel.namespace.install([{ hook: 'output', priority: 'mangle', match: UDP, setMark: 77 }])
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open({ copyRange: 30, userAndGroup: true })
    await kernel.namespace.send({ port: PORT, text: 'twenty-two bytes of it' })
    await answer(queue, 1, (packet) => {
      expect(packet.protocol).toBe(0x0800)
      expect(packet.hook).toBe(Hook.Output)
      expect(packet.family).toBe(2)
      expect(packet.queueNumber).toBe(5)
      expect(packet.mark).toBe(77)
      expect(packet.outputDevice).toBe(1)
      expect(packet.inputDevice).toBeUndefined()
      // The kernel gives the id that the sender has outside all user namespaces.
      expect(packet.userId).toBe(outsideUserId())
      expect(packet.payloadLength).toBe(30)
      expect(packet.fullLength).toBe(20 + 8 + 22)
      expect(Array.from(packet.payload().subarray(22, 24))).toEqual([PORT >> 8, PORT & 255])
      expect(packet.attributes().fullLength).toBe(50)
      packet.accept()
    })
    await kernel.namespace.waitFor(PORT, 1)
  })

  test('a changed payload and a mark take effect', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open()
    const marked = await kernel.namespace.install([{ hook: 'postrouting', priority: 'mangle', match: { mark: 9 } }])
    await kernel.namespace.send({ port: PORT, text: 'hello' })
    await answer(queue, 1, (packet) => {
      const payload = packet.payload().slice()
      payload.set(new TextEncoder().encode('HELLO'), 28)
      // No checksum: it is optional in UDP over IPv4.
      payload.set([0, 0], 26)
      packet.accept({ payload, mark: 9 })
    })
    await kernel.namespace.waitFor(PORT, 1)
    expect((await kernel.namespace.received(PORT)).payloads).toEqual(['HELLO'])
    expect(await marked.counters()).toMatchObject([{ packets: 1 }])
  })

  test('requeue moves a packet to another queue', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const first = await kernel.open()
    const second = await kernel.open({ number: 6 })
    await kernel.namespace.send({ port: PORT })
    await answer(first, 1, (packet) => packet.requeue(6))
    await answer(second, 1, (packet) => packet.accept())
    await kernel.namespace.waitFor(PORT, 1)
    expect(first.stats.other).toBe(1)
  })

  test('held packets are answered out of order, long after their batch', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open()
    const held: HeldPacket[] = []
    await kernel.namespace.send({ port: PORT, count: 10 })
    await answer(queue, 10, (packet) => held.push(packet.hold()))
    expect(queue.counters()?.waiting).toBe(10)
    for (const packet of held.reverse()) packet.accept()
    await kernel.namespace.waitFor(PORT, 10)
    expect((await kernel.namespace.received(PORT)).payloads[0]).toBe('packet 9')
    expect(queue.transport.stats.held).toBe(0)
  })

  test('a verdict on an unknown id is a late event; the loop continues', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open()
    const late: number[] = []
    queue.events.on('late', (id) => late.push(id))
    const { outbox } = queue.transport
    new VerdictTemplate(5, QueueMessage.Verdict).write(
      outbox.memory,
      outbox.reserve(VERDICT_LENGTH),
      4242,
      Verdict.Accept,
    )
    outbox.commit(VERDICT_LENGTH)
    queue.flush()
    await kernel.namespace.send({ port: PORT })
    await answer(queue, 1, (packet) => packet.accept())
    await kernel.namespace.waitFor(PORT, 1)
    expect(late).toEqual([4242])
    expect(queue.stats.late).toBe(1)
  })

  test('an overrun is counted to the packet, as gaps in the ids and as messages of the transport', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open({ receiveBufferSize: 20_000, unanswered: 'accept' })
    const overruns: number[] = []
    queue.events.on('overrun', (lost) => overruns.push(lost))
    await kernel.namespace.send({ port: PORT, count: 500 })
    const counters = queue.counters()
    const lost = counters?.userDropped as number
    expect(lost).toBeGreaterThan(300)
    await answer(queue, 500 - lost, (packet) => packet.accept())
    // One more packet shows the gap after those that fitted.
    await kernel.namespace.send({ port: PORT })
    await answer(queue, 1, (packet) => packet.accept())
    expect(queue.stats.lost).toBe(lost)
    expect(queue.transport.stats.lost).toBe(lost)
    expect(overruns.reduce((sum, count) => sum + count, 0)).toBe(lost)
    await kernel.namespace.waitFor(PORT, 501 - lost)
    expect((await kernel.namespace.received(PORT)).count).toBe(501 - lost)
  })

  test('fail-open lets packets pass that do not fit', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open({ maxLength: 10, failOpen: true })
    await kernel.namespace.send({ port: PORT, count: 50 })
    await kernel.namespace.waitFor(PORT, 40)
    await answer(queue, 10, (packet) => packet.accept())
    await kernel.namespace.waitFor(PORT, 50)
    expect(queue.stats.packets).toBe(10)
  })

  test.each(['accept', 'drop'] as const)(
    'an exception in the loop body leaves no packet without a verdict (%s)',
    async (unanswered) => {
      await kernel.namespace.queueOutput(5, UDP)
      const queue = await kernel.open({ unanswered })
      await kernel.namespace.send({ port: PORT, count: 5 })
      const loop = answer(queue, 5, (packet) => {
        if (packet.id === 3) throw new Error('the body failed')
        packet.accept()
      })
      await expect(loop).rejects.toThrow('the body failed')
      expect(queue.counters()?.waiting).toBe(0)
      const delivered = unanswered === 'accept' ? 5 : 2
      await kernel.namespace.waitFor(PORT, delivered)
      expect((await kernel.namespace.received(PORT)).count).toBe(delivered)
    },
  )

  test('break ends the batch and keeps the queue; a later loop continues', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open({ unanswered: 'accept' })
    await kernel.namespace.send({ port: PORT, count: 3 })
    for await (const packet of queue.packets()) {
      packet.accept()
      break
    }
    expect(queue.counters()?.waiting).toBe(0)
    await kernel.namespace.send({ port: PORT, count: 2 })
    await answer(queue, 2, (packet) => packet.accept())
    await kernel.namespace.waitFor(PORT, 5)
  })

  test('with unanswered accept, close lets everything pass: read, held and unread', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open({ unanswered: 'accept' })
    await kernel.namespace.send({ port: PORT, count: 200 })
    for await (const packets of queue) {
      for (const packet of packets) if (packet.id % 2 === 0) packet.hold()
      break
    }
    await queue.close()
    await kernel.namespace.waitFor(PORT, 200)
    expect((await kernel.namespace.received(PORT)).count).toBe(200)
  })

  test('with unanswered drop, close drops them, and the queue can be bound again', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open()
    await kernel.namespace.send({ port: PORT, count: 20 })
    await queue.close()
    await queue.close()
    expect(queue.counters()).toMatchObject({ number: 5, waiting: 0, lastId: 20 })
    expect(queue.stats).toMatchObject({ packets: 20, dropped: 20, lost: 0 })
    expect((await kernel.namespace.received(PORT)).count).toBe(0)
    const again = await kernel.open()
    await kernel.namespace.send({ port: PORT })
    await answer(again, 1, (packet) => packet.accept())
    await kernel.namespace.waitFor(PORT, 1)
  })

  test('verdicts coalesced into batch verdicts give every packet its own, and none too late', async () => {
    const fates: string[][] = []
    for (const [index, verdictBatching] of (['never', 'always', 10, 'auto'] as const).entries()) {
      const port = 9300 + index
      await kernel.namespace.listen(port)
      await kernel.namespace.queueOutput(20 + index, { protocol: 'udp', destinationPort: port })
      const queue = await kernel.open({ number: 20 + index, verdictBatching, maxLength: 8192, unanswered: 'accept' })
      await kernel.namespace.send({ port, count: 250 })
      const held: HeldPacket[] = []
      await answer(queue, 250, (packet) => {
        if (packet.id % 7 === 0) packet.drop()
        else if (packet.id % 50 === 0) packet.accept({ mark: 3 })
        else if (packet.id === 100 || packet.id === 101) held.push(packet.hold())
        else if (packet.id % 3 !== 0) packet.accept()
      })
      for (const packet of held) packet.accept()
      await kernel.namespace.waitFor(port, 250 - 35)
      fates.push((await kernel.namespace.received(port)).payloads.sort())
      // The kernel's error for a verdict without a packet is counted when it is received, before the next packet.
      await kernel.namespace.send({ port, count: 1 })
      await answer(queue, 1, (packet) => packet.accept())
      expect(queue.counters()).toMatchObject({ waiting: 0, queueDropped: 0, userDropped: 0 })
      expect(queue.stats).toMatchObject({ packets: 251, dropped: 35, late: 0, refused: 0 })
      if (index === 0 || index === 3) expect(queue.stats.batchVerdicts).toBe(0)
      else expect(queue.stats.batchVerdicts).toBeGreaterThan(2)
    }
    for (const fate of fates) expect(fate).toEqual(fates[0])
  })

  test('verdicts are coalesced during overload, and not after it', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open({ maxLength: 8192, copyRange: 64 })
    await kernel.namespace.send({ port: PORT, count: 4000 })
    let verdicts = 0
    await answer(queue, 4000, (packet) => {
      if (packet.id % 10 === 0) packet.drop()
      else packet.accept()
      verdicts++
    })
    await kernel.namespace.waitFor(PORT, 3600)
    const { batchVerdicts } = queue.stats
    expect(verdicts).toBe(4000)
    expect(batchVerdicts).toBeGreaterThan(20)
    for (let i = 0; i < 5; i++) {
      await kernel.namespace.send({ port: PORT, count: 3 })
      await answer(queue, 3, (packet) => packet.accept())
    }
    expect(queue.stats.batchVerdicts).toBeLessThanOrEqual(batchVerdicts + 4)
    expect(queue.stats).toMatchObject({ late: 0, refused: 0, lost: 0 })
    await kernel.namespace.waitFor(PORT, 3615)
  })

  test('serve answers without the event loop, and another thread stops it', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open()
    const stop = new StopFlag()
    await kernel.namespace.send({ port: PORT, count: 300 })
    const accepted = new Int32Array(new SharedArrayBuffer(4))
    const code = `const { accepted, stop } = require("worker_threads").workerData
      for (let count = 0; count < 300; count = Atomics.load(accepted, 0)) Atomics.wait(accepted, 0, count)
      Atomics.store(new Int32Array(stop), 0, 1)`
    const stopper = new Worker(code, { eval: true, workerData: { accepted, stop: stop.buffer } })
    const stopped = once(stopper, 'exit')
    await once(stopper, 'online')
    const handler = (packets: PacketBatch) => {
      packets.accept()
      Atomics.add(accepted, 0, packets.length)
      Atomics.notify(accepted, 0)
    }
    queue.serve(handler, { stop, pollInterval: 10 })
    await stopped
    expect(queue.stats).toMatchObject({ packets: 300, accepted: 300, late: 0 })
    await kernel.namespace.waitFor(PORT, 300)
  })

  test('close while receiving ends the loop', async () => {
    const queue = await kernel.open()
    const loop = answer(queue, 1, (packet) => packet.accept())
    await queue.close()
    await loop
  })

  test('TCP passes whole with segmentation offload', async () => {
    await kernel.namespace.setLoopback(true, 1500)
    await kernel.namespace.queueOutput(5, { protocol: 'tcp' })
    await kernel.namespace.serve(9100)
    const queue = await kernel.open({ segmentationOffload: true })
    let offloaded = 0
    const loop = (async () => {
      for await (const packets of queue) {
        for (const packet of packets) {
          if (packet.isSegmentationOffloaded) offloaded++
          packet.accept()
        }
      }
    })()
    await kernel.namespace.connect({ port: 9100, bytes: 500_000 })
    await queue.close()
    await loop
    expect(await kernel.namespace.served(9100)).toBe(500_000)
    expect(offloaded).toBeGreaterThan(0)
    expect(queue.stats.lost).toBe(0)
  })
})

function outsideUserId(): number {
  const [inside = 0, outside = 0] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/).map(Number)
  return outside + (process.getuid?.() ?? 0) - inside
}
