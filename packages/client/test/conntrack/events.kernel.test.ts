import { ConntrackMessage, ConntrackView, Memory, MessageFlag, Protocol } from '@ringlink/codec'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { patience, repetitions } from '@ringlink/test-support/patience'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newConnectionValues } from '../../src/conntrack/encode.ts'
import { CREATE, connectionRequest } from '../../src/conntrack/requests.ts'
import {
  type ConnectionEvents,
  type ConnectionTuple,
  type ConnectionView,
  type Conntrack,
  type EventOptions,
  openConntrack,
} from '../../src/index.ts'
import { encodeRequests } from '../../src/request.ts'

const PER_DATAGRAM = 250
/** 200,000, and fewer on a machine that is emulated. */
const FLOOD = PER_DATAGRAM * repetitions(800)
/**
 * Datagrams in a turn of the event loop: the reader has its turn after so many, and the kernel's buffer is full before.
 */
const PER_TURN = 80

/** The tuple number `index` of many. */
function tuple(index: number): ConnectionTuple {
  return {
    sourceAddress: `10.0.${(index >> 15) & 0xff}.1`,
    destinationAddress: '10.9.9.9',
    protocol: 'udp',
    sourcePort: 1 + (index & 0x7fff),
    destinationPort: 53,
  }
}

/**
 * The connections of the flood differ in a byte of the source address and in the port. Ids would not do: of 200,000 a
 * few are the same.
 */
function keyOf({ memory, original }: ConnectionView): number {
  return ((memory.u8[original.sourceOffset + 2] as number) << 16) | (original.sourcePort ?? 0)
}

/**
 * Creates connections as fast as the kernel takes them: one message, repeated with other source addresses and ports.
 */
async function flood(networkNamespace: string): Promise<void> {
  const { family, attributes } = newConnectionValues({ original: tuple(0), timeout: 6e5 })
  const request = connectionRequest('create connection', ConntrackMessage.New, family, attributes, CREATE)
  const { bytes } = encodeRequests([request], [{ flags: MessageFlag.Request, sequence: 0 }])
  const places = [1, 2].map((number) => {
    const view = new ConntrackView().wrap(Memory.from(bytes), 0, bytes.length)
    // The source of the original direction, and the destination of the reply.
    if (number === 1) return { address: view.original.sourceOffset, port: portPlace(bytes, 1) }
    return { address: view.reply.destinationOffset, port: portPlace(bytes, 2) }
  })
  await using socket = await openSocket({ protocol: Protocol.Netfilter, networkNamespace })
  for (let first = 0; first < FLOOD; first += PER_DATAGRAM) {
    const offset = socket.outbox.reserve(PER_DATAGRAM * bytes.length)
    const { u8, data } = socket.outbox.memory
    for (let index = 0; index < PER_DATAGRAM; index++) {
      const at = offset + index * bytes.length
      u8.set(bytes, at)
      for (const { address, port } of places) {
        u8[at + address + 2] = ((first + index) >> 15) & 0xff
        data.setUint16(at + port, 1 + ((first + index) & 0x7fff))
      }
    }
    socket.outbox.commit(PER_DATAGRAM * bytes.length)
    socket.outbox.flush()
    if ((first / PER_DATAGRAM) % PER_TURN === 0) await new Promise(setImmediate)
  }
}

/** Where port 1 stands, the one that varies: in the original direction first, in the reply second. */
function portPlace(bytes: Uint8Array, nth: number): number {
  let found = -1
  for (let at = 20, left = nth; at + 8 <= bytes.length; at += 4) {
    const isPort =
      bytes[at] === 6 && bytes[at + 4] === 0 && bytes[at + 5] === 1 && (bytes[at + 2] === 2 || bytes[at + 2] === 3)
    if (isPort && --left === 0) found = at + 4
  }
  return found
}

