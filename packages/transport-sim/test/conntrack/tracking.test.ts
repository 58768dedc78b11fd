import { ConntrackMessage, conntrackAttributes, Errno, GetFlag, Hook, MessageFlag, NewFlag } from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import { type ConntrackOptions, type PacketMeta, SimKernel } from '../../src/index.ts'
import { udp } from '../support.ts'
import { connectionsOf, openNetfilter, received, send, trackingKernel } from './support.ts'

const NEW = 1
const UPDATE = 2
const DESTROY = 3
const SEEN_REPLY = 0x2
const ASSURED = 0x4
const CONFIRMED = 0x8
/** nlmsghdr and an errno */
const DONE_LENGTH = 20
const DUMP = GetFlag.Dump

/** An answer to what `udp` sends. */
const answered = () => udp(40000, 'reply', 5000)

describe('connection tracking of the simulated kernel', () => {
  test('tracks nothing while no rule asks for it', () => {
    const kernel = new SimKernel()
    const socket = openNetfilter(kernel, [NEW])
    kernel.inject(udp(5000, 'a'))
    send(socket, ConntrackMessage.Get, DUMP, conntrackAttributes, {}, 0)
    expect(received(socket)).toEqual([])
    expect(kernel.delivered).toBe(1)
  })

  test('does not know the requests where there is no connection tracking', () => {
    const kernel = new SimKernel({ conntrack: false })
    const socket = openNetfilter(kernel)
    send(socket, ConntrackMessage.Get, DUMP, conntrackAttributes, {}, 0)
    expect(received(socket)).toEqual([Errno.EINVAL])
  })

  test('confirms a connection when its packet was delivered, and not when it was dropped', () => {
    const kernel = trackingKernel()
    const socket = openNetfilter(kernel, [NEW])
    const rule = kernel.addRule({ hook: Hook.Output, verdict: 'drop' })
    kernel.inject(udp(5000, 'dropped'))
    expect(received(socket)).toEqual([])
    kernel.removeRule(rule)
    kernel.inject(udp(5000, 'delivered'))
    expect(connectionsOf(socket)).toMatchObject([{ status: CONFIRMED, timeout: 30 }])
  })

  test('keeps a connection unconfirmed over the hooks that a packet passes', () => {
    const kernel = trackingKernel()
    const socket = openNetfilter(kernel, [NEW])
    const hooks: number[] = []
    const meta: PacketMeta = { hook: Hook.Output, continues: true }
    kernel.onDelivered((packet) => {
      hooks.push(packet.hook)
      if (packet.hook !== Hook.Output) return
      expect(received(socket)).toHaveLength(0)
      kernel.inject(packet.bytes, { hook: Hook.Postrouting, follows: packet })
    })
    kernel.inject(udp(5000, 'a'), meta)
    expect(hooks).toEqual([Hook.Output, Hook.Postrouting])
    expect(received(socket)).toHaveLength(1)
  })

  test('ends connections when their time has come, and counts what they have had', () => {
    const kernel = trackingKernel({ conntrack: { accounting: true, timestamps: true, timeouts: { udp: 20 } } })
    const socket = openNetfilter(kernel, [NEW, UPDATE, DESTROY])
    kernel.inject(udp(5000, 'four'))
    kernel.clock.advance(10_000)
    kernel.inject(answered())
    expect(connectionsOf(socket)).toMatchObject([{ timeout: 20 }, { timeout: 20, status: CONFIRMED | 2 }])
    kernel.clock.advance(19_999)
    expect(received(socket)).toEqual([])
    kernel.clock.advance(1)
    expect(connectionsOf(socket)).toMatchObject([
      {
        countersOriginal: { packets: 1n, bytes: 32n },
        countersReply: { packets: 1n, bytes: 33n },
        timestamp: { start: 0n, stop: 30_000_000_000n },
      },
    ])
    expect(kernel.clock.nextDue).toBeUndefined()
  })

  test('ends a connection at once when its time was cut', () => {
    const kernel = trackingKernel()
    const socket = openNetfilter(kernel, [DESTROY])
    kernel.inject(udp(5000, 'a'))
    const [found] = list(kernel)
    send(socket, ConntrackMessage.New, MessageFlag.Acknowledge, conntrackAttributes, {
      original: found?.original,
      timeout: 1,
    })
    expect(received(socket)).toEqual([0])
    kernel.clock.advance(1000)
    expect(received(socket)).toHaveLength(1)
    expect(list(kernel)).toEqual([])
  })

  test('makes room in a full table by what is not assured, and drops packets where there is none', () => {
    const kernel = trackingKernel({ conntrack: { maximum: 2 } })
    for (const port of [1, 2, 3]) kernel.inject(udp(port, 'a'))
    expect(list(kernel).map(({ original }) => original?.protocol?.destinationPort)).toEqual([2, 3])
    const socket = openNetfilter(kernel)
    for (const { original } of list(kernel)) {
      send(socket, ConntrackMessage.New, 0, conntrackAttributes, { original, status: CONFIRMED | 6 })
    }
    kernel.inject(udp(4, 'a'))
    expect(kernel.dropped.rule).toBe(1)
    expect(list(kernel)).toHaveLength(2)
  })

  test('gives the same answers for the same seed', () => {
    const run = () => {
      const kernel = trackingKernel({ seed: 5 })
      const socket = openNetfilter(kernel, [NEW, UPDATE, DESTROY])
      for (let port = 1; port < 50; port++) kernel.inject(udp(port, 'a'))
      kernel.inject(answered())
      kernel.clock.advance(60_000)
      return received(socket)
    }
    expect(run()).toEqual(run())
    expect(run()).toHaveLength(100)
  })

  test('lists thousands of connections in chunks, as they are when their turn comes', () => {
    const kernel = trackingKernel()
    const socket = openNetfilter(kernel)
    for (let port = 1; port <= 2000; port++) kernel.inject(udp(port, 'a'))
    send(socket, ConntrackMessage.Get, DUMP, conntrackAttributes, {}, 0)
    send(openNetfilter(kernel), ConntrackMessage.Delete, 0, conntrackAttributes, {}, 0)
    const shown = connectionsOf(socket)
    expect(shown.length).toBeGreaterThan(0)
    expect(shown.length).toBeLessThan(2000)
    expect(list(kernel)).toEqual([])
  })

  test('an answered connection of UDP that a request made is a stream at once, one of packets after two seconds', () => {
    const kernel = trackingKernel()
    const socket = openNetfilter(kernel)
    kernel.inject(udp(5000, 'a'))
    const [{ original, reply } = {}] = list(kernel)
    kernel.inject(answered())
    kernel.inject(answered())
    expect(list(kernel)).toMatchObject([{ timeout: 30, status: CONFIRMED | SEEN_REPLY }])
    send(socket, ConntrackMessage.Delete, 0, conntrackAttributes, { original })
    const values = { original, reply, timeout: 5, status: CONFIRMED | SEEN_REPLY }
    send(socket, ConntrackMessage.New, NewFlag.Create, conntrackAttributes, values)
    kernel.inject(answered())
    expect(list(kernel)).toMatchObject([{ timeout: 120, status: CONFIRMED | SEEN_REPLY | ASSURED }])
  })

  test('does as older kernels do: events without a time, and a flag at the end of a filtered dump', () => {
    const flagsOfEnd = (options: ConntrackOptions) => {
      const kernel = trackingKernel({ conntrack: { timestamps: true, ...options } })
      const listener = openNetfilter(kernel, [NEW])
      kernel.inject(udp(5000, 'a'))
      const [event] = connectionsOf(listener)
      const socket = openNetfilter(kernel)
      send(socket, ConntrackMessage.Get, DUMP, conntrackAttributes, { mark: 0 })
      const batch = socket.poll()
      const at = (batch?.offset(0) ?? 0) + (batch?.byteLength(0) ?? 0) - DONE_LENGTH
      return { hasTime: event?.eventTimestamp !== undefined, flags: batch?.memory.u16[(at + 6) >> 1] }
    }
    expect(flagsOfEnd({})).toEqual({ hasTime: true, flags: MessageFlag.Multipart })
    expect(flagsOfEnd({ eventTimestamps: false, filteredDone: true })).toEqual({
      hasTime: false,
      flags: MessageFlag.Multipart | MessageFlag.DumpFiltered,
    })
  })

  test('refuses a connection that is there already', () => {
    const kernel = trackingKernel()
    const socket = openNetfilter(kernel)
    kernel.inject(udp(5000, 'a'))
    const [{ original, reply } = {}] = list(kernel)
    const flags = MessageFlag.Acknowledge | NewFlag.Create | NewFlag.Exclusive
    send(socket, ConntrackMessage.New, flags, conntrackAttributes, { original, reply, timeout: 5 })
    expect(received(socket)).toEqual([Errno.EEXIST])
  })
})

function list(kernel: SimKernel) {
  const socket = openNetfilter(kernel)
  send(socket, ConntrackMessage.Get, DUMP, conntrackAttributes, {}, 0)
  return connectionsOf(socket)
}
