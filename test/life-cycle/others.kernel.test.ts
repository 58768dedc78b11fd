/**
 * What others do to a queue or a log that is open: they flush all rules, delete its namespace, or take its privileges.
 */

import { spawnSync } from 'node:child_process'
import { type Rules, Session } from '@ringlink/client'
import {
  BatchMessage,
  batchAttributes,
  Errno,
  NfTablesMessage,
  nfnetlinkHeader,
  Protocol,
  Subsystem,
  tableAttributes,
} from '@ringlink/codec'
import { Bundle } from '@ringlink/test-support/bundle'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { probeUring } from '@ringlink/transport-mmap'
import { openSocket } from '@ringlink/transport-socket'
import { type Log, openLog, openQueue, openTransport, type Queue, type TransportNeeds } from 'ringlink'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { transportOptions, type Way, ways } from './life.ts'

const PORT = 9000
const RULE = { hook: 'output', match: { protocol: 'udp', destinationPort: PORT } } as const
const transports = kernelUnavailable === undefined && (await probeUring()).works ? ways : (['socket'] as const)
const isRoot = process.getuid?.() === 0

describe.skipIf(kernelUnavailable)(kernelTests('an open queue or log'), () => {
  let namespace: Namespace

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.listen(PORT)
  })
  afterEach(() => namespace.close())

  const over = (way: Way) => ({
    networkNamespace: namespace.path,
    transport: (needs: TransportNeeds) =>
      openTransport({ ...needs, ...transportOptions[way], networkNamespace: namespace.path }),
    ruleTransport: (needs: TransportNeeds) => openSocket({ ...needs, networkNamespace: namespace.path }),
  })

  test('keeps its rule when another program flushes all rules', async () => {
    const { transport, ruleTransport } = over('socket')
    const other = await namespace.install([RULE], {
      persistent: true,
      table: 'other',
    })
    await using queue = await openQueue({ number: 5, copyRange: 64, transport, ruleTransport, rule: RULE })
    const { owned } = queue.rules as Rules
    await flushRuleset(namespace)
    // The table of the other program is gone with its rule.
    await expect(other.counters()).rejects.toMatchObject({ code: 'RULES_REFUSED' })
    await namespace.send({ port: PORT, count: 3 })
    if (!owned) {
      await expect(queue.rules?.counters()).rejects.toMatchObject({ code: 'RULES_REFUSED' })
      await namespace.waitFor(PORT, 3)
      return
    }
    expect(await queue.rules?.counters()).toMatchObject([{ packets: 3 }])
    await accept(queue, 3)
    await namespace.waitFor(PORT, 3)
  })

  test('says that its persistent rule is gone when another program flushes all rules, and continues', async () => {
    const { transport, ruleTransport } = over('socket')
    await using queue = await openQueue({ number: 5, transport, ruleTransport })
    const rules = await namespace.install([{ ...RULE, queue: 5 }], { persistent: true, table: 'mine' })
    await namespace.send({ port: PORT })
    await accept(queue, 1)
    await flushRuleset(namespace)
    await expect(rules.counters()).rejects.toMatchObject({
      code: 'RULES_REFUSED',
      message: expect.stringContaining('changed by another program'),
    })
    await namespace.send({ port: PORT })
    await namespace.waitFor(PORT, 2)
    expect(queue.counters()).toMatchObject({ waiting: 0, lastId: 1 })
    // Installed again it feeds the queue that is open.
    await namespace.install([{ ...RULE, queue: 5 }], { persistent: true, table: 'mine' })
    await namespace.send({ port: PORT })
    await accept(queue, 1)
    await namespace.waitFor(PORT, 3)
    // What its removal finds is gone already.
    await flushRuleset(namespace)
    await rules.remove()
  })

  test.each(transports)('over a %s outlives the processes of its namespace, and lets go of it', async (way) => {
    await using outside = await Namespace.open()
    const queue = await openQueue({ number: 5, ...over(way), rule: RULE })
    const log = await openLog({ group: 5, ...over(way), rule: RULE })
    await outside.run(
      'ip',
      'link',
      'add',
      'outer',
      'type',
      'veth',
      'peer',
      'name',
      'inner',
      'netns',
      `${namespace.pid}`,
    )
    const loops = [accept(queue, 1), read(log)]
    await namespace.close()
    await queue.configure({ copyRange: 100 })
    expect(queue.counters()).toMatchObject({ number: 5, waiting: 0 })
    expect(await queue.rules?.counters()).toEqual([{ packets: 0, bytes: 0 }])
    await Promise.all([queue.close(), log.close(), ...loops])
    // The kernel removes the namespace with its devices, in its own time, and the other end with them.
    while ((await outside.run('ip', '-o', 'link')).includes('outer'));
  })
})

describe.skipIf(kernelUnavailable || !isRoot)(
  kernelTests(isRoot ? 'a process that gives its privileges up' : 'skipped: only root can give privileges up'),
  () => {
    let bundle: Bundle
    beforeAll(() => {
      bundle = new Bundle(new URL('dropped.ts', import.meta.url))
    })
    afterAll(() => bundle[Symbol.dispose]())

    test.each(transports)('over a %s cannot answer packets any more, and says so; a log continues', (way) => {
      expect(runDropped(bundle, 'queue', way)).toEqual({ packets: 1, code: 'KERNEL', errno: Errno.EPERM })
      expect(runDropped(bundle, 'log', way)).toEqual({ packets: 1 })
    })
  },
)

function runDropped(bundle: Bundle, kind: string, way: Way): unknown {
  const inside = ['sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, bundle.path, kind, way]
  const { stdout, stderr, status } = spawnSync('unshare', ['-n', ...inside], { encoding: 'utf8', timeout: 100_000 })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return JSON.parse(stdout)
}

/** What `nft flush ruleset` sends: a request to delete the table without a name. */
async function flushRuleset({ path }: Namespace): Promise<void> {
  const protocol = Protocol.Netfilter
  await using session = new Session(await openSocket({ protocol, networkNamespace: path }))
  const edge = (type: number) => ({
    what: 'a batch',
    type,
    header: nfnetlinkHeader(0, Subsystem.NfTables),
    set: batchAttributes,
    attributes: {},
  })
  const flush = {
    what: 'flush all rules',
    type: NfTablesMessage.DeleteTable,
    header: nfnetlinkHeader(0, 0),
    set: tableAttributes,
    attributes: {},
  }
  const results = await session.batch([edge(BatchMessage.Begin), flush, edge(BatchMessage.End)], {
    what: 'flush all rules',
    transaction: true,
  })
  expect(results.filter(({ error }) => error !== undefined)).toEqual([])
}

/** Accepts packets until so many have come, or the queue is closed. */
async function accept(queue: Queue, count: number): Promise<void> {
  let seen = 0
  for await (const packets of queue) {
    seen += packets.length
    packets.accept()
    if (seen >= count) break
  }
}

/** Reads until the log is closed. */
async function read(log: Log): Promise<void> {
  for await (const records of log)
    for (const record of records) throw new Error(`a record of ${record.payloadLength} bytes`)
}
