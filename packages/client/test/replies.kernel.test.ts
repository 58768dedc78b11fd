import {
  Errno,
  NfTablesMessage,
  nfnetlinkHeader,
  Protocol,
  QueueMessage,
  queueConfigAttributes,
  readNfnetlinkAttributes,
  ruleAttributes,
  tableAttributes,
} from '@ringlink/codec'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import type { TransportNeeds } from '@ringlink/transport'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { installRules, openQueue, type Request, type Rules, Session } from '../src/index.ts'

/** AUDIT_GET. */
const AUDIT_GET = 1000
/** RTM_GETLINK. */
const GET_LINK = 18
/** NFNLGRP_NFTABLES. */
const TABLES_GROUP = 7

const rulesOf = (table: string): Request => ({
  ...{ what: `list the rules of ${table}`, type: NfTablesMessage.GetRule, header: nfnetlinkHeader(1, 0) },
  ...{ set: ruleAttributes, attributes: { table } },
})

describe.skipIf(kernelUnavailable)(kernelTests('answers of the real kernel'), () => {
  let namespace: Namespace
  let opened: AsyncDisposable[] = []

  beforeEach(async () => {
    namespace = await Namespace.open()
  })

  afterEach(async () => {
    for (const each of opened.reverse()) await each[Symbol.asyncDispose]()
    opened = []
    await namespace.close()
  })

  const open = (needs: TransportNeeds) => openSocket({ ...needs, networkNamespace: namespace.path })

  function use<Thing extends AsyncDisposable>(thing: Thing): Thing {
    opened.push(thing)
    return thing
  }

  async function hundredRules(): Promise<Rules> {
    const rules = Array.from({ length: 100 }, (_, index) => ({
      hook: 'output' as const,
      match: { protocol: 'udp' as const, destinationPort: 1000 + index },
      verdict: 'accept' as const,
    }))
    return use(await installRules(rules, { transport: open }))
  }

  test('thousands of requests at once are all answered, however small the receive buffer is', async () => {
    // struct ifinfomsg, of the device with index 1.
    const link: Request = {
      what: 'get lo',
      answered: true,
      size: 32,
      write: (memory, offset) => {
        memory.u8.fill(0, offset, offset + 32)
        memory.u32[offset >> 2] = 32
        memory.u16[(offset + 4) >> 1] = GET_LINK
        memory.u32[(offset + 20) >> 2] = 1
        return 32
      },
    }
    const session = use(new Session(await open({ protocol: Protocol.Route }), { protocol: Protocol.Route }))
    const options = { timeout: patience(5000) }
    const answers = await Promise.all(Array.from({ length: 2000 }, () => session.request(link, options)))
    expect(answers.every((rows) => rows.length === 1)).toBe(true)
    expect(session.transport.stats.lost).toBe(0)
  })

  test('a dump of 100 rules on a queue with small frames returns all of them', async () => {
    const { table } = await hundredRules()
    const queue = use(await openQueue({ number: 3, copyRange: 128, transport: open }))
    expect(queue.transport.capabilities.frameSize).toBeLessThan(2048)
    const rows = await queue.session.dump(rulesOf(table))
    expect(rows).toHaveLength(100)
    const seen: (string | undefined)[] = []
    for await (const row of queue.session.rows(rulesOf(table))) {
      seen.push(readNfnetlinkAttributes(row.view, ruleAttributes).table)
    }
    expect(seen).toEqual(new Array(100).fill(table))
  })

  test.each([1188, 2048])(
    'on an open transport with frames of %d bytes it rejects with TRUNCATED and the rows that arrived',
    async (frameSize) => {
      const { table } = await hundredRules()
      const transport = await open({ protocol: Protocol.Netfilter, frameSize })
      const queue = use(await openQueue({ number: 3, copyRange: 128, transport }))
      const error = await queue.session.dump(rulesOf(table)).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ code: 'TRUNCATED' })
      const { rows } = error as { rows: readonly unknown[] }
      expect(rows.length).toBeGreaterThan(0)
      expect(rows.length).toBeLessThan(100)
      // The socket still works.
      expect(
        await queue.session.request({ ...rulesOf(table), what: 'ask again' } as Request).catch(({ code }) => code),
      ).toBe('KERNEL')
    },
  )

  test('frames of 8192 bytes hold every datagram of a dump', async () => {
    const { table } = await hundredRules()
    const session = use(new Session(await open({ protocol: Protocol.Netfilter, frameSize: 8192 })))
    expect(await session.dump(rulesOf(table))).toHaveLength(100)
    expect(session.transport.stats.truncated).toBe(0)
  })

  test('a dump that is left early lets the next one begin', async () => {
    const { table } = await hundredRules()
    const session = use(new Session(await open({ protocol: Protocol.Netfilter, frameSize: 8192 })))
    for await (const _ of session.rows(rulesOf(table))) break
    expect(await session.dump(rulesOf(table))).toHaveLength(100)
  })

  test('concurrent dumps take turns', async () => {
    const { table } = await hundredRules()
    const session = use(new Session(await open({ protocol: Protocol.Netfilter, frameSize: 8192 })))
    const all = await Promise.all([1, 2, 3].map(() => session.dump(rulesOf(table))))
    expect(all.map((rows) => rows.length)).toEqual([100, 100, 100])
  })

  test('the answer to AUDIT_GET, which comes after its acknowledgement, is awaited', async () => {
    const transport = await openSocket({ protocol: Protocol.Audit })
    const session = use(new Session(transport, { protocol: Protocol.Audit }))
    for (let round = 0; round < 20; round++) {
      const rows = await session.request({ what: 'get the audit status', type: AUDIT_GET, answered: true })
      expect(rows.map(({ view }) => view.type)).toEqual([AUDIT_GET])
    }
  })

  test("another process's notification with our sequence number is not an answer", async () => {
    const mine = use(
      await installRules([{ hook: 'output', verdict: 'accept' }], { transport: open, table: 'mine', persistent: true }),
    )
    const session = use(new Session(await open({ protocol: Protocol.Netfilter, frameSize: 16384 })))
    session.transport.joinGroup(TABLES_GROUP)
    const getTable: Request = {
      ...{ what: 'get table mine', type: NfTablesMessage.GetTable, header: nfnetlinkHeader(1, 0) },
      ...{ set: tableAttributes, attributes: { name: 'mine' } },
    }
    // Some of these requests have the sequence number that the other process uses.
    for (let round = 0; round < 12; round++) {
      const evil = await installRules([{ hook: 'output', verdict: 'accept' }], {
        ...{ transport: open, table: `evil${round}`, persistent: true },
      })
      const rows = await session.request(getTable)
      expect(rows.map(({ view }) => readNfnetlinkAttributes(view, tableAttributes).name)).toEqual(['mine'])
      await evil.remove()
    }
    const batch = await session.receive()
    expect(batch.groups(0)).not.toBe(0)
    batch.release()
    await mine.remove()
  })

  test('the error says what the kernel would have accepted', async () => {
    const session = use(new Session(await open({ protocol: Protocol.Netfilter, frameSize: 16384 })))
    // A request of its own, because kernels before 6.18 say nothing of the kind about a batch.
    const limit: Request = {
      ...{ what: 'limit a queue', type: QueueMessage.Config, header: nfnetlinkHeader(0, 0) },
      ...{ set: queueConfigAttributes, attributes: { unknown: [{ type: 3, bits: 0, payload: new Uint8Array(2) }] } },
    }
    const error = await session.request(limit).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'KERNEL', errno: Errno.ERANGE, attribute: 'NFQA_CFG_QUEUE_MAXLEN' })
    expect(error).toHaveProperty('policy', expect.stringContaining('u32'))
  })

  test('configure() under a flood that overruns the socket is acknowledged', async () => {
    await namespace.listen(9000)
    await namespace.queueOutput(5, { protocol: 'udp', destinationPort: 9000 })
    const queue = use(
      await openQueue({ number: 5, copyRange: 64, receiveBufferSize: 8192, maxLength: 65536, transport: open }),
    )
    let done = false
    const reading = (async () => {
      for await (const packets of queue) {
        packets.accept()
        if (done) break
      }
    })()
    const sending = namespace.send({ port: 9000, count: 60_000, size: 200 })
    let configured = 0
    const flood = sending.then(() => {
      done = true
    })
    while (!done) {
      await queue.configure({ maxLength: 65536 - (configured % 100) }, { timeout: patience(10_000) })
      configured++
    }
    await flood
    expect(queue.stats.lost).toBeGreaterThan(0)
    expect(configured).toBeGreaterThan(0)
    await queue.close()
    await reading
  })
})
