/**
 * One program text on simulated kernels: with the expression queue, with the xtables targets only, and before Linux
 * 5.12.
 */
import { type FirewallRule, installRules, openLog, openQueue } from '@ringlink/client'
import { Protocol } from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import { type NfTablesOptions, SimKernel, type SimTransport } from '../../src/index.ts'
import { textOf, udp } from '../support.ts'

const rules: readonly FirewallRule[] = [
  {
    hook: 'output',
    match: { protocol: 'udp', destinationPort: 5000 },
    log: { group: 5, prefix: 'seen' },
    queue: 3,
    bypass: true,
  },
  { hook: 'output', match: { protocol: 'udp', destinationPort: [5001, { from: 5003, to: 5005 }] }, verdict: 'drop' },
  { hook: 'output', match: { protocol: 'udp', destinationPort: [5006, 5008] }, setMark: 7 },
  { hook: 'input', match: { inputInterface: 'lo', sourceAddress: '127.0.0.0/8', not: { mark: 9 } } },
]

function start(nfTables: NfTablesOptions | false = {}) {
  const kernel = new SimKernel({ seed: 1, nfTables })
  const delivered: string[] = []
  kernel.onDelivered(({ bytes, mark }) => delivered.push(`${textOf(bytes)} ${mark}`))
  const sockets: SimTransport[] = []
  const open = (needs: Parameters<typeof kernel.open>[0]) => {
    const socket = kernel.open({ ...needs, ring: undefined })
    sockets.push(socket)
    return socket
  }
  return { kernel, delivered, sockets, open }
}

const kernels = [
  ['simulated, with the native queue expression', {}, 'expression', true],
  ['simulated, with the compat target NFQUEUE only', { without: ['queue'] }, 'target', true],
  ['simulated, before 5.12: without owned tables', { without: ['queue'], tableOwner: false }, 'target', false],
] as const

describe.each(kernels)('the rules of the client on a kernel %s', (_, options, statement, owned) => {
  test('queues, logs, drops, marks and counts', async () => {
    const { kernel, delivered, open } = start(options)
    const queue = await openQueue({ number: 3, transport: open })
    const log = await openLog({ group: 5, threshold: 1, transport: open })
    const installed = await installRules(rules, { transport: open })
    expect(installed).toMatchObject({ owned, queueStatement: statement })
    for (const port of [5000, 5001, 5002, 5003, 5005, 5006, 5007, 5008]) kernel.inject(udp(port, `to ${port}`))
    kernel.inject(udp(5000, 'in'), { hook: 1 })
    kernel.inject(udp(5000, 'marked'), { hook: 1, mark: 9 })
    expect(delivered).toEqual(['to 5002 0', 'to 5006 7', 'to 5007 0', 'to 5008 7', 'in 0', 'marked 9'])
    for await (const packets of queue) {
      for (const packet of packets) packet.accept()
      break
    }
    expect(delivered.slice(6)).toEqual(['to 5000 0'])
    const logged: string[] = []
    for await (const records of log) {
      for (const record of records) logged.push(`${record.prefix()} ${textOf(record.payload())}`)
      break
    }
    expect(logged).toEqual(['seen to 5000'])
    expect((await installed.counters()).map(({ packets, bytes }) => [packets, bytes])).toEqual([
      [1, 35],
      [3, 105],
      [2, 70],
      [1, 30],
    ])
    await installed.close()
    kernel.inject(udp(5001, 'free'))
    expect(delivered.at(-1)).toBe('free 0')
    await queue.close()
    await log.close()
  })

  test('feeds a queue by its own rule, which goes with it', async () => {
    const { kernel, delivered, open } = start(options)
    const rule = { hook: 'output', match: { protocol: 'udp', destinationPort: 5000 } } as const
    const queue = await openQueue({ number: 0, rule, transport: open })
    kernel.inject(udp(5000, 'queued'))
    expect(queue.counters()).toMatchObject({ waiting: 1 })
    for await (const packets of queue) {
      for (const packet of packets) packet.drop()
      break
    }
    await queue.close()
    kernel.inject(udp(5000, 'free'))
    expect([delivered, kernel.dropped.verdict]).toEqual([['free 0'], 1])
  })
})

describe('a program that is killed on a simulated kernel', () => {
  test('leaves no owned table', async () => {
    const { kernel, delivered, sockets, open } = start()
    await installRules([{ hook: 'output', verdict: 'drop' }], { transport: open })
    kernel.inject(udp(5000, 'dropped'))
    // The kernel closes its sockets; nothing of the program runs any more.
    for (const socket of sockets) await socket.close()
    kernel.inject(udp(5000, 'free'))
    expect([delivered, kernel.dropped.rule]).toEqual([['free 0'], 1])
  })

  test('leaves a persistent table, whose rules stay', async () => {
    const { kernel, delivered, sockets, open } = start()
    await installRules([{ hook: 'output', verdict: 'drop' }], { transport: open, persistent: true })
    for (const socket of sockets) await socket.close()
    kernel.inject(udp(5000, 'dropped'))
    expect([delivered, kernel.dropped.rule]).toEqual([[], 1])
  })
})

describe('what a simulated kernel refuses of the client', () => {
  test.each([
    ['no nf_tables', false],
    ['neither the queue expression nor targets', { without: ['queue', 'target'] }],
  ] as const)('%s', async (_, options) => {
    const { open, sockets } = start(options)
    await expect(installRules(rules, { transport: open })).rejects.toMatchObject({ code: 'RULES_UNSUPPORTED' })
    expect(sockets.length).toBe(1)
  })

  test('no privileges', async () => {
    const { kernel } = start()
    const transport = kernel.open({ protocol: Protocol.Netfilter, privileged: false })
    await expect(installRules(rules, { transport })).rejects.toMatchObject({ code: 'RULES_REFUSED' })
  })

  test('a table of another owner', async () => {
    const { open } = start()
    const first = await installRules(rules, { transport: open, table: 'taken' })
    await expect(installRules(rules, { transport: open, table: 'taken' })).rejects.toMatchObject({
      code: 'RULES_REFUSED',
    })
    await first.close()
  })
})
