/** RingTransport of @ringlink/transport on simulated rings; sections are those of docs/netlink-mmap.md. */

import { Errno } from '@ringlink/codec/errors'
import type { FrameBatch, Lease } from '@ringlink/transport'
import { NO_RING, RingOption, ringSize, writeRingRequest } from '@ringlink/transport/netlink-ring'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Dump, SimSocket } from '../../src/netlink/socket.ts'
import { ACKNOWLEDGED_REQUEST, EchoKernel, transmitRing } from './support.ts'

const receive = { blockSize: 4096, blockCount: 8, frameSize: 4096, frameCount: 8 }

function bytesOf(batch: FrameBatch, index: number): number[] {
  return [...batch.memory.copy(batch.offset(index), batch.byteLength(index))]
}

/** Polls and releases until there is nothing; the first bytes of the messages. */
function drain(transport: { poll(): FrameBatch | undefined }): number[] {
  const seen: number[] = []
  for (let batch = transport.poll(); batch !== undefined; batch = transport.poll()) {
    for (let index = 0; index < batch.length; index++) seen.push(bytesOf(batch, index)[0] as number)
    batch.release()
  }
  return seen
}

const packet = (number: number) => Uint8Array.of(number, 1, 2, 3, 4, 5, 6, 7)

describe('setting rings (sections 2 and 3)', () => {
  it('is refused with the errno of the kernel, and leaves nothing open', () => {
    const kernel = new EchoKernel({ privileged: false })
    expect(() => kernel.open()).toThrow(expect.objectContaining({ code: 'SYSTEM', errno: Errno.EPERM }))
    expect(kernel.closed).toBe(1)
    const small = new EchoKernel()
    expect(() => small.open({ receive: { ...receive, blockSize: 100 } })).toThrow(
      expect.objectContaining({ errno: Errno.EINVAL, operation: 'set receive ring' }),
    )
    const poor = new EchoKernel({ ringMemory: 4096 })
    expect(() => poor.open()).toThrow(expect.objectContaining({ errno: Errno.ENOMEM }))
  })

  it('twice is EBUSY, as is anything while mapped; a release works after unmapping, and a probe always', () => {
    const { socket } = new EchoKernel()
    const request = writeRingRequest(receive)
    const nothing = writeRingRequest(NO_RING)
    expect(socket.setRing(RingOption.Receive, nothing)).toBe(0)
    expect(socket.map(4096)).toBe(-Errno.EINVAL)
    expect(socket.setRing(RingOption.Receive, request)).toBe(0)
    expect(socket.setRing(RingOption.Receive, request)).toBe(-Errno.EBUSY)
    expect(socket.map(ringSize(receive) + 4096)).toBe(-Errno.EINVAL)
    expect(socket.map(ringSize(receive), 4096)).toBe(-Errno.EINVAL)
    expect(typeof socket.map(ringSize(receive))).toBe('object')
    expect(socket.setRing(RingOption.Transmit, request)).toBe(-Errno.EBUSY)
    expect(socket.setRing(RingOption.Receive, nothing)).toBe(-Errno.EBUSY)
    socket.unmap()
    expect(socket.setRing(RingOption.Receive, nothing)).toBe(0)
    expect(socket.setRing(RingOption.Receive, request)).toBe(0)
  })

  it('"purges the receive queue"; "from the moment the ring is set (even before mmap) messages go to it"', () => {
    const kernel = new EchoKernel()
    kernel.put(packet(1))
    expect(kernel.sim.queue.length).toBe(1)
    kernel.socket.setRing(RingOption.Receive, writeRingRequest(receive))
    expect(kernel.sim.queue.length).toBe(0)
    kernel.put(packet(2))
    expect(kernel.socket.poll()).toBe(1)
    expect(kernel.sim.queue.length).toBe(0)
    // The transmit ring moves the receive ring, which is not mapped yet, with its contents.
    kernel.socket.setRing(RingOption.Transmit, writeRingRequest(receive))
    expect(kernel.socket.poll()).toBe(1)
  })

  it('a socket without a ring is a plain one', () => {
    const kernel = new EchoKernel()
    expect(kernel.sim).toBeInstanceOf(SimSocket)
    kernel.put(packet(1))
    const seen: number[] = []
    const read = kernel.socket.receive(100, (memory, offset) => seen.push(memory.u8[offset] as number))
    expect([read, seen, kernel.socket.receive(100, () => {})]).toEqual([0, [1], -Errno.EAGAIN])
  })
})

