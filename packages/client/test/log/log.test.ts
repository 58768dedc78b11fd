import { Errno, Family, Hook } from '@ringlink/codec'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage } from '@ringlink/test-support/messages'
import { SimKernel } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import { openLog } from '../../src/index.ts'
import { packet, readUntil, simulate, textOf } from './simulated-log.ts'

describe('openLog', () => {
  test.each([
    [{ bufferSize: 131073 }, 'bufferSize'],
    [{ bufferSize: 3775 }, 'bufferSize'],
    [{ group: -1 }, 'group'],
    [{ group: 65536 }, 'group'],
    [{ group: [5, 1.5] }, 'group'],
    [{ group: [] }, 'group'],
    [{ threshold: 0 }, 'threshold'],
    [{ threshold: 2 ** 32 }, 'threshold'],
    [{ timeout: 0 }, 'timeout'],
    [{ timeout: 2 ** 31 }, 'timeout'],
    [{ copyRange: -1 }, 'copyRange'],
    [{ copyRange: 65536 }, 'copyRange'],
    [{ readInterval: -1 }, 'readInterval'],
    [{ readInterval: Number.NaN }, 'readInterval'],
  ])('%j is refused before anything is opened', async (wrong, name) => {
    const { opened, open } = simulate()
    await expect(open(wrong)).rejects.toMatchObject({
      code: 'VALUE_RANGE',
      message: expect.stringContaining(name),
    })
    expect(opened).toEqual([])
  })

  test.each([
    [Errno.EPERM, 'LOG_REFUSED', 'cannot bind log group 6: CAP_NET_ADMIN is missing'],
    [Errno.EBUSY, 'LOG_REFUSED', 'this process already owns it'],
    [Errno.EINVAL, 'LOG_UNSUPPORTED', 'CONFIG_NETFILTER_NETLINK_LOG'],
    [Errno.EOPNOTSUPP, 'LOG_UNSUPPORTED', 'does not support one of the options'],
    [Errno.ENOMEM, 'KERNEL', 'ENOMEM'],
  ])('errno %i of the second bind is code %s, and nothing stays open', async (errno, code, words) => {
    let requests = 0
    const transport = new FunctionTransport((datagram) => [errorMessage(datagram, ++requests === 1 ? 0 : errno)])
    let closed = 0
    transport.events.on('close', () => closed++)
    await expect(openLog({ group: [5, 6], transport })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
    })
    expect([requests, closed]).toEqual([2, 1])
  })

  test('conntrack is refused with a code if the kernel cannot report it', async () => {
    const { opened, open } = simulate()
    await expect(open({ conntrack: true })).rejects.toMatchObject({
      code: 'LOG_UNSUPPORTED',
      message: expect.stringContaining('the option conntrack'),
    })
    await expect(opened[0]?.receive()).rejects.toMatchObject({ code: 'CLOSED' })
    await (await open()).close()
  })

  test('a group that another socket owns is refused, and is free again when that log is closed', async () => {
    const { open } = simulate()
    const log = await open()
    await expect(open()).rejects.toMatchObject({ code: 'LOG_REFUSED' })
    await log.close()
    await (await open()).close()
  })

  test('a group that is given twice is bound once', async () => {
    const { open } = simulate()
    const log = await open({ group: [6, 5, 6] })
    expect(log.groups).toEqual([6, 5])
    await log.close()
  })

  test('what is logged before the last group is bound is not lost', async () => {
    const kernel = new SimKernel()
    for (const group of [5, 6]) kernel.addRule({ hook: Hook.Output, match: { mark: group }, log: { group } })
    const sim = kernel.open({ protocol: 12 })
    const opening = openLog({ group: [5, 6], transport: sim, threshold: 1, readInterval: 0 })
    kernel.inject(packet('early'), { mark: 5 })
    const log = await opening
    kernel.inject(packet('late'), { mark: 5 })
    kernel.inject(packet('other'), { mark: 6 })
    expect(await readUntil(log, (record) => `${record.group} ${textOf(record)}`, 3)).toEqual([
      '5 early',
      '5 late',
      '6 other',
    ])
    await log.close()
  })
})

