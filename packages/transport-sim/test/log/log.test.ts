import { AttributeWriter, beginMessage, finishMessage, Memory, Protocol } from '@ringlink/codec'
import { writeNfnetlinkHeader } from '@ringlink/codec/internal'
import { describe, expect, test } from 'vitest'
import { SimKernel, type SimTransport } from '../../src/index.ts'
import { ask, receiveAll, sendBytes, udp } from '../support.ts'

const LOG = 0x400
const CONFIG = 0x401
const Config = { Command: 1, Mode: 2, BufferSize: 3, Timeout: 4, Threshold: 5, Flags: 6 } as const

const be32 = (value: number) => [value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff]

function config(group: number, attributes: readonly (readonly [number, readonly number[]])[], family = 0): Uint8Array {
  const memory = new Memory(256)
  const start = beginMessage(memory, 0, 256, { type: CONFIG, flags: 5, sequence: 1 })
  const writer = new AttributeWriter().wrap(memory, writeNfnetlinkHeader(memory, start, 256, family, group), 256)
  for (const [type, bytes] of attributes) writer.bytes(type, Uint8Array.from(bytes))
  return memory.copy(0, finishMessage(memory, 0, writer.position))
}

const bind = [Config.Command, [1]] as const
const unbind = [Config.Command, [2]] as const
const threshold = (value: number) => [Config.Threshold, be32(value)] as const

/** The messages of a datagram: type, then attributes as number and payload in hex. */
function messages(bytes: Uint8Array): (string | number)[][] {
  const view = new DataView(bytes.buffer)
  const found: (string | number)[][] = []
  for (let at = 0; at < bytes.length; at += (view.getUint32(at, true) + 3) & ~3) {
    const end = at + view.getUint32(at, true)
    const message: (string | number)[] = [view.getUint16(at + 4, true), view.getUint16(at + 18)]
    for (let part = at + 20; part < end; part += (view.getUint16(part, true) + 3) & ~3) {
      const payload = bytes.subarray(part + 4, part + view.getUint16(part, true))
      message.push(`${view.getUint16(part + 2, true)}:${Buffer.from(payload).toString('hex')}`)
    }
    found.push(message)
  }
  return found
}

function logKernel(rule = {}): { kernel: SimKernel; socket: SimTransport } {
  const kernel = new SimKernel()
  for (const hook of [1, 3]) kernel.addRule({ hook, log: { group: 5, ...rule } })
  const socket = kernel.open({
    protocol: Protocol.Netfilter,
    cappedAck: false,
    frameSize: 140_000,
    receiveBufferSize: 1 << 22,
  })
  expect(ask(socket, config(5, [bind]))).toEqual([0])
  return { kernel, socket }
}

