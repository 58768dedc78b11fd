import { CopyMode, Protocol } from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import { DATABASE_PROTOCOL, SimKernel } from '../../src/index.ts'
import { blockCost, messageCost } from '../../src/netlink/accounting.ts'
import { ask, bind, config, counters, receiveAll, sendBytes, udp } from '../support.ts'

function fitting(size: number, receiveBufferSize?: number): number {
  const kernel = new SimKernel()
  kernel.addRule({ hook: 3, queue: 0 })
  const socket = kernel.open({ protocol: Protocol.Netfilter, receiveBufferSize })
  const parameters = { copyRange: 0, copyMode: CopyMode.Packet }
  ask(socket, config(0, { ...bind, parameters, maximumLength: 65536 }))
  const packet = udp(5000, new Uint8Array(size))
  for (let i = 0; i < 300; i++) kernel.inject(packet)
  return counters(socket)?.[1] as number
}

describe('the receive buffer', () => {
  // Bytes of UDP data, and how many such packets the real kernel put into the default buffer.
  test.each([
    [0, 256],
    [104, 256],
    [105, 166],
    [552, 166],
    [553, 92],
    [1400, 92],
    [1576, 92],
    [1577, 48],
    [3624, 48],
    [3625, 25],
    [7700, 25],
    [7800, 12],
    [15000, 12],
    [15990, 6],
    [16100, 12],
    [20000, 10],
    [60000, 3],
  ])('holds packets of %i bytes: %i of them', (size, count) => {
    expect(fitting(size)).toBe(count)
  })

  test.each([
    [1, 2],
    [2304, 2],
    [4000, 4],
    [4608, 5],
  ])('of %i bytes holds %i small packets: the kernel has a least size', (size, count) => {
    expect(fitting(1, size)).toBe(count)
  })

  test('charges the block that a message lies in, and moves it when that is mostly empty', () => {
    expect([128, 192, 193, 320, 321].map((size) => blockCost(size, 512))).toEqual([768, 768, 1280, 1280, 1280])
    expect([256, 257, 320, 321].map((size) => blockCost(size, 640))).toEqual([896, 896, 896, 1280])
    expect([256, 257, 704, 3776].map((size) => blockCost(size, 576))).toEqual([832, 1280, 1280, 4352])
    expect([messageCost(3776, 100, 576), messageCost(3776, 3620, 576), messageCost(704, 180, 576)]).toEqual([
      832, 4352, 1280,
    ])
  })

  test('loses acknowledgements too, and lets nothing in until it has been emptied', () => {
    const kernel = new SimKernel()
    kernel.addRule({ hook: 3, queue: 0 })
    const socket = kernel.open({ protocol: Protocol.Netfilter, receiveBufferSize: 4608, batchSize: 2 })
    ask(socket, config(0, { ...bind, parameters: { copyRange: 0, copyMode: CopyMode.Meta } }))
    for (let i = 0; i < 10; i++) kernel.inject(udp(1, ''))
    sendBytes(socket, config(0, {}))
    let batch = socket.poll()
    expect([batch?.length, batch?.lost]).toEqual([2, 6])
    batch?.release()
    // There is room now, but the queue is congested until it is empty.
    kernel.inject(udp(1, ''))
    expect(counters(socket)?.[5]).toBe(6)
    batch = socket.poll()
    expect(batch?.lost).toBe(0)
    batch?.release()
    expect(receiveAll(socket)).toHaveLength(1)
    kernel.inject(udp(1, ''))
    batch = socket.poll()
    expect([batch?.length, batch?.lost, socket.stats.lost]).toEqual([1, 1, 7])
    batch?.release()
  })

  test('neither reports losses nor closes itself with NETLINK_NO_ENOBUFS, but counts them', () => {
    const kernel = new SimKernel()
    kernel.addRule({ hook: 3, queue: 0 })
    const socket = kernel.open({
      protocol: Protocol.Netfilter,
      receiveBufferSize: 4608,
      noOverrunErrors: true,
      batchSize: 1,
    })
    ask(socket, config(0, { ...bind, parameters: { copyRange: 0, copyMode: CopyMode.Meta } }))
    for (let i = 0; i < 7; i++) kernel.inject(udp(1, ''))
    socket.poll()?.release()
    kernel.inject(udp(1, ''))
    expect(counters(socket)?.[5]).toBe(2)
    expect(receiveAll(socket)).toHaveLength(5)
    expect(socket.stats.lost).toBe(2)
  })
})

