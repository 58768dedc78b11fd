// The kernel's own expressions `queue` and `log`, and tables with an owner, beside what nft lists and may change. For
// kernels that have these expressions.

import assert from 'node:assert/strict'
import { type FirewallRule, listTables, Session } from '@ringlink/client'
import { Protocol } from '@ringlink/codec'
import { kernelQueueStatement, Namespace } from '@ringlink/test-support/namespace'
import { openSocket } from '@ringlink/transport-socket'
import { NOT_HERE, step } from './steps.ts'

if (kernelQueueStatement !== 'expression') {
  console.log('skipped: this kernel has no expression queue')
  process.exit(NOT_HERE)
}

await using namespace = await Namespace.open()
const families = ['ip', 'ip6', 'inet', 'bridge', 'arp', 'netdev'] as const
const match = { mark: 7 } as const
const queues: readonly Partial<FirewallRule>[] = [0, 65_535, { from: 2, to: 4 }].flatMap((queue) => [
  { queue },
  { queue, bypass: true },
])
const logs: readonly Partial<FirewallRule>[] = [
  { log: { group: 0 } },
  { log: { group: 65_535, prefix: 'a prefix: "quoted"' } },
  { log: { group: 5, copyRange: 64 } },
  { log: { group: 5, copyRange: 0, threshold: 10, prefix: 'x'.repeat(100) } },
]
const ranged: Partial<FirewallRule> = { queue: { from: 2, to: 4 }, fanout: true }

for (const family of families)
  await step(`family ${family}: queues and logs are listed as nft lists them`, async () => {
    const place = family === 'netdev' ? ({ hook: 'ingress', device: 'lo' } as const) : ({ hook: 'input' } as const)
    // Only packets that the kernel has routed, or bridged, can be queued.
    const canQueue = family !== 'arp' && family !== 'netdev'
    const actions = [...logs, ...(canQueue ? [...queues, ranged, { ...ranged, bypass: true }] : [])]
    const rules = actions.map((action) => ({ ...place, match, ...action }))
    const installed = await namespace.install(rules, { family, table: 'own' })
    if (canQueue) assert.equal(installed.queueStatement, 'expression')
    const theirs = (await namespace.run('nft', 'list', 'table', family, 'own'))
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line.includes('counter packets'))
    assert.equal(theirs.length, rules.length)
    assert.deepEqual(await ours(), theirs)
    await installed.close()
    return undefined
  })

await step('a table with an owner is refused to nft, and outlives that it flushes all rules', async () => {
  const installed = await namespace.install([{ hook: 'input', match }], { table: 'own' })
  assert.ok(installed.owned)
  assert.match(await namespace.run('nft', 'list', 'ruleset'), /flags owner/)
  for (const words of ['delete table inet own', 'flush table inet own', 'add chain inet own another'])
    await assert.rejects(namespace.run('nft', ...words.split(' ')), /Operation not permitted/)
  await namespace.run('nft', 'flush', 'ruleset')
  assert.equal((await ours()).length, 1)
  await installed.close()
  assert.equal(await namespace.run('nft', 'list', 'ruleset'), '')
  return undefined
})

async function ours(): Promise<string[]> {
  const transport = await openSocket({ protocol: Protocol.Netfilter, networkNamespace: namespace.path })
  await using session = new Session(transport)
  const tables = await listTables(session, (name) => name === 'own')
  return tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules.map(({ text }) => text)))
}
