/** Sending by a ring, and the answers that it has promised room for. */

import { Errno } from '@ringlink/codec/errors'
import type { FrameBatch } from '@ringlink/transport'
import { describe, expect, test } from 'vitest'
import { bytesOf, drain, packet, receive } from './ring-fixtures.ts'
import { ACKNOWLEDGED_REQUEST, EchoKernel, transmitRing } from './support.ts'

describe('sending through a transmit ring (section 10)', () => {
  const commit = (transport: ReturnType<EchoKernel['open']>, bytes: Uint8Array) => {
    transport.outbox.memory.u8.set(bytes, transport.outbox.reserve(bytes.length))
    transport.outbox.commit(bytes.length)
  }

  test('many commits share a frame, many frames a system call', () => {
    const kernel = new EchoKernel()
    kernel.answers = false
    const transport = kernel.open({ ...transmitRing, outboxSize: 4096 })
    const requests = Array.from({ length: 60 }, (_, index) => kernel.request(index, 40))
    for (const request of requests) commit(transport, request)
    const { systemCalls } = transport.stats
    expect(transport.outbox.flush()).toBe(60)
    expect(transport.stats.systemCalls - systemCalls).toBe(1)
    expect(kernel.sent()).toEqual(requests)
  })

  test('a commit longer than a frame goes as on any socket, in its turn', () => {
    const kernel = new EchoKernel()
    kernel.answers = false
    const transport = kernel.open({ ...transmitRing, outboxSize: 4096 })
    const requests = [100, 2000, 60, 80, 600].map((length, index) => kernel.request(index, length))
    for (const request of requests) commit(transport, request)
    expect(transport.outbox.flush()).toBe(5)
    expect(kernel.sent()).toEqual(requests)
  })

  test('more than the ring holds goes in several entries', () => {
    const kernel = new EchoKernel()
    kernel.answers = false
    const transport = kernel.open({
      transmit: { blockSize: 4096, blockCount: 1, frameSize: 2048, frameCount: 2 },
      outboxSize: 65536,
    })
    const requests = Array.from({ length: 30 }, (_, index) => kernel.request(index, 1500))
    for (const request of requests) commit(transport, request)
    expect(transport.outbox.flush()).toBe(30)
    expect(kernel.sent()).toEqual(requests)
  })

  test('a failure keeps unsent commits, reports how many were sent, and the next flush continues', () => {
    const kernel = new EchoKernel()
    kernel.answers = false
    const transport = kernel.open({ ...transmitRing, outboxSize: 8192 })
    const requests = Array.from({ length: 20 }, (_, index) => kernel.request(index, 300))
    for (const request of requests) commit(transport, request)
    let seen = 0
    kernel.refuse = () => (++seen === 6 ? -Errno.ECONNREFUSED : 0)
    expect(() => transport.outbox.flush()).toThrow(expect.objectContaining({ code: 'SYSTEM', sent: 5 }))
    expect(transport.outbox.pendingCommits).toBe(15)
    kernel.refuse = () => -Errno.EAGAIN
    expect(() => transport.outbox.flush()).toThrow(expect.objectContaining({ errno: Errno.EAGAIN }))
    kernel.refuse = () => 0
    expect(transport.outbox.flush()).toBe(15)
    expect(kernel.sent()).toEqual(requests)
  })

  test('"16 acked requests via TX into an RX ring of 2 frames: send returns full length, 14 acks lost"', () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ ...transmitRing, receive: { ...receive, blockCount: 2, frameCount: 2 } })
    // Answered without a request for it, as errors are.
    for (let index = 0; index < 16; index++) commit(transport, kernel.request(index, 16))
    expect(transport.outbox.flush()).toBe(16)
    const batch = transport.poll() as FrameBatch
    expect(batch.lost).toBe(14)
    batch.release()
    expect(transport.stats.lost).toBe(14)
  })
})

