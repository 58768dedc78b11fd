/** The equations of a log in docs/counters.md, against the counter of its rule. */

import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { repetitions } from '@ringlink/test-support/patience'
import type { Transport, TransportNeeds } from '@ringlink/transport'
import { openUring } from '@ringlink/transport-mmap'
import { dropsInTable, openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { uringUnavailable } from '../../../transport-mmap/test/uring/support/fixture.ts'
import { type Log, type LogOptions, openLog } from '../../src/index.ts'

const PORT = 9000
const SENT = repetitions(20_000, 2000)

type Open = (needs: TransportNeeds) => Promise<Transport>
const transports: Record<string, (networkNamespace: string) => Open> = {
  socket: (networkNamespace) => (needs) => openSocket({ ...needs, networkNamespace }),
}
if (uringUnavailable === undefined) {
  for (const kernelThread of [false, true]) {
    transports[kernelThread ? 'ring with a kernel thread' : 'ring'] = (networkNamespace) => (needs) =>
      Promise.resolve(openUring({ ...needs, networkNamespace, kernelThread }))
  }
}

describe.skipIf(kernelUnavailable)(kernelTests('the counters of a log of the real kernel'), () => {
  let namespace: Namespace
  let log: Log

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.listen(PORT)
  })

  afterEach(async () => {
    await log.close()
    await namespace.close()
  })

  /** What a rule of its own has counted is what was logged. */
  async function logged(): Promise<number> {
    const [counters] = (await log.rules?.counters()) ?? []
    return counters?.packets ?? -1
  }

  describe.each(Object.entries(transports))('over a %s', (name, openIn) => {
    async function open(options: Partial<LogOptions>): Promise<Log> {
      const match = { protocol: 'udp', destinationPort: PORT } as const
      log = await openLog({
        ...{ group: 5, copyRange: 64, timeout: 60_000, readInterval: 0 },
        rule: { hook: 'output', match },
        ruleTransport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
        transport: openIn(namespace.path),
        ...options,
      })
      return log
    }

    test.each([
      ['finish', 'finish'],
      ['close', 'close'],
    ] as const)(`${SENT} packets, a small buffer, nobody reads: %s tells what was lost`, async (_name, end) => {
      await open({ receiveBufferSize: 8192, threshold: 30 })
      await namespace.send({ port: PORT, count: SENT })
      expect(await logged()).toBe(SENT)
      await log[end]()
      const { records, lost, unread, untold, lostMessages } = log.stats
      expect(records + lost).toBe(SENT)
      expect(unread).toBe(records)
      // A kernel thread reads as long as it has frames, and answers to the requests of close may be lost as well.
      const hasThread = name === 'ring with a kernel thread'
      if (!hasThread) expect(untold).toBe(0)
      expect(lost).toBeGreaterThan(hasThread ? 0 : SENT / 2)
      expect(lostMessages).toBeGreaterThan(hasThread ? 0 : SENT / 200)
    })

    test('a loop that reads while it is overrun, ended by finish', async () => {
      await open({ receiveBufferSize: 8192, threshold: 30 })
      let seen = 0
      let missing = 0
      const reading = (async () => {
        for await (const records of log) {
          for (const _record of records) seen++
          missing += records.lost
        }
      })()
      await namespace.send({ port: PORT, count: SENT })
      await log.finish()
      await reading
      expect({ ...log.stats, total: log.stats.records + log.stats.lost }).toMatchObject({
        ...{ records: seen, lost: missing, unread: 0, total: SENT },
        // A kernel thread may have lost answers to requests as well.
        ...(name === 'ring with a kernel thread' ? {} : { untold: 0 }),
      })
    })

    test('a consumer that waits between batches loses nothing that fits, and is shown all by finish', async () => {
      await open({ threshold: 7 })
      let seen = 0
      const reading = (async () => {
        for await (const records of log) {
          for (const _record of records) seen++
          await new Promise(setImmediate)
        }
      })()
      await namespace.send({ port: PORT, count: 5000 })
      await log.finish()
      await reading
      expect(seen).toBe(5000)
      expect(log.stats).toMatchObject({ records: 5000, lost: 0, unread: 0, untold: 0, lostMessages: 0 })
    })

    test('datagrams that are lost at the very end are untold, and said to be', async () => {
      // Every packet is a datagram of its own, so that nothing is left to be delivered at the end.
      await open({ receiveBufferSize: 8192, threshold: 1 })
      await namespace.send({ port: PORT, count: 500 })
      const drops = () => dropsInTable(log.transport.readProcNet('netlink'), 12, log.transport.portId)
      const dropped = drops()
      expect(dropped).toBeGreaterThan(100)
      await log.close()
      const { records, lost, untold, lostMessages } = log.stats
      expect(records + lost + untold).toBeGreaterThanOrEqual(500)
      expect({ untold, lost }).toEqual({ untold: lostMessages, lost: 0 })
      expect(lostMessages).toBeGreaterThanOrEqual(dropped)
      // Not only packets: answers to the requests of close may be among them.
      expect(records + lostMessages - 500).toBeLessThan(8)
    })

    test('close in the middle of a batch counts the others as unread', async () => {
      await open({ threshold: 10 })
      await namespace.send({ port: PORT, count: 95 })
      for await (const records of log) {
        for (const record of records) {
          if (record.sequence === 3) await log.close()
        }
      }
      expect(log.stats).toMatchObject({ records: 95, lost: 0, untold: 0 })
    })
  })
})
