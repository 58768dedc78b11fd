import { type ChildProcess, fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import {
  Errno,
  NfTablesMessage,
  Protocol,
  readNfnetlinkAttributes,
  tableAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { kernelQueueStatement, kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import type { Transport, TransportNeeds } from '@ringlink/transport'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type FirewallRule,
  installRules,
  openLog,
  openQueue,
  type Queue,
  type RuleFamily,
  Session,
} from '../../src/index.ts'

const PORT = 9000
const UDP = { protocol: 'udp', destinationPort: PORT } as const

describe.skipIf(kernelUnavailable)(kernelTests('rules of the real kernel'), () => {
  let namespace: Namespace

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.listen(PORT)
  })

  afterEach(async () => {
    await namespace.close()
  })

  const transport = (needs: TransportNeeds): Promise<Transport> =>
    openSocket({ ...needs, networkNamespace: namespace.path })

  /** The tables of all families. */
  async function tables(): Promise<string[]> {
    await using session = new Session(await transport({ protocol: Protocol.Netfilter }))
    const rows = await session.dump({
      what: 'list tables',
      write: (memory, offset, limit) =>
        writeNfnetlinkMessage(memory, offset, limit, tableAttributes, {
          type: NfTablesMessage.GetTable,
          flags: 0,
          sequence: 0,
          resourceId: 0,
          attributes: {},
        }),
    })
    return rows.map((row) => readNfnetlinkAttributes(row.view, tableAttributes).name ?? '')
  }

  async function acceptPackets(queue: Queue, count: number): Promise<void> {
    let seen = 0
    for await (const packets of queue) {
      seen += packets.length
      packets.accept()
      if (seen >= count) break
    }
  }

  test('feed a queue, count what they match, and are gone when they are closed', async () => {
    await using queue = await openQueue({ number: 5, transport })
    const rules = await installRules(
      [
        { hook: 'output', match: UDP, queue: 5 },
        { hook: 'input', match: UDP },
        { hook: 'output', match: { protocol: 'tcp' }, verdict: 'drop' },
      ],
      { transport },
    )
    expect(rules.owned).toBe(true)
    expect(await tables()).toEqual([rules.table])
    await namespace.send({ port: PORT, count: 20, size: 100 })
    await acceptPackets(queue, 20)
    await namespace.waitFor(PORT, 20)
    expect(await rules.counters()).toEqual([
      { packets: 20, bytes: 20 * 128 },
      { packets: 20, bytes: 20 * 128 },
      { packets: 0, bytes: 0 },
    ])
    await rules.close()
    await rules.close()
    expect(await tables()).toEqual([])
    await namespace.send({ port: PORT })
    await namespace.waitFor(PORT, 21)
    expect(queue.stats.packets).toBe(20)
    await expect(rules.counters()).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('match the packets that they describe', async () => {
    const sent: [FirewallRule['match'], number][] = [
      [{ ...UDP, sourceAddress: '127.0.0.1' }, 3],
      [{ ...UDP, sourceAddress: '127.0.0.0/8', destinationAddress: '127.0.0.0/31' }, 3],
      [{ ...UDP, sourceAddress: '127.0.0.2' }, 0],
      [{ protocol: 'udp', not: { sourceAddress: '127.0.0.2/31' } }, 5],
      [{ protocol: 'udp', not: { sourceAddress: '127.0.0.0/9' } }, 0],
      [{ protocol: 'udp', sourceAddress: '::1' }, 2],
      [{ protocol: 'udp', destinationAddress: '::/1', not: { destinationPort: PORT } }, 2],
      [{ protocol: 'udp', destinationPort: [PORT, PORT + 1] }, 7],
      [{ protocol: 'udp', destinationPort: [1, { from: PORT, to: PORT + 1 }, 65535] }, 7],
      [{ protocol: 'udp', destinationPort: { from: PORT + 1, to: 65535 } }, 4],
      [{ protocol: 'udp', not: { destinationPort: { from: PORT + 1, to: PORT + 1 } } }, 3],
      [{ protocol: 'udp', not: { destinationPort: [7, PORT] } }, 4],
      [{ protocol: 17, outputInterface: 'lo' }, 7],
      [{ protocol: 17, outputInterface: 'l*' }, 7],
      [{ protocol: 17, outputInterface: 'lo0' }, 0],
      [{ not: { protocol: 'udp' } }, 0],
      [{ protocol: 'udp', mark: 0 }, 7],
      [{ protocol: 'udp', mark: { value: 0, mask: 0xf0 }, not: { mark: 5 } }, 7],
      [{ protocol: 'udp', not: { mark: { value: 0, mask: 0xf0 } } }, 0],
      [{ protocol: 'udp', ctState: ['new', 'untracked', 'established'] }, 7],
      [{ protocol: 'udp', not: { ctState: ['new', 'established'] } }, 0],
      [{ protocol: 'udp', userId: process.getuid?.() ?? 0 }, 7],
      [{ protocol: 'udp', not: { userId: process.getuid?.() ?? 0 } }, 0],
    ]
    const rules = await namespace.install(sent.map(([match]) => ({ hook: 'output', match })))
    await namespace.listen(PORT + 1, '::')
    await namespace.send({ port: PORT, count: 3 })
    await namespace.send({ port: PORT + 1, count: 2 })
    await namespace.send({ port: PORT + 1, address: '::1', count: 2 })
    const counters = await rules.counters()
    expect(counters.map(({ packets }, index) => [index, packets])).toEqual(
      sent.map(([, count], index) => [index, count]),
    )
  })

  test('mark, limit, drop and log as they say', async () => {
    await using log = await openLog({ group: 7, transport })
    const rules = await namespace.install([
      { hook: 'output', priority: 'mangle', match: UDP, setMark: 0x1234 },
      {
        hook: 'output',
        match: { mark: { value: 0x1200, mask: 0xff00 } },
        limit: { rate: 1, per: 'week', burst: 3 },
        log: { group: 7, prefix: 'seen', copyRange: 40, threshold: 1 },
      },
      {
        hook: 'output',
        match: { mark: 0x1234 },
        limit: { rate: 1, per: 'week', burst: 5, over: true },
        verdict: 'drop',
      },
    ])
    await namespace.send({ port: PORT, count: 10, size: 100 })
    await namespace.waitFor(PORT, 5)
    expect((await namespace.received(PORT)).count).toBe(5)
    expect((await rules.counters()).map(({ packets }) => packets)).toEqual([10, 3, 5])
    const seen: unknown[] = []
    for await (const record of log.records()) {
      seen.push([record.prefix(), record.mark, record.payloadLength])
      if (seen.length === 3) break
    }
    expect(seen).toEqual(new Array(3).fill(['seen', 0x1234, 40]))
  })

  test.each([
    ['ip', 1],
    ['ip6', 1],
    ['inet', 2],
  ] as const)('family %s sees its packets', async (family, count) => {
    await namespace.listen(PORT + 1, '::')
    const match = { protocol: 'udp', destinationPort: PORT + 1 } as const
    const rules = await namespace.install([{ hook: 'output', match, queue: 9, bypass: true }], { family })
    await namespace.send({ port: PORT + 1 })
    await namespace.send({ port: PORT + 1, address: '::1' })
    await namespace.waitFor(PORT + 1, 2)
    expect(await rules.counters()).toMatchObject([{ packets: count }])
  })

  test.each([
    ['ingress', 29],
    // An outgoing packet already has its Ethernet header.
    ['egress', 43],
  ] as const)('family netdev logs at hook %s', async (hook, length) => {
    await using log = await openLog({ group: 8, transport })
    const rules = await namespace.install(
      [{ hook, device: 'lo', match: { ...UDP, sourceAddress: '127.0.0.0/8' }, log: { group: 8, threshold: 1 } }],
      { family: 'netdev' },
    )
    await namespace.send({ port: PORT, text: 'x' })
    for await (const record of log.records()) {
      expect(record.payloadLength).toBe(length)
      break
    }
    expect(await rules.counters()).toMatchObject([{ packets: 1 }])
  })

  test('families bridge and arp accept rules', async () => {
    await namespace.install([{ hook: 'forward', match: { ...UDP, sourceAddress: '10.0.0.0/8' }, log: { group: 1 } }], {
      family: 'bridge',
    })
    await namespace.install([{ hook: 'input', verdict: 'accept' }, { hook: 'output' }], { family: 'arp' })
    expect(await tables()).toHaveLength(2)
  })

  const hasQueue = kernelQueueStatement === 'expression'
  const queueWay = hasQueue ? 'the expression queue' : 'the target NFQUEUE, without the expression queue'
  test.each(['ip', 'ip6', 'inet'] as const)(`family %s queues by ${queueWay}`, async (family) => {
    const rules = await namespace.install([{ hook: 'output', queue: { from: 2, to: 4 }, bypass: true, fanout: true }], {
      family,
    })
    expect(rules.queueStatement).toBe(hasQueue ? 'expression' : 'target')
  })

  test.skipIf(hasQueue)(
    `family bridge, which has no target NFQUEUE, says so${hasQueue ? ' (skipped: it has the expression queue)' : ''}`,
    async () => {
      const error = await namespace
        .install([{ hook: 'input' }, { hook: 'forward', match: UDP, queue: 1 }], { family: 'bridge' })
        .catch((reason: unknown) => reason)
      expect(error).toMatchObject({
        code: 'RULES_UNSUPPORTED',
        rule: 1,
        expression: 'queue',
        errno: Errno.ENOENT,
        message:
          'the kernel does not support rule 1: in this family it has neither the expression queue nor the target NFQUEUE (ENOENT and ENOENT)',
      })
      expect(await tables()).toEqual([])
    },
  )

  describe('are refused as a whole', () => {
    test('if a table of that name exists', async () => {
      const first = await namespace.install([{ hook: 'output' }], { table: 'mine', persistent: true })
      expect(first.table).toBe('mine')
      await expect(namespace.install([{ hook: 'input' }], { table: 'mine' })).rejects.toMatchObject({
        code: 'RULES_REFUSED',
        errno: Errno.EEXIST,
        message: 'there is a table mine already: choose another name, or remove it (EEXIST)',
      })
    })

    test('if the table belongs to another process', async () => {
      await namespace.install([{ hook: 'output' }], { table: 'mine' })
      const taken = namespace.install([{ hook: 'output' }], { table: 'mine', persistent: true })
      await expect(taken).rejects.toMatchObject({
        code: 'RULES_REFUSED',
        errno: Errno.EPERM,
        message: 'table mine belongs to another process, which alone may change it: choose another name (EPERM)',
      })
      expect(await tables()).toEqual(['mine'])
    })

    test('if the last rule is at fault: none of the others is installed', async () => {
      // The kernel counts in nanoseconds, and so many packets at so low a rate overflow its counter.
      const rules: FirewallRule[] = [
        { hook: 'output', match: UDP, verdict: 'drop' },
        { hook: 'input', limit: { rate: 1, per: 'week', burst: 0xffffffff } },
      ]
      await expect(namespace.install(rules)).rejects.toMatchObject({
        code: 'RULES_REFUSED',
        rule: 1,
        expression: 'limit',
        errno: Errno.EOVERFLOW,
      })
      expect(await tables()).toEqual([])
      await namespace.send({ port: PORT })
      await namespace.waitFor(PORT, 1)
    })

    test('without CAP_NET_ADMIN', () => {
      const words = ['--bounding-set', '-net_admin', '--inh-caps', '-net_admin']
      const { stdout, stderr } = spawnSync('setpriv', [...words, process.execPath, fixture('install-rules.mjs')], {
        encoding: 'utf8',
      })
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toMatchObject({
        code: 'RULES_REFUSED',
        message: 'rules cannot be changed: CAP_NET_ADMIN is missing in this network namespace (EPERM)',
      })
    })
  })

  test.skipIf(hasQueue)(
    `a refusal is reported even if its errors overrun the socket${hasQueue ? ' (skipped: none come)' : ''}`,
    async () => {
      const list = Array.from({ length: 3000 }, (): FirewallRule => ({ hook: 'forward', match: UDP, queue: 1 }))
      await expect(namespace.install(list, { family: 'bridge' })).rejects.toMatchObject({
        code: 'RULES_UNSUPPORTED',
        rule: 0,
        expression: 'queue',
      })
      expect(await tables()).toEqual([])
    },
  )

  test('a set of a thousand ranges matches its ports', async () => {
    const ports = Array.from({ length: 1000 }, (_, index) => ({ from: 10_000 + 4 * index, to: 10_001 + 4 * index }))
    const match = { protocol: 'udp', destinationPort: ports } as const
    const rules = await namespace.install([{ hook: 'output', match }])
    for (const port of [9999, 10_000, 10_001, 10_002, 13_996, 13_997, 13_998]) await namespace.send({ port })
    expect(await rules.counters()).toMatchObject([{ packets: 4 }])
  })

  test('a thousand rules are one batch', async () => {
    const list = Array.from({ length: 1000 }, (_, port): FirewallRule => {
      return { hook: 'output', match: { protocol: 'udp', destinationPort: 10_000 + port }, queue: 1, bypass: true }
    })
    const rules = await namespace.install(list)
    await namespace.send({ port: 10_999 })
    const counters = await rules.counters()
    expect(counters.map(({ packets }) => packets)).toEqual([...new Array(999).fill(0), 1])
  })

  test('persistent ones stay, are replaced by new ones, and are removed by remove()', async () => {
    const first = await namespace.install([{ hook: 'output', match: UDP }], { persistent: true })
    expect(first).toMatchObject({ table: 'ringlink', owned: false, persistent: true })
    await first.close()
    expect(await tables()).toEqual(['ringlink'])
    const second = await namespace.install([{ hook: 'input', match: UDP }], { persistent: true })
    await namespace.send({ port: PORT, count: 2 })
    expect(await second.counters()).toMatchObject([{ packets: 2 }])
    await second.remove()
    expect(await tables()).toEqual([])
  })

  test('a change of a persistent table by another program is noticed', async () => {
    const mine = await namespace.install([{ hook: 'output' }], { persistent: true })
    const theirs = await namespace.install([{ hook: 'output' }, { hook: 'output' }], { persistent: true })
    await expect(mine.counters()).rejects.toMatchObject({ code: 'RULES_REFUSED' })
    await theirs.remove()
    await mine.remove()
  })

  describe('of a queue', () => {
    test('exist once it is bound, and are gone before it closes', async () => {
      const queue = await openQueue({
        number: 5,
        transport,
        unanswered: 'accept',
        rule: { hook: 'output', match: UDP, onExit: 'bypass' },
      })
      await namespace.send({ port: PORT, count: 30 })
      await acceptPackets(queue, 10)
      expect(await queue.rules?.counters()).toMatchObject([{ packets: 30 }])
      await queue.close()
      expect(await tables()).toEqual([])
      await namespace.send({ port: PORT })
      await namespace.waitFor(PORT, 31)
    })

    test('are refused with it, and it is refused with them', async () => {
      const rule = { hook: 'output', match: UDP } as const
      await using _owner = await openQueue({ number: 5, transport })
      await expect(openQueue({ number: 5, transport, rule })).rejects.toMatchObject({ code: 'QUEUE_REFUSED' })
      expect(await tables()).toEqual([])
      await expect(
        openQueue({ number: 6, transport, rule: { ...rule, family: 'arp' as RuleFamily } }),
      ).rejects.toMatchObject({ code: 'ARGUMENT', path: 'rule.match.protocol' })
      const open = await transport({ protocol: Protocol.Netfilter })
      await expect(openQueue({ number: 6, transport: open, rule })).rejects.toMatchObject({ code: 'ARGUMENT' })
      await open.close()
    })

    test.each([
      ['bypass', 1],
      ['block', 0],
    ] as const)('onExit %s holds after kill -9', async (onExit, delivered) => {
      const child = await start('killed-queue.mjs', onExit)
      await namespace.send({ port: PORT })
      // Nobody answers the packet, so it waits in the queue.
      expect((await namespace.received(PORT)).count).toBe(0)
      await kill(child)
      await namespace.send({ port: PORT, text: 'after' })
      if (delivered > 0) await namespace.waitFor(PORT, delivered)
      expect((await namespace.received(PORT)).payloads).toEqual(new Array(delivered).fill('after'))
      expect(await tables()).toEqual(delivered > 0 ? [] : ['ringlink-queue-5'])
      if (onExit === 'bypass') return
      // The next program gets the packets again, and may remove the rule.
      await using queue = await openQueue({ number: 5, transport, rule: { hook: 'output', match: UDP, onExit } })
      await namespace.send({ port: PORT, text: 'again' })
      await acceptPackets(queue, 1)
      await namespace.waitFor(PORT, 1)
      await queue.close()
      await namespace.send({ port: PORT, text: 'blocked' })
      expect((await namespace.received(PORT)).payloads).toEqual(['again'])
      const left = await openQueue({ number: 5, transport, rule: { hook: 'output', match: UDP, onExit } })
      await left.rules?.remove()
      await left.close()
      await namespace.send({ port: PORT, text: 'free' })
      await namespace.waitFor(PORT, 2)
    })
  })

  test('of a log exist as long as it does, and nothing is lost at its end', async () => {
    const log = await openLog({
      group: 5,
      transport,
      threshold: 1000,
      timeout: 60_000,
      rule: { hook: 'output', match: UDP, prefix: 'fed', copyRange: 30 },
    })
    await namespace.send({ port: PORT, count: 25 })
    const seen: unknown[] = []
    const loop = (async () => {
      for await (const records of log) for (const record of records) seen.push([record.prefix(), record.payloadLength])
    })()
    expect(await log.rules?.counters()).toMatchObject([{ packets: 25 }])
    await log.finish()
    await loop
    expect(seen).toEqual(new Array(25).fill(['fed', 30]))
    expect(await tables()).toEqual([])
  })

  describe('of a program', () => {
    test('that is killed are gone, and traffic flows', async () => {
      const child = await start('install-rules.mjs', 'wait')
      expect(await tables()).toHaveLength(1)
      await namespace.send({ port: PORT })
      expect((await namespace.received(PORT)).count).toBe(0)
      await kill(child)
      expect(await tables()).toEqual([])
      await namespace.send({ port: PORT })
      await namespace.waitFor(PORT, 1)
    })

    test('do not keep it alive', async () => {
      const child = await start('install-rules.mjs', 'end')
      const [code] = await once(child, 'exit')
      expect(code).toBe(0)
      expect(await tables()).toEqual([])
    })
  })

  const nft = spawnSync('nft', ['--version']).error === undefined
  test.skipIf(!nft)(`nft lists them as its own${nft ? '' : ' (skipped: nft is missing)'}`, async () => {
    const rules: [FirewallRule, string][] = [
      [{ hook: 'output', match: UDP }, 'udp dport 9000 counter'],
      [
        { hook: 'output', match: { protocol: 'tcp', sourcePort: { from: 1, to: 9 }, destinationPort: [443, 22] } },
        'tcp sport 1-9 tcp dport { 22, 443 } counter',
      ],
      [
        { hook: 'output', match: { protocol: 'tcp', destinationPort: [80, { from: 100, to: 200 }, 65535] } },
        'tcp dport { 80, 100-200, 65535 } counter',
      ],
      [
        {
          hook: 'output',
          match: { protocol: 'tcp', not: { sourcePort: [5, 7], destinationPort: { from: 8, to: 9 } } },
        },
        'meta l4proto tcp tcp sport != { 5, 7 } tcp dport != 8-9 counter',
      ],
      [{ hook: 'output', match: { protocol: 'icmp' }, verdict: 'accept' }, 'meta l4proto icmp counter accept'],
      [{ hook: 'output', match: { not: { protocol: 'icmpv6' } } }, 'meta l4proto != icmpv6 counter'],
      [{ hook: 'output', match: { sourceAddress: '10.1.2.3' } }, 'ip saddr 10.1.2.3 counter'],
      [{ hook: 'output', match: { destinationAddress: '10.0.0.0/8' } }, 'ip daddr 10.0.0.0/8 counter'],
      [{ hook: 'output', match: { not: { destinationAddress: '10.0.0.0/9' } } }, 'ip daddr != 10.0.0.0/9 counter'],
      [
        { hook: 'output', match: { sourceAddress: '2001:db8::1', destinationAddress: '2001:db8::/33' } },
        'ip6 saddr 2001:db8::1 ip6 daddr 2001:db8::/33 counter',
      ],
      [
        { hook: 'output', match: { outputInterface: 'lo', not: { mark: { value: 1, mask: 0xff } }, mark: 7 } },
        'oifname "lo" meta mark 7 meta mark & 0xff != 1 counter',
      ],
      [{ hook: 'output', match: { outputInterface: 'veth*' } }, 'oifname "veth*" counter'],
      [
        { hook: 'output', match: { ctState: ['new', 'established'], userId: 1000 } },
        'ct state established,new meta skuid 1000 counter',
      ],
      [{ hook: 'output', match: { not: { ctState: 'invalid' } } }, 'ct state ! invalid counter'],
      [
        {
          hook: 'output',
          limit: { rate: 10, per: 'minute', burst: 7 },
          log: { group: 3, prefix: 'a b', copyRange: 64, threshold: 9 },
          setMark: 0x17,
          verdict: 'drop',
        },
        'limit rate 10/minute burst 7 packets counter log prefix "a b" group 3 snaplen 64 queue-threshold 9 meta mark set 0x17 drop',
      ],
      [
        { hook: 'output', limit: { rate: 5, per: 'day', over: true }, log: { group: 4 } },
        'limit rate over 5/day counter log group 4',
      ],
    ]
    await namespace.install(
      rules.map(([rule]) => rule),
      { table: 'ours', persistent: true },
    )
    const ours = await namespace.run('nft', 'list', 'table', 'inet', 'ours')
    const chain = 'type filter hook output priority filter; policy accept;'
    const typed = `table inet theirs {\n chain output {\n ${chain}\n ${rules.map(([, text]) => text).join('\n')}\n }\n }\n`
    await namespace.run('nft', typed)
    const theirs = await namespace.run('nft', 'list', 'table', 'inet', 'theirs')
    expect(ours.split('\n')).toEqual(theirs.replace('theirs', 'ours').split('\n'))
  })

  const iptables = spawnSync('iptables-nft', ['--version']).error === undefined
  const reason = !nft ? 'nft is missing' : 'iptables-nft is missing'
  test.skipIf(!nft || !iptables || hasQueue)(
    `nft lists the target NFQUEUE as it lists that of iptables${nft && iptables ? '' : ` (skipped: ${reason})`}`,
    async () => {
      const match = { protocol: 'udp', destinationPort: 53 } as const
      await namespace.install(
        [
          { hook: 'output', match, queue: 3, bypass: true },
          { hook: 'output', match, queue: { from: 3, to: 5 }, fanout: true },
        ],
        { family: 'ip' },
      )
      const words = ['-A', 'OUTPUT', '-p', 'udp', '--dport', '53', '-j', 'NFQUEUE']
      const ours = queueLines(await namespace.run('nft', 'list', 'ruleset'))
      expect(ours).toHaveLength(2)
      await namespace.run('iptables-nft', '-w', ...words, '--queue-num', '3', '--queue-bypass')
      await namespace.run('iptables-nft', '-w', ...words, '--queue-balance', '3:5', '--queue-cpu-fanout')
      expect(queueLines(await namespace.run('nft', 'list', 'table', 'ip', 'filter'))).toEqual(ours)
    },
  )

  /** Runs a program in the namespace until it reports that it is ready. */
  async function start(name: string, ...words: string[]): Promise<ChildProcess> {
    const child = fork(fixture(name), words, {
      execArgv: [],
      env: { ...process.env, NETWORK_NAMESPACE: namespace.path },
    })
    const [message] = await Promise.race([once(child, 'message'), once(child, 'exit')])
    expect(message).toBe('ready')
    return child
  }
})

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

function queueLines(listing: string): string[] {
  return listing
    .split('\n')
    .filter((line) => line.includes('queue'))
    .map((line) => line.trim())
}

function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))
}