describe('requests that ask for an answer', () => {
  const commit = (transport: ReturnType<EchoKernel['open']>, bytes: Uint8Array) => {
    transport.outbox.memory.u8.set(bytes, transport.outbox.reserve(bytes.length))
    transport.outbox.commit(bytes.length)
  }
  const burst = (kernel: EchoKernel, count: number) =>
    Array.from({ length: count }, (_, index) => kernel.request(index, 16 + 4 * (index % 3), ACKNOWLEDGED_REQUEST))

  test.each([
    ['one frame', 1, {}],
    ['two frames', 2, {}],
    ['eight frames', 8, {}],
    ['two frames, and a transmit ring', 2, transmitRing],
    ['eight frames, and a transmit ring', 8, transmitRing],
  ] as const)(
    'are sent as far as there is room for the answers, the others later: a ring of %s',
    (_, frames, sending) => {
      const kernel = new EchoKernel()
      const transport = kernel.open({ ...sending, receive: { ...receive, blockCount: frames, frameCount: frames } })
      const requests = burst(kernel, 40)
      for (const request of requests) commit(transport, request)
      // Each may take two frames, and takes one.
      const first = Math.max(1, frames - 1)
      expect(transport.outbox.flush()).toBe(first)
      expect(transport.outbox.pendingCommits).toBe(40 - first)
      const answers: Uint8Array[] = []
      for (let batch = transport.poll(); batch !== undefined; batch = transport.poll()) {
        for (let index = 0; index < batch.length; index++) {
          answers.push(kernel.answered(Uint8Array.from(bytesOf(batch, index))) as Uint8Array)
        }
        batch.release()
      }
      expect(answers).toEqual(requests)
      expect(kernel.sent()).toEqual(requests)
      expect([transport.outbox.pendingCommits, transport.stats.lost, kernel.socket.drops]).toEqual([0, 0, 0])
      expect(transport.stats.sent).toBe(40)
    },
  )

  test('continue automatically during a wait, together with later commits', async () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive })
    const requests = [...burst(kernel, 30), kernel.request(77, 20), ...burst(kernel, 3)]
    for (const request of requests) commit(transport, request)
    transport.outbox.flush()
    let answers = 0
    while (answers < requests.length) {
      const batch = await transport.receive()
      answers += batch.length
      batch.release()
    }
    expect(kernel.sent()).toEqual(requests)
    expect(transport.stats.lost).toBe(0)
  })

  test('leave room for frames that are held, down to the last', () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive: { ...receive, blockCount: 2, frameCount: 2 }, holdLimit: 1 })
    kernel.put(packet(1))
    const first = transport.poll() as FrameBatch
    const lease = first.hold(0)
    first.release()
    for (const request of burst(kernel, 9)) commit(transport, request)
    expect(transport.outbox.flush()).toBe(1)
    expect(drain(transport)).toHaveLength(9)
    expect(transport.stats.lost).toBe(0)
    lease.release()
  })

  test('a failure on the way is reported to the receiver, and loses nothing', async () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive, batchSize: 8 })
    const requests = burst(kernel, 12)
    for (const request of requests) commit(transport, request)
    transport.outbox.flush()
    kernel.refuse = () => -Errno.ENOMEM
    const batch = await transport.receive()
    const waiting = transport.receive()
    batch.release()
    await expect(waiting).rejects.toMatchObject({ code: 'SYSTEM', errno: Errno.ENOMEM })
    expect(transport.outbox.pendingCommits).toBe(5)
    kernel.refuse = () => 0
    expect(transport.outbox.flush()).toBe(5)
    drain(transport)
    expect(kernel.sent()).toEqual(requests)
  })

  test('closing forgets what was kept back', async () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive })
    for (const request of burst(kernel, 12)) commit(transport, request)
    transport.outbox.flush()
    const batch = await transport.receive()
    await transport.close()
    expect([batch.released, kernel.sent().length]).toEqual([true, 7])
  })
})