describe('receiving', () => {
  it('messages of both paths in their order, through one kind of batch', () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ foreignSenders: true })
    transport.joinGroup(2)
    kernel.put(packet(1))
    kernel.queue(packet(2))
    kernel.deliverForeign([packet(3)])
    kernel.deliverToGroup(2, packet(4))
    const batch = transport.poll() as FrameBatch
    const seen = [0, 1, 2, 3].map((at) => [bytesOf(batch, at)[0], batch.portId(at), batch.groups(at)])
    expect(seen).toEqual([
      [1, 0, 0],
      [2, 0, 0],
      [3, 4242, 0],
      [4, 0, 2],
    ])
  })

  it('a message dropped after its allocation leaves an empty frame that is not delivered', () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive })
    for (let lap = 0; lap < 20; lap++) {
      kernel.socket.allocate(100)
      kernel.put(packet(lap))
      expect(drain(transport)).toEqual([lap])
    }
  })

  it.each(['any', 'previous'] as const)(
    'a reserved frame is waited for without a busy loop (poll: %s)',
    async (readable) => {
      const kernel = new EchoKernel({ readable })
      const transport = kernel.open({ receive })
      // Reserved until the next allocation finds that it was not delivered. Some kernels call that readable.
      kernel.socket.allocate(100)
      const waiting = transport.receive()
      const { wakeups } = transport.stats
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
      expect(transport.stats.wakeups - wakeups).toBeLessThan(5)
      kernel.put(packet(2))
      const batch = await waiting
      expect([batch.length, bytesOf(batch, 0)[0]]).toEqual([1, 2])
    },
  )

  it('a full ring drops and counts: "ENOBUFS => report loss, keep draining"', () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive })
    const overruns: number[] = []
    transport.events.on('overrun', (lost) => overruns.push(lost))
    for (let number = 0; number < 12; number++) kernel.put(packet(number))
    expect(kernel.socket.drops).toBe(4)
    const batch = transport.poll() as FrameBatch
    expect(batch.lost).toBe(4)
    kernel.put(packet(90))
    batch.release()
    expect(drain(transport)).toEqual([4, 5, 6, 7])
    kernel.put(packet(20))
    const next = transport.poll() as FrameBatch
    expect([bytesOf(next, 0)[0], next.lost]).toEqual([20, 0])
    expect([transport.stats.lost, overruns]).toEqual([5, [4, 1]])
  })

  it('says how many answers there is room for (section 7)', () => {
    const transport = new EchoKernel().open({ receive })
    expect(transport.freeFrames()).toBe(8)
  })

  it('live batches do not keep poll busy, nor block later messages', async () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive, holdLimit: 4 })
    kernel.put(packet(1))
    const live = await transport.receive()
    const waiting = transport.receive()
    const { wakeups } = transport.stats
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(transport.stats.wakeups).toBe(wakeups)
    for (let number = 2; number < 40; number++) {
      kernel.put(packet(number))
      if (number === 2) (await waiting).release()
      else drain(transport)
    }
    expect(bytesOf(live, 0)[0]).toBe(1)
    expect(kernel.socket.drops).toBe(0)
  })
})

