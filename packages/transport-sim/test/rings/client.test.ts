/** The client on simulated rings. */

import { type HeldPacket, openLog, openQueue, type Request, Session } from '@ringlink/client'
import { Errno, Memory, MessageFlag, Protocol } from '@ringlink/codec'
import { Random } from '@ringlink/transport/faults'
import { describe, expect, it } from 'vitest'
import { DATABASE_PROTOCOL, SimKernel, type SimRingOptions } from '../../src/index.ts'
import { ask, errnos, receiveAll, sendBytes, textOf, udp } from '../support.ts'

const PACKETS = 4000
const receive = { blockSize: 4096, blockCount: 64, frameSize: 4096, frameCount: 64 }
const transmit = { blockSize: 4096, blockCount: 4, frameSize: 2048, frameCount: 8 }

const rings: Record<string, SimRingOptions> = {
  'as it comes': {},
  small: { receive },
  'that holds frames': { receive, holdLimit: 16 },
  'of Linux 3.10': { receive, kernel: { skip: 'broken', readable: 'previous' } },
  'of Linux 4.4 with its trimmed dumps': { receive, kernel: { dumpTrim: true }, holdLimit: 8 },
  'with a transmit ring': { receive, transmit },
  'with everything': { receive, transmit, holdLimit: 16, kernel: { dumpTrim: true } },
}

describe.each(Object.entries(rings))('the client on a ring %s', (_, ring) => {
  it('answers packets in any order, keeps some, and knows of each that was lost', async () => {
    const random = new Random(1)
    const kernel = new SimKernel({ seed: 1 })
    kernel.addRule({ hook: 3, queue: 0 })
    const passed = new Set<number>()
    kernel.onDelivered(({ bytes }) => passed.add(Number(textOf(bytes).trimEnd())))
    const queue = await openQueue({ number: 0, copyRange: 1024, transport: (needs) => kernel.open({ ...needs, ring }) })
    const texts: string[] = []
    const inject = (count: number) => {
      for (let i = 0; i < count; i++) {
        const text = `${texts.length}`.padEnd(random.below(700))
        texts.push(text)
        kernel.inject(udp(5000, text))
      }
    }
    const seen = new Set<number>()
    const accepted = new Set<number>()
    const held: { packet: HeldPacket; number: number }[] = []
    const answerHeld = (count: number) => {
      for (let i = 0; i < count && held.length > 0; i++) {
        for (const { packet, number } of held.splice(random.below(held.length), 1)) {
          expect(textOf(packet.payload())).toBe(texts[number])
          accepted.add(number)
          packet.accept()
        }
      }
    }
    let lost = 0
    inject(1)
    for await (const packets of queue) {
      lost += packets.lost
      for (const packet of packets) {
        const text = textOf(packet.payload())
        const number = Number(text.trimEnd())
        expect(text).toBe(texts[number])
        expect(seen.has(number)).toBe(false)
        seen.add(number)
        const chance = random.below(10)
        if (chance < 3) held.push({ packet: packet.hold(), number })
        else if (chance < 5) packet.drop()
        else {
          accepted.add(number)
          packet.accept()
        }
      }
      packets.flush()
      if (texts.length > PACKETS) break
      answerHeld(random.below(40))
      if (texts.length < PACKETS) inject(1 + random.below(random.below(8) === 0 ? 150 : 30))
      // One more at the end: what was lost last is known with it.
      else if (queue.counters()?.waiting === held.length) inject(1)
    }
    answerHeld(held.length)
    queue.flush()
    const { undelivered } = kernel.dropped
    expect(passed).toEqual(accepted)
    expect(seen.size + undelivered).toBe(texts.length)
    expect([lost, queue.stats.lost, queue.transport.stats.lost]).toEqual([undelivered, undelivered, undelivered])
    expect(undelivered > 0).toBe(ring.receive !== undefined)
    expect(queue.counters()).toMatchObject({ waiting: 0, userDropped: undelivered })
    expect(queue.stats).toMatchObject({ late: 0, refused: 0, malformed: 0, truncated: 0, unanswered: 0 })
    expect(queue.transport.stats.held).toBe(0)
    await queue.close()
  })

  it('reads a log, and knows how many of its records were lost', async () => {
    const kernel = new SimKernel({ seed: 1 })
    kernel.addRule({ hook: 3, log: { group: 5, prefix: 'ring' } })
    const settings = { copyRange: 200, threshold: 4, timeout: 10 }
    const transport = (needs: { protocol: number }) => kernel.open({ ...needs, ring })
    const log = await openLog({ group: 5, ...settings, readInterval: 0, transport })
    let injected = 0
    let last = -1
    let lost = 0
    const inject = (count: number) => {
      for (let i = 0; i < count; i++) kernel.inject(udp(5000, `${injected++}`))
      kernel.clock.advance(20)
    }
    inject(1)
    for await (const records of log) {
      for (const record of records) {
        const number = Number(textOf(record.payload()))
        expect(number).toBeGreaterThan(last)
        expect(record.prefix()).toBe('ring')
        last = number
      }
      lost += records.lost
      if (last === injected - 1 && injected > PACKETS) break
      // Now and then more than the ring holds; the last one comes alone, and shows what was missing before it.
      if (last === injected - 1 || records.lostMessages > 0) {
        inject(injected >= PACKETS ? 1 : 1 + ((injected * 7) % (injected % 9 === 0 ? 700 : 90)))
      }
    }
    expect(log.stats.records + lost).toBe(injected)
    expect(lost > 0).toBe(ring.receive !== undefined)
    expect(log.stats.lostMessages > 0).toBe(lost > 0)
    expect(log.stats.malformed + log.stats.truncated).toBe(0)
    await log.close()
  })

  it('answers requests while it collects records of a log, long before their time is over', async () => {
    const kernel = new SimKernel({ seed: 1 })
    kernel.addRule({ hook: 3, log: { group: 5 } })
    const transport = (needs: { protocol: number }) => kernel.open({ ...needs, ring })
    // The clock stands still: what waits for the records waits forever.
    const log = await openLog({ group: 5, timeout: 60_000, threshold: 12, transport })
    let injected = 0
    const request = { what: 'nothing', type: 1 }
    for (let round = 0; round < 8; round++) {
      kernel.inject(udp(5000, `${injected++}`))
      await log.session.request(request)
    }
    for (let record = injected; record < 12; record++) kernel.inject(udp(5000, `${injected++}`))
    let seen = 0
    for await (const records of log) {
      for (const record of records) expect(Number(textOf(record.payload()))).toBe(seen++)
      if (seen === 12) break
    }
    expect(log.stats).toMatchObject({ records: 12, lost: 0 })
    await log.close()
  })
})

