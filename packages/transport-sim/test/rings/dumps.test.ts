/** Dumps that arrive in a ring. */

import type { FrameBatch, Lease } from '@ringlink/transport'
import { describe, expect, test } from 'vitest'
import type { Dump } from '../../src/netlink/socket.ts'
import { drain, packet, receive } from './ring-fixtures.ts'
import { EchoKernel } from './support.ts'

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

  test.each([
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

  test('poll does not step over SKIP: a dump stops at a held frame, and continues when that is released', async () => {
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

  test('"a purely busy-looking reader gets exactly one chunk"; waiting restarts it', async () => {
    const kernel = new EchoKernel()
    const transport = kernel.open({ receive })
    start(kernel, 9)
    expect(drain(transport)).toEqual([40])
    expect(drain(transport)).toEqual([])
    const batch = await transport.receive()
    expect(batch.length).toBe(4)
  })

  test('a release of frames wakes no one, so a waiting receive polls when frames are released', async () => {
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

  test('after one long receive the parts are larger, and are still found', async () => {
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
