import { openQueue, queueTransportNeeds, Session } from '@ringlink/client'
import type { FrameBatch } from '@ringlink/transport'
import { SimKernel } from '@ringlink/transport-sim'
import { describe, expect, it } from 'vitest'
import { udp } from '../../../transport-sim/test/support.ts'
import { openNetlinkRingOn } from '../../src/netlink/open.ts'
import { checkNetlinkRingOptions, type NetlinkRingOptions } from '../../src/netlink/options.ts'
import { EchoKernels, SMALL, simulated } from './support.ts'

const NETFILTER = 12
const check = (options: Partial<NetlinkRingOptions> = {}) =>
  checkNetlinkRingOptions({ protocol: NETFILTER, ...options }, 4096)

describe('sizes of a netlink ring', () => {
  it('follow from the use: a frame for each packet of the queue, with room for what the kernel reserves', () => {
    const { receive } = check(queueTransportNeeds({ copyRange: 128, maxLength: 4096 }, NETFILTER))
    expect(receive).toEqual({ blockSize: 4096, blockCount: 4096, frameSize: 3800, frameCount: 4096 })
  })

  it('few large frames for whole packets, in little more than 16 MiB', () => {
    const { receive } = check(queueTransportNeeds({ segmentationOffload: true, maxLength: 65536 }, NETFILTER))
    expect(receive.frameSize).toBeGreaterThan(65531 + 24 + 116)
    expect(receive.frameCount).toBeGreaterThan(200)
    expect(receive.blockSize * receive.blockCount).toBeLessThan(24 * 2 ** 20)
  })

  it('the ring of a default queue is small, and that of a shorter queue smaller', () => {
    const size = (maxLength?: number) => {
      const { receive } = check(queueTransportNeeds({ maxLength }, NETFILTER))
      return receive.blockSize * receive.blockCount
    }
    expect(size()).toBeLessThan(24 * 2 ** 20)
    expect(size(64)).toBeLessThan(6 * 2 ** 20)
    expect(size(1)).toBeLessThan(2 * 2 ** 20)
  })

  it('dumps and log batches always fit, even if smaller frames were requested', () => {
    expect(check({ frameSize: 64 }).receive.frameSize).toBe(3776 + 24)
    expect(check({ frames: 5 }).receive.frameCount).toBeGreaterThanOrEqual(5)
    expect(check({ frames: 1 }).batchSize).toBe(1)
    expect(check({ transmitFrames: 3 }).transmit).toMatchObject({ frameSize: 3800, frameCount: 3 })
    expect(check().transmit).toBeUndefined()
  })

  it.each<[Partial<NetlinkRingOptions>, string]>([
    [{ frames: 0 }, 'frames'],
    [{ frames: 1.5 }, 'frames'],
    [{ frames: 65536, frameSize: 65536 }, '1 GiB'],
    [{ frames: 8, frameSize: 64, batchSize: 9 }, 'batchSize'],
    [{ frames: 8, frameSize: 64, holdLimit: 8 }, 'holdLimit'],
    [{ transmitFrames: -1 }, 'transmitFrames'],
    [{ dumpAllocations: [0] }, 'dumpAllocations'],
    [{ frameSize: 1 }, 'frameSize'],
    [{ protocol: 256 }, 'protocol'],
  ])('out of bounds are refused: %o', (options, name) => {
    expect(() => check(options)).toThrow(
      expect.objectContaining({ code: 'VALUE_RANGE', message: expect.stringContaining(name) }),
    )
  })
})

describe('how many frames are held in place', () => {
  it.each([
    ['half, if the kernel steps over them', {}, {}, 'ring'],
    ['none, if it does not', { skip: 'broken' }, {}, 'copy'],
    ['none of other protocols', {}, { protocol: 0 }, 'copy'],
    ['none if groups were joined', {}, { groups: [1] }, 'copy'],
    ['as many as given', { skip: 'broken' }, { holdLimit: 3 }, 'ring'],
  ] as const)('%s', (_, kernel, options, hold) => {
    const kernels = new EchoKernels(kernel)
    const transport = openNetlinkRingOn(kernels, { ...SMALL, ...options })
    expect([transport.capabilities.kind, transport.capabilities.hold]).toEqual(['netlink-ring', hold])
  })

  it('none once a group is joined', () => {
    const kernels = new EchoKernels()
    const transport = openNetlinkRingOn(kernels, SMALL)
    const hold = () => {
      kernels.last.put(Uint8Array.of(1, 2, 3, 4))
      const batch = transport.poll() as FrameBatch
      batch.hold(0)
      batch.release()
      return transport.stats.copied
    }
    expect(hold()).toBe(0)
    transport.joinGroup(2)
    expect(hold()).toBe(1)
  })

  it('this is tried on a separate socket, which is closed', () => {
    const kernels = new EchoKernels()
    openNetlinkRingOn(kernels, SMALL)
    expect(kernels.opened.map(({ closed }) => closed)).toEqual([1, 0])
  })
})

describe('the client on a netlink ring of the simulated kernel', () => {
  it.each([
    ['as 4.5 has them', {}],
    ['of 4.4', { dumpTrim: true }],
    ['of 3.10', { skip: 'broken', readable: 'previous' }],
  ] as const)('holds 256 packets while others pass: rings %s', async (_, options) => {
    const kernel = new SimKernel({ seed: 1 })
    kernel.addRule({ hook: 3, queue: 0 })
    const transport = (needs: NetlinkRingOptions) => openNetlinkRingOn(simulated(kernel, options), needs)
    const queue = await openQueue({ number: 0, copyRange: 128, maxLength: 1024, transport })
    const held: { accept(): void }[] = []
    let seen = 0
    const inject = () => {
      for (let i = 0; i < 200; i++) kernel.inject(udp(5000, `${i}`))
    }
    inject()
    for await (const packets of queue) {
      for (const packet of packets) {
        seen++
        if (held.length < 256) held.push(packet.hold())
        else packet.accept()
      }
      packets.flush()
      if (seen === 10_000) break
      if (seen % 200 === 0) inject()
    }
    for (const packet of held.reverse()) packet.accept()
    queue.flush()
    expect([kernel.delivered, queue.stats.lost]).toEqual([10_000, 0])
    const { hold } = queue.transport.capabilities
    expect([hold, queue.transport.stats.copied]).toEqual('skip' in options ? ['copy', 256] : ['ring', 0])
    await queue.close()
  })

  it('a burst of requests larger than the ring loses nothing', async () => {
    const kernel = new SimKernel({ seed: 1 })
    const transport = openNetlinkRingOn(simulated(kernel), { protocol: NETFILTER, frames: 4 })
    const session = new Session(transport)
    const noop = {
      what: 'nothing',
      size: 16,
      write: (memory: { u32: Uint32Array }, offset: number) => {
        memory.u32.set([16, 1, 0, 0], offset >> 2)
        return 16
      },
    }
    await Promise.all(Array.from({ length: 500 }, () => session.request(noop)))
    expect([transport.stats.sent, transport.stats.lost]).toEqual([500, 0])
    await session.close()
  })

  it('a port id that is taken is the kernel’s refusal', () => {
    const kernel = new SimKernel({ seed: 1 })
    const plain = kernel.open({ protocol: NETFILTER, portId: 77 })
    const open = () => openNetlinkRingOn(simulated(kernel), { protocol: NETFILTER, portId: 77, holdLimit: 0 })
    expect(open).toThrow(expect.objectContaining({ code: 'SYSTEM' }))
    plain.close()
  })
})