describe.skipIf(kernelUnavailable)(kernelTests('events of connections of the real kernel'), () => {
  let namespace: Namespace
  let conntrack: Conntrack

  beforeEach(async () => {
    namespace = await Namespace.open()
    conntrack = await openConntrack({
      transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
      // The table of a flood takes long to begin where a kernel is emulated.
      requestTimeout: patience(5000),
    })
  })

  afterEach(async () => {
    await conntrack.close()
    await namespace.close()
  })

  /** Events until `count` have come, in words. */
  async function take(events: ConnectionEvents, count: number): Promise<string[]> {
    const seen: string[] = []
    for await (const batch of events) {
      for (const view of batch) seen.push(`${view.event} ${view.original.sourcePort}`)
      if (seen.length >= count) break
    }
    return seen
  }

  async function watch(options: EventOptions): Promise<ConnectionEvents> {
    return await conntrack.events(options)
  }

  async function makeThree(): Promise<void> {
    for (let index = 0; index < 3; index++)
      await conntrack.create({ original: tuple(index), timeout: 1e5, mark: index })
    await conntrack.update({ original: tuple(1) }, { mark: 9 })
    for (let index = 0; index < 3; index++) await conntrack.delete({ original: tuple(index) })
  }

  test('connections begin, change and end', async () => {
    const events = await watch({})
    await makeThree()
    expect(await take(events, 7)).toEqual([
      'new 1',
      'new 2',
      'new 3',
      'update 2',
      'destroy 1',
      'destroy 2',
      'destroy 3',
    ])
    expect(events.stats).toMatchObject({ notifications: 7, lost: 0, malformed: 0 })
    await events.close()
  })

  test('only the kinds that were asked for come', async () => {
    const events = await watch({ new: false, update: false })
    await makeThree()
    expect(await take(events, 3)).toEqual(['destroy 1', 'destroy 2', 'destroy 3'])
    await events.close()
  })

  test.each<[string, EventOptions['filter'], string[]]>([
    ['port', { protocol: 'udp', sourcePort: 2 }, ['new 2', 'update 2', 'destroy 2']],
    [
      'ports',
      { protocol: 'udp', sourcePort: { from: 2, to: 3 } },
      ['new 2', 'new 3', 'update 2', 'destroy 2', 'destroy 3'],
    ],
    ['mark', { mark: 9 }, ['update 2', 'destroy 2']],
    ['mark with mask', { mark: { value: 2, mask: 2 } }, ['new 3', 'destroy 3']],
    [
      'network',
      { sourceAddress: '10.0.0.0/24', reply: { sourceAddress: '10.9.9.9' }, mark: 0 },
      ['new 1', 'destroy 1'],
    ],
    ['status', { status: 'confirmed', notStatus: 'assured', mark: 9 }, ['update 2', 'destroy 2']],
  ])('a filter on %s: the kernel queues nothing else', async (_, filter, expected) => {
    const events = await watch({ filter })
    const closing = await watch({ filter: { protocol: 'udp', sourcePort: 1 } })
    await makeThree()
    expect(await take(events, expected.length)).toEqual(expected)
    expect(events.stats.notifications).toBe(expected.length)
    await events.close()
    await closing.close()
  })

  test('closing ends a loop that waits', async () => {
    const events = await watch({})
    const loop = take(events, 1)
    await new Promise(setImmediate)
    await events.close()
    expect(await loop).toEqual([])
  })

  test(
    `a flood of ${FLOOD} connections: every event is delivered or counted, and the table is right afterwards`,
    async () => {
      const events = await watch({ receiveBufferSize: 256 * 1024, destroy: false, update: false })
      const table = new Set<number>()
      let rounds = 0
      const loop = (async () => {
        for await (const batch of events) {
          if (batch.lost > 0) {
            rounds++
            table.clear()
            for await (const rows of events.resynchronise()) for (const row of rows) table.add(keyOf(row))
            continue
          }
          for (const view of batch) table.add(keyOf(view))
        }
      })()
      await flood(namespace.path)
      // The kernel refuses a few whose hash chain is too long.
      const made = await conntrack.count()
      expect(made).toBeGreaterThan(FLOOD - 1000)
      const kernel = new Set<number>()
      for await (const rows of conntrack.listBatches()) for (const row of rows) kernel.add(keyOf(row))
      expect(kernel.size).toBe(made)
      // Once the loop knows one more, it has read or superseded all that came before.
      const last = { ...tuple(0), sourceAddress: '10.0.255.1' }
      await conntrack.create({ original: last, timeout: 6e5 })
      kernel.add((0xff << 16) | 1)
      while (table.size <= made) await new Promise(setImmediate)
      expect(table).toEqual(kernel)
      await events.close()
      await loop
      const { notifications, superseded, lost } = events.stats
      const accounted = notifications + superseded + lost
      // The event of the last one may be unread.
      expect([made, made + 1]).toContain(accounted)
      expect(lost).toBeGreaterThan(0)
      expect(rounds).toBeGreaterThan(0)
    },
    patience(120_000),
  )
})