describe('holding', () => {
  it('keeps frames in the ring up to the limit, copies further ones, and never stalls', () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive, holdLimit: 3 })
    const held: Lease[] = []
    for (let number = 0; number < 5; number++) {
      kernel.put(packet(number))
      const batch = transport.poll() as FrameBatch
      held.push(batch.hold(0))
      batch.release()
    }
    expect([transport.stats.held, transport.stats.copied]).toEqual([5, 2])
    for (let number = 10; number < 110; number++) {
      kernel.put(packet(number))
      expect(drain(transport)).toEqual([number])
    }
    expect(held.map((lease) => lease.memory.u8[lease.offset])).toEqual([0, 1, 2, 3, 4])
    for (const index of [3, 1, 4, 0, 2]) held[index]?.release()
    expect([transport.stats.held, transport.freeFrames()]).toEqual([0, 8])
  })

  it('a lease that is released before its batch leaves the frame to the batch, and the other way round', () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive, holdLimit: 3 })
    kernel.put(packet(1))
    const batch = transport.poll() as FrameBatch
    const [first, second] = [batch.hold(0), batch.hold(0)]
    first.release()
    for (let number = 10; number < 30; number++) {
      kernel.put(packet(number))
      drain(transport)
    }
    expect(bytesOf(batch, 0)[0]).toBe(1)
    batch.release()
    expect(second.memory.u8[second.offset]).toBe(1)
    second.release()
    expect(transport.freeFrames()).toBe(8)
  })

  it('keeps every frame intact and counts every loss, for any holds, releases and losses', () => {
    const step = fc.record({
      kind: fc.constantFrom('put', 'put', 'queue', 'poll', 'release', 'hold', 'drop'),
      at: fc.nat(9),
    })
    const kernels = [
      { skip: 'forwards', readable: 'any' },
      { skip: 'broken', readable: 'previous' },
    ] as const
    const options = fc.record({ holdLimit: fc.integer({ min: 0, max: 6 }), quirks: fc.constantFrom(...kernels) })
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 120, size: 'max' }), ({ holdLimit, quirks }, steps) => {
        const kernel = new EchoKernel(quirks)
        const transport = kernel.open({ receive, holdLimit, batchSize: 3 })
        const live: { batch: FrameBatch; seen: number[][] }[] = []
        const leases: { lease: Lease; seen: number[] }[] = []
        let number = 0
        let received = 0
        let lost = 0
        const take = (timeout = 0) => {
          let batch: FrameBatch | undefined
          try {
            batch = transport.poll(timeout)
          } catch (error) {
            expect(error).toMatchObject({ code: 'NO_FREE_FRAMES' })
          }
          if (batch === undefined) return
          received += batch.length
          lost += batch.lost
          live.push({ batch, seen: Array.from({ length: batch.length }, (_, at) => bytesOf(batch, at)) })
        }
        for (const { kind, at } of steps) {
          if (kind === 'put') kernel.put(packet(++number))
          else if (kind === 'queue') kernel.queue(packet(++number))
          else if (kind === 'drop') number += kernel.socket.allocate(50) ? 0 : 1
          else if (kind === 'poll') take()
          else if (kind === 'hold' && live.length > 0) {
            const { batch, seen } = live[at % live.length] as (typeof live)[0]
            leases.push({ lease: batch.hold(at % seen.length), seen: seen[at % seen.length] as number[] })
          } else if (kind === 'release') {
            for (const { batch, seen } of live.splice(at % 4, 1)) {
              expect(seen).toEqual(seen.map((_, index) => bytesOf(batch, index)))
              batch.release()
            }
            for (const { lease, seen } of leases.splice(at % 4, 1)) {
              expect([...lease.memory.copy(lease.offset, lease.byteLength)]).toEqual(seen)
              lease.release()
            }
          }
        }
        for (const { lease } of leases) lease.release()
        // The last allocation, which waits for its message, is abandoned at the first of these.
        for (let round = 0; round < 3; round++) {
          kernel.put(packet(++number))
          for (let idle = 0; idle < 4; idle++) {
            for (const { batch } of live.splice(0)) batch.release()
            take(1)
            if (live.length > 0) idle = 0
          }
        }
        expect(received + kernel.socket.drops).toBe(number)
        expect(transport.stats.lost).toBe(kernel.socket.drops)
        expect(lost).toBe(transport.stats.lost)
      }),
      { numRuns: 500 },
    )
  })
})