describe('a kernel', () => {
  it('refuses rings with its errno, and has nothing open then', () => {
    const kernel = new SimKernel()
    const open = (ring: SimRingOptions, privileged = true) =>
      kernel.open({ protocol: 12, portId: 77, privileged, ring })
    expect(() => open({}, false)).toThrow(expect.objectContaining({ code: 'SYSTEM', errno: 1 }))
    expect(() => open({ receive: { ...receive, blockSize: 100 } })).toThrow(expect.objectContaining({ errno: 22 }))
    expect(() => open({ kernel: { ringMemory: 4096 } })).toThrow(expect.objectContaining({ errno: 12 }))
    expect(() => open({ holdLimit: -1 })).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    const transport = open({ receive })
    expect(transport.capabilities).toMatchObject({ kind: 'sim ring', ring: true, hold: 'copy', frameCount: 64 })
    expect(transport.portId).toBe(77)
  })

  it('has plain sockets and rings side by side, in one group', async () => {
    const kernel = new SimKernel()
    const plain = kernel.open({ protocol: DATABASE_PROTOCOL, groups: [1] })
    const ring = kernel.open({ protocol: DATABASE_PROTOCOL, groups: [1], ring: {} })
    kernel.database.set(1, Uint8Array.of(1))
    const frames = [plain, ring].map((transport) => ask(transport).length)
    expect(frames).toEqual([1, 1])
    await ring.close()
    kernel.database.set(2, Uint8Array.of(1))
    expect(ask(plain).length).toBe(1)
  })
})

describe('many requests at once on a ring', () => {
  /** RTM_GETLINK of device 1. */
  const getLink: Request = {
    what: 'get lo',
    answered: true,
    size: 32,
    write: ({ u8, u16, u32 }, offset) => {
      u8.fill(0, offset, offset + 32)
      u32[offset >> 2] = 32
      u16[(offset + 4) >> 1] = 18
      u32[(offset + 20) >> 2] = 1
      return 32
    },
  }
  const open = () => new SimKernel({ seed: 1 }).open({ protocol: Protocol.Route, ring: {} })

  it('whose answers nobody reads are refused: they are copies, which the receive buffer has to hold', () => {
    const transport = open()
    const memory = new Memory(32)
    getLink.write?.(memory, 0, 32)
    memory.u16[3] = MessageFlag.Request
    for (let i = 0; i < 1000; i++) sendBytes(transport, memory.u8)
    expect(errnos(receiveAll(transport)).filter((errno) => errno === Errno.EAGAIN).length).toBeGreaterThan(0)
  })

  it('are all answered by a session, which has only so many in flight', async () => {
    const session = new Session(open(), { protocol: Protocol.Route })
    const answers = await Promise.all(Array.from({ length: 2000 }, () => session.request(getLink)))
    expect(answers.every((rows) => rows.length === 1)).toBe(true)
    expect(session.transport.stats.lost).toBe(0)
    await session.close()
  })
})