describe('Log', () => {
  test('threshold: that many records come together, in the order in which they were logged', async () => {
    const { send, open } = simulate({ threshold: 3 })
    const log = await open()
    for (let i = 0; i < 7; i++) send(`text ${i}`)
    const read = await readUntil(log, (record) => [textOf(record), record.sequence, record.prefix()], 6)
    expect(read).toEqual(Array.from({ length: 6 }, (_, i) => [`text ${i}`, i, 'group 5']))
    // The ack, and two datagrams of three.
    expect(log.transport.stats.frames).toBe(3)
    await log.close()
  })

  test('timeout: fewer records come after it, rounded up to tens of milliseconds', async () => {
    const { kernel, send, open } = simulate({ threshold: 100, timeout: 95 })
    const log = await open()
    send('a')
    send('b')
    kernel.clock.advance(99)
    expect(log.transport.readProcNet('netfilter/nfnetlink_log').trim().split(/\s+/)[2]).toBe('2')
    const reading = readUntil(log, textOf, 2)
    kernel.clock.advance(1)
    expect(await reading).toEqual(['a', 'b'])
    await log.close()
  })

  test('several groups on one socket, each with its own numbers, and numbers over all', async () => {
    const { send, open } = simulate({ group: [5, 6, 7], threshold: 1, globalSequence: true })
    const log = await open()
    for (const group of [5, 6, 5, 7, 6, 5]) send('x', group)
    const read = await readUntil(log, ({ group, sequence, globalSequence }) => [group, sequence, globalSequence], 6)
    expect(read).toEqual([
      [5, 0, 1],
      [6, 0, 2],
      [5, 1, 3],
      [7, 0, 4],
      [6, 1, 5],
      [5, 2, 6],
    ])
    expect(log.stats.lost).toBe(0)
    await log.close()
  })

  test('records() are the records of the batches, one at a time', async () => {
    const sent = Array.from({ length: 100 }, (_, i) => `text ${i}`)
    const inBatches = simulate({ threshold: 8 })
    const alone = simulate({ threshold: 8 })
    const [first, second] = [await inBatches.open(), await alone.open()]
    for (const text of sent) {
      inBatches.send(text)
      alone.send(text)
    }
    const batched = await readUntil(first, (record) => record.attributes(), 96)
    const single = []
    for await (const record of second.records()) {
      single.push(record.attributes())
      if (single.length === 96) break
    }
    expect(single).toEqual(batched)
    expect(second.stats).toEqual(first.stats)
    await first.close()
    await second.close()
  })

  test('a loss is counted to the packet by the gaps, and to the datagram by ENOBUFS', async () => {
    const { send, open } = simulate({ group: [5, 6], threshold: 1, receiveBufferSize: 4608 })
    const log = await open()
    const overruns: number[] = []
    log.events.on('overrun', (messages) => overruns.push(messages))
    for (let i = 0; i < 50; i++) send(`text ${i}`, i % 5 === 0 ? 6 : 5)
    let sent = 50
    const lost = { records: 0, messages: 0 }
    for await (const records of log) {
      const last = new Map<number, number | undefined>()
      for (const { group, sequence } of records) last.set(group, sequence)
      lost.records += records.lost
      lost.messages += records.lostMessages
      if (sent > 50) break
      // The gaps of both groups show in the next records.
      send('after', 5)
      send('after', 6)
      sent += 2
    }
    expect(log.stats.lost).toBeGreaterThan(30)
    expect(log.stats.records + log.stats.lost).toBe(sent)
    expect(lost).toEqual({ records: log.stats.lost, messages: log.stats.lostMessages })
    expect(log.stats.lostMessages).toBe(log.stats.lost)
    expect(overruns.reduce((sum, messages) => sum + messages, 0)).toBe(log.stats.lostMessages)
    expect(log.stats).toMatchObject({ truncated: 0, malformed: 0 })
    await log.close()
  })

  test('a lost datagram of many records is one message and many packets', async () => {
    const { send, open } = simulate({ threshold: 10, receiveBufferSize: 1, copyRange: 500 })
    const log = await open()
    for (let i = 0; i < 50; i++) send('x'.repeat(200))
    let read = 0
    for await (const records of log) {
      for (const _ of records) read++
      if (log.stats.lost > 0) break
      for (let i = 0; i < 10; i++) send('after')
    }
    expect(log.stats.lost % 10).toBe(0)
    expect(log.stats.lost).toBe(log.stats.lostMessages * 10)
    expect(read + log.stats.lost).toBe(60)
    await log.close()
  })

  test('without sequence numbers no loss is derived from them', async () => {
    const { send, open } = simulate({ threshold: 1, receiveBufferSize: 4608, sequence: false })
    const log = await open()
    for (let i = 0; i < 50; i++) send(`text ${i}`)
    expect(await readUntil(log, ({ sequence }) => sequence, 1)).toContain(undefined)
    expect(log.stats.lost).toBe(0)
    expect(log.stats.lostMessages).toBeGreaterThan(30)
    await log.close()
  })

  test('families are passed as numbers', async () => {
    const { kernel, open } = simulate({ threshold: 1 })
    const log = await open()
    const sent = [
      { family: Family.Ipv4, protocol: 0x0800 },
      { family: Family.Ipv6, protocol: 0x86dd },
      { family: Family.Bridge, protocol: 0x0806 },
      { family: Family.NetworkDevice, protocol: 0x8100 },
      { family: Family.Arp, protocol: 0x0806 },
      { family: 12, protocol: 0x1234 },
    ]
    for (const meta of sent) {
      kernel.inject(packet('x', meta.family === Family.Ipv6 ? 6 : 4), { hook: Hook.Input, mark: 5, ...meta })
    }
    const read = await readUntil(log, ({ family, protocol, hook }) => ({ family, protocol, hook }), sent.length)
    expect(read).toEqual(sent.map((meta) => ({ ...meta, hook: Hook.Input })))
    await log.close()
  })

  test('a second iteration at the same time is BUSY, a later one is not', async () => {
    const { send, open } = simulate({ threshold: 1 })
    const log = await open()
    send('a')
    for await (const records of log) {
      expect(() => log[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'BUSY' }))
      await expect(log.records().next()).rejects.toMatchObject({ code: 'BUSY' })
      for (const record of records) expect(record.sequence).toBe(0)
      break
    }
    send('b')
    expect(await readUntil(log, textOf, 1)).toEqual(['b'])
    await log.close()
  })

  test('close inside the loop ends it and counts unread records', async () => {
    const { send, open } = simulate({ threshold: 4 })
    const log = await open()
    for (let i = 0; i < 4; i++) send(`text ${i}`)
    let turns = 0
    for await (const records of log) {
      turns++
      const { value: record } = records[Symbol.iterator]().next()
      await log.close()
      expect(() => record?.payload()).toThrow(expect.objectContaining({ code: 'RELEASED' }))
      expect([...records]).toEqual([])
    }
    expect([turns, log.stats.records]).toEqual([1, 4])
    for await (const _ of log) throw new Error('a closed log has no records')
  })

  test('close ends a waiting loop and is idempotent', async () => {
    const { open } = simulate()
    const log = await open()
    const reading = readUntil(log, textOf, 1)
    await Promise.all([log.close(), log.close()])
    expect(await reading).toEqual([])
  })

  test('records that a loop left unread are counted, and gaps among them too', async () => {
    const { send, open } = simulate({ threshold: 5 })
    const log = await open()
    for (let i = 0; i < 10; i++) send(`text ${i}`)
    for await (const records of log) {
      for (const record of records) {
        expect(record.sequence).toBe(0)
        break
      }
      break
    }
    expect(log.stats).toMatchObject({ records: 10, lost: 0 })
    await log.close()
  })
})

test('a log pauses between two reads only after it has read everything', { timeout: 5000 }, async () => {
  const { open, send, opened } = simulate()
  // Long enough for the test to exceed its time limit if the log pauses.
  const log = await open({ threshold: 1, readInterval: 10_000 })
  const [sim] = opened
  const count = (sim?.capabilities.batchSize ?? 0) * 40
  for (let i = 0; i < count; i++) send(`text ${i}`)
  const sequences = await readUntil(log, ({ sequence }) => sequence, count)
  expect(sequences).toEqual(Array.from({ length: count }, (_, index) => index))
  expect(log.stats).toMatchObject({ records: count, lost: 0 })
  await log.close()
})