describe('dumps (section 8)', () => {
  class Rows implements Dump {
    left: number
    readonly kernel: EchoKernel
    constructor(kernel: EchoKernel, rows: number) {
      this.kernel = kernel
      this.left = rows
    }

    next(): boolean {
      const { socket, sim } = this.kernel
      if (!socket.allocate(Math.max(3776, sim.largestReceive))) return false
      const { memory, offset } = socket
      memory.u32.set([40, this.left, 0, 0], offset >> 2)
      this.left--
      if (this.left === 0) sim.dump = undefined
      socket.force(40)
      return true
    }
  }
  const start = (kernel: EchoKernel, rows: number) => {
    kernel.sim.dump = new Rows(kernel, rows)
    kernel.sim.dump.next()
  }

  it.each([
    ['as it should be', {}],
    ['trimmed', { dumpTrim: true }],
    ['on a kernel of 3.10', { skip: 'broken', readable: 'previous' }],
  ] as const)('runs to its end by itself, while frames are copied out to be kept: %s', async (_, kernelOptions) => {
    const kernel = new EchoKernel(kernelOptions)
    const transport = kernel.open({ receive: { ...receive, blockSize: 8192, frameSize: 8192 } })
    start(kernel, 50)
    const rows: number[] = []
    while (rows.length < 50) {
      const batch = await transport.receive()
      for (let index = 0; index < batch.length; index++) {
        rows.push(batch.memory.u32[(batch.offset(index) >> 2) + 1] as number)
        batch.hold(index)
      }
      batch.release()
    }
    expect(rows).toEqual(Array.from({ length: 50 }, (_, index) => 50 - index))
    expect(kernel.socket.drops).toBe(0)
  })

  it('poll does not step over SKIP: a dump stops at a held frame, and continues when that is released', async () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive, holdLimit: 1, batchSize: 1 })
    start(kernel, 20)
    const first = await transport.receive()
    const lease = first.hold(0)
    first.release()
    let rows = 1
    for (let batch = transport.poll(1); batch !== undefined; batch = transport.poll(1)) {
      rows++
      batch.release()
    }
    expect(rows).toBe(8)
    lease.release()
    for (; rows < 20; rows++) (await transport.receive()).release()
    expect(kernel.sim.dump).toBeUndefined()
  })

  it('"a purely busy-looking reader gets exactly one chunk"; waiting restarts it', async () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive })
    start(kernel, 9)
    expect(drain(transport)).toEqual([40])
    expect(drain(transport)).toEqual([])
    const batch = await transport.receive()
    expect(batch.length).toBe(4)
  })

  it('a release of frames wakes no one, so a waiting receive polls when frames are released', async () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive, holdLimit: 7, batchSize: 8 })
    start(kernel, 12)
    const leases: Lease[] = []
    let rows = 0
    const take = (batch: FrameBatch) => {
      rows += batch.length
      for (let index = 0; index < batch.length; index++) leases.push(batch.hold(index))
      batch.release()
    }
    take(await transport.receive())
    for (let batch = transport.poll(1); batch !== undefined; batch = transport.poll(1)) take(batch)
    const before = rows
    expect(before).toBeLessThan(12)
    const waiting = transport.receive()
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
    for (const lease of leases) lease.release()
    take(await waiting)
    expect(rows).toBeGreaterThan(before)
  })

  it('after one long receive the parts are larger, and are still found', async () => {
    const kernel = new EchoKernel({ dumpTrim: true })
    const transport = kernel.open({ receive: { ...receive, blockSize: 16384, frameSize: 16384 }, batchSize: 1 })
    kernel.queue(packet(1))
    expect(drain(transport)).toEqual([1])
    expect(kernel.sim.largestReceive).toBe(16384 - 24)
    start(kernel, 3)
    const rows: number[] = []
    while (rows.length < 3) {
      const batch = await transport.receive()
      rows.push(batch.memory.u32[(batch.offset(0) >> 2) + 1] as number)
      batch.release()
    }
    expect(rows).toEqual([3, 2, 1])
  })
})

describe('sending through a transmit ring (section 10)', () => {
  const commit = (transport: ReturnType<EchoKernel['open']>, bytes: Uint8Array) => {
    transport.outbox.memory.u8.set(bytes, transport.outbox.reserve(bytes.length))
    transport.outbox.commit(bytes.length)
  }

  it('many commits share a frame, many frames a system call', () => {
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

  it('a commit longer than a frame goes as on any socket, in its turn', () => {
    const kernel = new EchoKernel()
    kernel.answers = false
    const transport = kernel.open({ ...transmitRing, outboxSize: 4096 })
    const requests = [100, 2000, 60, 80, 600].map((length, index) => kernel.request(index, length))
    for (const request of requests) commit(transport, request)
    expect(transport.outbox.flush()).toBe(5)
    expect(kernel.sent()).toEqual(requests)
  })

  it('more than the ring holds goes in several entries', () => {
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

  it('a failure keeps unsent commits, reports how many were sent, and the next flush continues', () => {
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

  it('"16 acked requests via TX into an RX ring of 2 frames: send returns full length, 14 acks lost"', () => {
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

  it.each([
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

  it('continue automatically during a wait, together with later commits', async () => {
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

  it('leave room for frames that are held, down to the last', () => {
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

  it('a failure on the way is reported to the receiver, and loses nothing', async () => {
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

  it('closing forgets what was kept back', async () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive })
    for (const request of burst(kernel, 12)) commit(transport, request)
    transport.outbox.flush()
    const batch = await transport.receive()
    await transport.close()
    expect([batch.released, kernel.sent().length]).toEqual([true, 7])
  })
})

describe('closing', () => {
  it('unmaps, closes, and detaches what lives', async () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive, holdLimit: 4 })
    kernel.put(packet(1))
    const batch = await transport.receive()
    const lease = batch.hold(0)
    const waiting = transport.receive()
    await transport.close()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    expect(() => batch.offset(0)).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    expect(() => lease.memory.u8).toThrow(expect.objectContaining({ code: 'RELEASED' }))
    expect(kernel.closed).toBe(1)
    expect(kernel.socket.setRing(RingOption.Receive, writeRingRequest(NO_RING))).toBe(0)
  })
})
