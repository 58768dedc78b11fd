/** RingTransport of @ringlink/transport on simulated rings; sections are those of docs/netlink-mmap.md. */

import { Errno } from '@ringlink/codec/errors'
import type { FrameBatch, Lease } from '@ringlink/transport'
import { NO_RING, RingOption, ringSize, writeRingRequest } from '@ringlink/transport/netlink-ring'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SimSocket } from '../../src/netlink/socket.ts'
import { bytesOf, drain, packet, receive } from './ring-fixtures.ts'
import { EchoKernel } from './support.ts'

describe('setting rings (sections 2 and 3)', () => {
  test('is refused with the errno of the kernel, and leaves nothing open', () => {
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

  test('twice is EBUSY, as is anything while mapped; a release works after unmapping, and a probe always', () => {
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

  test('"purges the receive queue"; "from the moment the ring is set (even before mmap) messages go to it"', () => {
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

  test('a socket without a ring is a plain one', () => {
    const kernel = new EchoKernel()
    expect(kernel.sim).toBeInstanceOf(SimSocket)
    kernel.put(packet(1))
    const seen: number[] = []
    const read = kernel.socket.receive(100, (memory, offset) => seen.push(memory.u8[offset] as number))
    expect([read, seen, kernel.socket.receive(100, () => {})]).toEqual([0, [1], -Errno.EAGAIN])
  })
})

describe('receiving', () => {
  test('messages of both paths in their order, through one kind of batch', () => {
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

  test('a message dropped after its allocation leaves an empty frame that is not delivered', () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive })
    for (let lap = 0; lap < 20; lap++) {
      kernel.socket.allocate(100)
      kernel.put(packet(lap))
      expect(drain(transport)).toEqual([lap])
    }
  })

  test.each(['any', 'previous'] as const)(
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

  test('a full ring drops and counts: "ENOBUFS => report loss, keep draining"', () => {
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

  test('says how many answers there is room for (section 7)', () => {
    const transport = new EchoKernel().open({ receive })
    expect(transport.freeFrames()).toBe(8)
  })

  test('live batches do not keep poll busy, nor block later messages', async () => {
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
  test('keeps frames in the ring up to the limit, copies further ones, and never stalls', () => {
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

  test('a lease that is released before its batch leaves the frame to the batch, and the other way round', () => {
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

  test('keeps every frame intact and counts every loss, for any holds, releases and losses', () => {
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

describe('closing', () => {
  test('unmaps, closes, and detaches what lives', async () => {
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
