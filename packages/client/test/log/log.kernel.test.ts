import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import type { Transport, TransportNeeds } from '@ringlink/transport'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Log, type LogOptions, openLog, type RuleLog } from '../../src/index.ts'

const PORT = 9000

describe.skipIf(kernelUnavailable)(kernelTests('a log of the real kernel'), () => {
  let namespace: Namespace
  let logs: Log[] = []

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.listen(PORT)
  })

  afterEach(async () => {
    for (const log of logs) await log.close()
    logs = []
    await namespace.close()
  })

  const socket = (needs: TransportNeeds): Promise<Transport> =>
    openSocket({ ...needs, networkNamespace: namespace.path })

  async function open(options: Partial<LogOptions> = {}): Promise<Log> {
    const log = await openLog({ group: 5, transport: socket, ...options })
    logs.push(log)
    return log
  }

  /** Logs what is sent to `port`. */
  async function rule(group: number, port: number, log: Omit<RuleLog, 'group'> = {}): Promise<void> {
    const match = { protocol: 'udp', destinationPort: port } as const
    await namespace.install([{ hook: 'output', match, log: { group, ...log } }])
  }

  test('what is logged arrives, in order, many records in a datagram', async () => {
    const RECORDS = 64 * 15
    await rule(5, PORT, { prefix: 'out: ', threshold: 64 })
    // Neither the timeout nor the buffer ends a datagram before it has 64 records.
    const log = await open({ copyRange: 64, threshold: 64, timeout: 60_000, bufferSize: 65_536 })
    const { frames } = log.transport.stats
    await namespace.send({ port: PORT, count: RECORDS })
    const texts: string[] = []
    for await (const records of log) {
      for (const record of records) {
        expect(record.prefix()).toBe('out: ')
        expect(record.protocol).toBe(0x0800)
        expect(record.group).toBe(5)
        expect(record.sequence).toBe(texts.length)
        texts.push(Buffer.from(record.payload().subarray(28)).toString())
      }
      expect(records.lost).toBe(0)
      if (texts.length >= RECORDS) break
    }
    expect(texts).toEqual(Array.from({ length: RECORDS }, (_, index) => `packet ${index}`))
    expect(log.stats).toMatchObject({ records: RECORDS, lost: 0, lostMessages: 0, truncated: 0, malformed: 0 })
    expect(log.transport.stats.frames - frames).toBe(RECORDS / 64)
  })

  test('several groups on one socket, each with its own numbers', async () => {
    await namespace.listen(PORT + 1)
    await rule(5, PORT)
    await rule(6, PORT + 1)
    const log = await open({ group: [5, 6], threshold: 1 })
    for (let round = 0; round < 10; round++) {
      await namespace.send({ port: PORT })
      await namespace.send({ port: PORT + 1 })
    }
    const seen = new Map<number, number[]>([
      [5, []],
      [6, []],
    ])
    for await (const record of log.records()) {
      seen.get(record.group)?.push(record.sequence as number)
      if (log.stats.records === 20) break
    }
    const ten = Array.from({ length: 10 }, (_, index) => index)
    expect([...seen.values()]).toEqual([ten, ten])
    expect(log.stats.lost).toBe(0)
  })

  test('a loss is counted to the packet, by the gaps in the numbers and in datagrams', async () => {
    await rule(5, PORT)
    const log = await open({ copyRange: 64, threshold: 1, receiveBufferSize: 20_000 })
    const overruns: number[] = []
    log.events.on('overrun', (messages) => overruns.push(messages))
    await namespace.send({ port: PORT, count: 500 })
    // A gap shows only in the next record, and none comes while the kernel's queue is full, so each batch needs one
    // more.
    let sent = 500
    for await (const records of log) {
      let last = -1
      for (const record of records) last = record.sequence as number
      if (log.stats.lost > 0 && last === sent - 1) break
      await namespace.send({ port: PORT })
      sent++
    }
    expect(log.stats.lost).toBeGreaterThan(300)
    expect(log.stats.lost).toBe(log.transport.stats.lost)
    expect(log.stats.records + log.stats.lost).toBe(sent)
    expect(overruns.length).toBeGreaterThan(0)
  })

  test('finish delivers what the kernel still collects, and then closes', async () => {
    await rule(5, PORT)
    const log = await open({ threshold: 100, timeout: 60_000 })
    await namespace.send({ port: PORT, count: 150 })
    const sequences: number[] = []
    const loop = (async () => {
      for await (const records of log) {
        for (const record of records) sequences.push(record.sequence as number)
        // Work in between must not lose a record.
        await new Promise(setImmediate)
      }
    })()
    await log.finish()
    await loop
    expect(sequences).toEqual(Array.from({ length: 150 }, (_, index) => index))
  })

  test('a group owned by another socket is refused', async () => {
    await open()
    await expect(open()).rejects.toMatchObject({
      code: 'LOG_REFUSED',
      message: expect.stringMatching(
        /^cannot bind log group 5: this process already owns it, through another transport/,
      ),
    })
  })

  test.each([
    [{ bufferSize: 131073 }, 'bufferSize'],
    [{ bufferSize: 100 }, 'bufferSize'],
    [{ group: 65536 }, 'group'],
    [{ group: [] }, 'group'],
    [{ threshold: 0 }, 'threshold'],
    [{ copyRange: 65536 }, 'copyRange'],
  ])('%j is refused before anything is opened', async (wrong, name) => {
    let opened = 0
    const transport = (needs: TransportNeeds) => {
      opened++
      return socket(needs)
    }
    const failed = openLog({ group: 5, transport, ...wrong })
    await expect(failed).rejects.toMatchObject({ code: 'VALUE_RANGE', message: expect.stringContaining(name) })
    expect(opened).toBe(0)
  })

  test('the kernel accepts the largest and the smallest buffer that we accept', async () => {
    await (await open({ bufferSize: 131072 })).close()
    await (await open({ bufferSize: 3776 })).close()
  })

  test('conntrack is refused with a code if the kernel lacks it', async () => {
    const log = await open({ conntrack: true }).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'LOG_UNSUPPORTED' })
      return open()
    })
    expect(log.groups).toEqual([5])
  })

  test('close ends a loop that waits', async () => {
    const log = await open()
    const loop = (async () => {
      for await (const _ of log) throw new Error('no record was expected')
    })()
    await log.close()
    await log.close()
    await loop
  })

  test('unread records are counted, and a view of them is invalid after the batch', async () => {
    await rule(5, PORT)
    const log = await open({ threshold: 10, timeout: 100 })
    await namespace.send({ port: PORT, count: 10 })
    for await (const records of log) {
      const record = records[Symbol.iterator]().next().value
      expect(record?.sequence).toBe(0)
      if (log.transport.stats.frames > 0) {
        await log.close()
        expect(() => record?.payload()).toThrow(expect.objectContaining({ code: 'RELEASED' }))
      }
    }
    expect(log.stats.records).toBe(10)
  })
})