describe('nfnetlink_log', () => {
  test('sends an entry at its threshold, as Linux 6.18 does', () => {
    const { kernel, socket } = logKernel({ prefix: 'hello' })
    ask(socket, config(5, [threshold(1)]))
    const packet = udp(5002, 'odd')
    kernel.inject(packet)
    const [frame] = receiveAll(socket)
    expect(frame).toHaveLength(100)
    expect(messages(frame as Uint8Array)).toEqual([
      [
        LOG,
        5,
        '1:08000300',
        '10:68656c6c6f00',
        '5:00000001',
        '11:00000000',
        '14:00000000',
        `9:${Buffer.from(packet).toString('hex')}`,
      ],
    ])
  })

  test('adds what is known of the link at input', () => {
    const { kernel, socket } = logKernel()
    ask(socket, config(5, [threshold(1)]))
    kernel.clock.advance(2500)
    kernel.inject(udp(5005, 'text1'), { hook: 1, mark: 7 })
    const [frame] = receiveAll(socket)
    expect(messages(frame as Uint8Array)[0]?.slice(2, -1)).toEqual([
      '1:08000100',
      '10:00',
      '4:00000001',
      '2:00000007',
      '8:000600000000000000000000',
      '15:0304',
      '17:000e',
      '16:0000000000000000000000000800',
      '3:0000000000000002000000000007a120',
    ])
  })

  test('numbers entries, per group from 0 and over all groups from 1, and ends several by Done', () => {
    const { kernel, socket } = logKernel()
    ask(socket, config(5, [threshold(3), [Config.Flags, [0, 3]]]))
    for (const text of ['a', 'b', 'c']) kernel.inject(udp(5003, text))
    const [frame] = receiveAll(socket)
    const parts = messages(frame as Uint8Array)
    expect(parts.map(([type]) => type)).toEqual([LOG, LOG, LOG, 3])
    expect(parts.slice(0, 3).map((part) => part.filter((it) => /^1[23]:/.test(String(it))))).toEqual([
      ['12:00000000', '13:00000001'],
      ['12:00000001', '13:00000002'],
      ['12:00000002', '13:00000003'],
    ])
    // Its payload is the header of netfilter, where other Done messages have an errno.
    expect(Buffer.from((frame as Uint8Array).slice(-20)).toString('hex')).toBe(
      '1400000003000000000000000000000000000005',
    )
  })

  test('takes the lower of the two thresholds, of the group and of the rule', () => {
    const { kernel, socket } = logKernel({ threshold: 3, copyLength: 30 })
    for (let i = 0; i < 7; i++) kernel.inject(udp(5004, 'text is longer'))
    const frames = receiveAll(socket)
    expect(frames.map((frame) => messages(frame).length)).toEqual([4, 4])
    expect(messages(frames[0] as Uint8Array)[0]?.at(-1)).toHaveLength(2 + 60)
  })

  test('sends what waits when its time is over, on the virtual clock', () => {
    const { kernel, socket } = logKernel()
    ask(socket, config(5, [[Config.Timeout, be32(20)]]))
    kernel.inject(udp(5003, 'a'))
    expect(socket.readProcNet('netfilter/nfnetlink_log')).toBe('    5   1000     1 2 65531     20  2\n')
    kernel.clock.advance(199)
    expect(receiveAll(socket)).toHaveLength(0)
    // Waiting lets time pass, up to the timer.
    const batch = socket.poll(1000)
    expect([batch?.length, kernel.clock.now]).toEqual([1, 200])
    batch?.release()
    expect([socket.poll(50), kernel.clock.now]).toEqual([undefined, 250])
    expect(socket.readProcNet('netfilter/nfnetlink_log')).toBe('    5   1000     0 2 65531     20  1\n')
  })

  test.each([
    [3776, 25],
    [3777, 54],
    [4096, 54],
    [10000, 110],
  ])('with a buffer of %i bytes puts %i entries of 144 bytes into one datagram', (size, entries) => {
    const { kernel, socket } = logKernel()
    ask(socket, config(5, [[Config.BufferSize, be32(size)], threshold(100_000), [Config.Timeout, be32(100_000)]]))
    for (let i = 0; i < 300; i++) kernel.inject(udp(5003, 'x'.repeat(50)))
    const [frame] = receiveAll(socket)
    expect(frame).toHaveLength(entries * 144 + 20)
  })

  test('delivers datagrams that outgrow the requested size, at any position', () => {
    const { kernel, socket } = logKernel()
    ask(socket, config(5, [[Config.BufferSize, be32(4096)], threshold(100_000), [Config.Timeout, be32(100_000)]]))
    const text = 'x'.repeat(50)
    // Acknowledgements in front of the datagrams move them to where a buffer of 4096 bytes would just fit.
    for (let i = 0; i < 120; i++) sendBytes(socket, config(5, []))
    for (let i = 0; i < 9 * 54; i++) kernel.inject(udp(5003, text))
    sendBytes(socket, config(5, [unbind]))
    const datagrams = receiveAll(socket).filter((bytes) => bytes[5] === 4)
    expect(datagrams.map(({ length }) => length)).toEqual(Array.from({ length: 9 }, () => 54 * 144 + 20))
    for (const bytes of datagrams) expect(messages(bytes).map(([type]) => type)).toEqual([...Array(54).fill(LOG), 3])
  })

  test('silently ignores a buffer size out of bounds', () => {
    const { kernel, socket } = logKernel()
    for (const size of [0, 3775, 131073]) expect(ask(socket, config(5, [[Config.BufferSize, be32(size)]]))).toEqual([0])
    ask(socket, config(5, [threshold(100_000)]))
    for (let i = 0; i < 30; i++) kernel.inject(udp(5003, 'x'.repeat(50)))
    expect(receiveAll(socket).map(({ length }) => length)).toEqual([3620])
  })

  test('logs no payload with copy mode META or NONE, and part of it with a range', () => {
    const { kernel, socket } = logKernel()
    const mode = (range: number, value: number) => [Config.Mode, [...be32(range), value, 0]] as const
    const lengths = [mode(9, 1), mode(9, 0), mode(30, 2), mode(0, 2)].map((it) => {
      ask(socket, config(5, [it, threshold(1)]))
      kernel.inject(udp(5003, 'abcdefghijkl'))
      return receiveAll(socket)[0]?.length
    })
    expect(lengths).toEqual([60, 60, 96, 104])
  })

  test('answers requests as Linux 6.18 does', () => {
    const { kernel, socket } = logKernel()
    const other = kernel.open({ protocol: Protocol.Netfilter })
    const asked = (from: SimTransport, ...request: Parameters<typeof config>) => ask(from, config(...request))[0]
    expect([asked(socket, 5, [bind]), asked(other, 5, [bind]), asked(other, 5, [unbind])]).toEqual([16, 1, 1])
    expect([asked(other, 6, [unbind]), asked(other, 6, []), asked(socket, 5, [])]).toEqual([19, 19, 0])
    expect([asked(socket, 5, [[Config.Command, [0]]]), asked(socket, 5, [[Config.Command, [9]]])]).toEqual([524, 524])
    expect([asked(socket, 5, [[Config.Flags, [0, 4]]]), asked(socket, 5, [[Config.Flags, [1]]])]).toEqual([95, 34])
    const familyBind = [10, 11].map((family) => asked(socket, 0, [[Config.Command, [3]]], family))
    expect([...familyBind, asked(socket, 0, [[Config.Command, [4]]], 200)]).toEqual([0, 22, 0])
    const packet = config(5, [])
    packet[4] = 0
    expect(ask(socket, packet)).toEqual([524])
  })

  test('sends what waits before it acknowledges that the group is unbound', async () => {
    const { kernel, socket } = logKernel()
    kernel.inject(udp(5003, 'a'))
    sendBytes(socket, config(5, [unbind]))
    expect(receiveAll(socket).map((bytes) => bytes[5])).toEqual([4, 0])
    await socket.close()
    kernel.inject(udp(5003, 'a'))
    expect(kernel.delivered).toBe(2)
  })
})