describe('a socket', () => {
  test('has the process id as its port id, further ones a number of the upper half', () => {
    const ports = [1, 1, 2].map((seed) => {
      const kernel = new SimKernel({ seed })
      return [1, 2, 3].map(() => kernel.open({ protocol: Protocol.Netfilter }).portId)
    })
    expect(ports[0]).toEqual(ports[1])
    expect(ports[0]).not.toEqual(ports[2])
    expect(ports[0]?.[0]).toBe(1000)
    expect(ports[0]?.[1]).toBeGreaterThanOrEqual(0x80000000)
  })

  test('is refused for a protocol that is not there, and for a port id that is taken', () => {
    const kernel = new SimKernel()
    kernel.open({ protocol: Protocol.Netfilter, portId: 5 })
    expect(() => kernel.open({ protocol: Protocol.Netfilter, portId: 5 })).toThrow(/EADDRINUSE/)
    expect(() => kernel.open({ protocol: Protocol.Audit })).toThrow(/EPROTONOSUPPORT/)
    expect(() => kernel.open({ protocol: -1 })).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
  })

  test('truncates a message longer than a frame, and marks it', () => {
    const kernel = new SimKernel()
    const socket = kernel.open({ protocol: Protocol.Netfilter, frameSize: 64 })
    kernel.unicast(Protocol.Netfilter, socket.portId, new Uint8Array(100))
    using batch = socket.poll()
    expect([batch?.byteLength(0), batch?.fullLength(0), socket.stats.truncated]).toEqual([64, 100, 1])
  })

  test('takes empty messages and single bytes, and keeps their order', () => {
    const kernel = new SimKernel()
    const socket = kernel.open({ protocol: Protocol.Netfilter, receiveBufferSize: 1 << 20 })
    const sizes = Array.from({ length: 900 }, (_, index) => index % 7)
    for (const size of sizes) kernel.unicast(Protocol.Netfilter, socket.portId, new Uint8Array(size).fill(size))
    expect(receiveAll(socket).map((bytes) => bytes.length)).toEqual(sizes)
  })

  test('keeps waiting messages apart while its block is used in turns and grows', () => {
    const kernel = new SimKernel({ seed: 5 })
    const socket = kernel.open({ protocol: Protocol.Netfilter, receiveBufferSize: 1 << 24, batchSize: 3 })
    const expected: number[] = []
    const got: number[] = []
    for (let i = 0; i < 4000; i++) {
      const message = new Uint8Array(kernel.random.below(3000)).fill(i)
      kernel.unicast(Protocol.Netfilter, socket.portId, message)
      expected.push(message.length, message.at(-1) ?? -1)
      if (kernel.random.below(3) > 0) continue
      using batch = socket.poll()
      for (let k = 0; k < (batch?.length ?? 0); k++) note(batch?.memory.copy(batch.offset(k), batch.byteLength(k)))
    }
    for (const bytes of receiveAll(socket)) note(bytes)
    function note(bytes: Uint8Array = new Uint8Array(0)) {
      got.push(bytes.length, bytes.at(-1) ?? -1)
    }
    expect(got).toEqual(expected)
  })

  test('gets what is sent to its groups, and drops what other sockets send', () => {
    const kernel = new SimKernel()
    const member = kernel.open({ protocol: Protocol.Netfilter, groups: [1] })
    const other = kernel.open({ protocol: Protocol.Netfilter })
    kernel.multicast(Protocol.Netfilter, 1, new Uint8Array([1]))
    using batch = member.poll()
    expect([batch?.groups(0), batch?.portId(0), other.poll()]).toEqual([1, 0, undefined])
    kernel.unicast(Protocol.Netfilter, other.portId, new Uint8Array([1]), member.portId)
    expect([other.poll(), other.stats.foreign]).toEqual([undefined, 1])
    member.leaveGroup(1)
    kernel.multicast(Protocol.Netfilter, 1, new Uint8Array([1]))
    expect(member.poll()).toBeUndefined()
    expect(() => member.joinGroup(33)).toThrow(/EINVAL/)
  })

  test('overwrites released frames', () => {
    const kernel = new SimKernel()
    const socket = kernel.open({ protocol: DATABASE_PROTOCOL })
    kernel.unicast(DATABASE_PROTOCOL, socket.portId, new Uint8Array([1, 2, 3, 4]))
    const batch = socket.poll()
    const { u8 } = batch?.memory ?? { u8: new Uint8Array(0) }
    const offset = batch?.offset(0) ?? 0
    batch?.release()
    expect([...u8.subarray(offset, offset + 4)]).toEqual([0xa5, 0xa5, 0xa5, 0xa5])
  })

  test('wakes a pending receive when a message comes, and when it is closed', async () => {
    const kernel = new SimKernel()
    const socket = kernel.open({ protocol: Protocol.Netfilter })
    const pending = socket.receive()
    kernel.unicast(Protocol.Netfilter, socket.portId, new Uint8Array([1]))
    expect((await pending).byteLength(0)).toBe(1)
    const cancelled = socket.receive()
    await socket.close()
    await expect(cancelled).rejects.toMatchObject({ code: 'CLOSED' })
    expect(kernel.unicast(Protocol.Netfilter, socket.portId, new Uint8Array([1]))).toBe(false)
  })

  test('has no other files below /proc/net than those of its kernel', () => {
    const socket = new SimKernel().open({ protocol: Protocol.Netfilter })
    expect(socket.readProcNet('netfilter/nfnetlink_log')).toBe('')
    expect(() => socket.readProcNet('route')).toThrow(/ENOENT/)
  })
})

describe('a signal', () => {
  test('that is aborted keeps the kernel from opening a socket, with its reason', () => {
    const kernel = new SimKernel()
    const options = { protocol: Protocol.Netfilter, portId: 77 }
    const reason = new Error('no longer needed')
    expect(() => kernel.open({ ...options, signal: AbortSignal.abort(reason) })).toThrow(reason)
    expect(() => kernel.open({ ...options, ring: {}, signal: AbortSignal.abort(reason) })).toThrow(reason)
    // The port id is still free: nothing was left open.
    expect(kernel.open({ ...options, signal: new AbortController().signal }).portId).toBe(77)
  })
})
