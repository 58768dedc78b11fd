/** installRules against the nf_tables of the simulated kernel. */

import { Protocol } from '@ringlink/codec'
import { udpPacket } from '@ringlink/packet'
import type { TransportNeeds } from '@ringlink/transport'
import { SimKernel } from '@ringlink/transport-sim'
import { expect, test } from 'vitest'
import { installRules, listTables, openLog, openQueue, Session } from '../../src/index.ts'
import { postBatch } from '../../src/rules/batch.ts'
import { deleteTable } from '../../src/rules/messages.ts'

const UDP = { protocol: 'udp', destinationPort: [53, { from: 5000, to: 5010 }] } as const

function datagram(port: number): Uint8Array {
  return udpPacket({
    source: '192.0.2.1',
    destination: '192.0.2.2',
    sourcePort: 40_000,
    destinationPort: port,
    payload: 'x',
  })
}

test.each([
  ['the expression queue, which this kernel has', true],
  ['the target NFQUEUE, because this kernel has only that', false],
] as const)('rules feed a queue of the simulated kernel by %s', async (_, hasQueue) => {
  const kernel = new SimKernel({ nfTables: hasQueue ? {} : { without: ['queue'] } })
  let delivered = 0
  kernel.onDelivered(() => delivered++)
  const queue = await openQueue({
    number: 4,
    transport: (needs) => kernel.open(needs),
    unanswered: 'accept',
    rule: [
      { hook: 'output', match: UDP },
      { hook: 'output', match: { sourceAddress: '192.0.2.0/28', not: { protocol: 'udp' } } },
    ],
  })
  expect(queue.rules).toMatchObject({ owned: true, queueStatement: hasQueue ? 'expression' : 'target' })
  for (const port of [53, 54, 5005, 5011]) kernel.inject(datagram(port))
  expect(delivered).toBe(2)
  expect((await queue.rules?.counters())?.map(({ packets }) => packets)).toEqual([2, 0])
  await queue.close()
  expect(delivered).toBe(4)
  kernel.inject(datagram(53))
  expect(delivered).toBe(5)
})

test('the prefix of a log is listed whole, as nft lists it', async () => {
  const kernel = new SimKernel()
  const transport = (needs: TransportNeeds) => kernel.open(needs)
  const texts = ['a: ', "it's", 'back\\slash', '"quoted"', 'x'.repeat(127), 'red \u001b[31m']
  const rules = texts.map((prefix) => ({ hook: 'output', log: { group: 1, prefix } }) as const)
  await using _rules = await installRules(rules, { transport, table: 'own' })
  await using session = new Session(await kernel.open({ protocol: Protocol.Netfilter, frameSize: 32_768 }))
  const [table] = await listTables(session, (name) => name === 'own')
  const listed = table?.chains.flatMap((chain) => chain.rules.map(({ text }) => text))
  // Only what could change a terminal is escaped.
  const shown = texts.map((text) => text.replace('\u001b', '\\u{1b}'))
  expect(listed).toEqual(shown.map((text) => `counter packets 0 bytes 0 log prefix "${text}" group 1`))
})

test('a table of another socket, and a kernel without nf_tables, refuse rules of the simulated kernel', async () => {
  const kernel = new SimKernel()
  const transport = (needs: TransportNeeds) => kernel.open(needs)
  await using rules = await installRules([{ hook: 'output', match: UDP, verdict: 'drop' }], {
    transport,
    table: 'mine',
  })
  kernel.inject(datagram(53))
  expect(await rules.counters()).toMatchObject([{ packets: 1 }])
  await expect(installRules([{ hook: 'output' }], { transport, table: 'mine' })).rejects.toMatchObject({
    code: 'RULES_REFUSED',
  })
  const old = new SimKernel({ nfTables: false })
  await expect(installRules([{ hook: 'output' }], { transport: (needs) => old.open(needs) })).rejects.toMatchObject({
    code: 'RULES_UNSUPPORTED',
  })
})

test('tables that cannot be owned are removed at close', async () => {
  const kernel = new SimKernel({ nfTables: { tableOwner: false } })
  let delivered = 0
  kernel.onDelivered(() => delivered++)
  const transport = (needs: TransportNeeds) => kernel.open(needs)
  const rules = await installRules([{ hook: 'output', match: UDP, verdict: 'drop' }], { transport })
  expect(rules.owned).toBe(false)
  kernel.inject(datagram(53))
  expect(await rules.counters()).toMatchObject([{ packets: 1 }])
  await rules.close()
  kernel.inject(datagram(53))
  expect(delivered).toBe(1)
})

test('a kernel without nf_tables, which panics on a batch, is never sent one', async () => {
  const kernel = new SimKernel({ nfTables: false, batchPanics: true })
  const transport = (needs: TransportNeeds) => kernel.open(needs)
  const rule = { hook: 'output', match: UDP } as const
  const refused = { code: 'RULES_UNSUPPORTED', message: expect.stringContaining('no nf_tables') }
  await expect(installRules([rule], { transport })).rejects.toMatchObject(refused)
  await expect(installRules([rule], { transport, persistent: true })).rejects.toMatchObject(refused)
  await expect(openQueue({ number: 4, transport, rule })).rejects.toMatchObject(refused)
  await expect(openLog({ group: 4, transport, rule })).rejects.toMatchObject(refused)
  await using session = new Session(await kernel.open({ protocol: Protocol.Netfilter }))
  expect(() => postBatch(session, [deleteTable({ name: 'x', family: 'inet' })])).toThrow('kernel panic')
})
