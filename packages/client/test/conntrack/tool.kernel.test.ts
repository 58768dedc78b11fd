/** Real traffic, and what conntrack(8) says of it, field by field. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connectionProtocols } from '../../src/conntrack/words.ts'
import { type Connection, type ConnectionTuple, type Conntrack, openConntrack } from '../../src/index.ts'

const hasTool =
  spawnSync('conntrack', ['--version']).error === undefined && spawnSync('nft', ['--version']).error === undefined
const reason = hasTool
  ? kernelTests('connections of real traffic')
  : 'connections of real traffic (skipped: conntrack or nft is not installed)'

/** One connection, as far as both say it: lines of the same names. */
type Fields = Readonly<Record<string, unknown>>

function fieldsOfFlow(xml: string): Fields {
  const direction = (name: string) => {
    const part = new RegExp(`<meta direction="${name}">(.*?)</meta>`).exec(xml)?.[1] ?? ''
    const value = (tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(part)?.[1]
    return {
      source: value('src'),
      destination: value('dst'),
      protocol: Number(/<layer4 protonum="(\d+)"/.exec(part)?.[1]),
      sourcePort: numberOf(value('sport')),
      destinationPort: numberOf(value('dport')),
      packets: numberOf(value('packets')),
      bytes: numberOf(value('bytes')),
    }
  }
  const rest = /<meta direction="independent">(.*?)<\/meta>/.exec(xml)?.[1] ?? ''
  const value = (tag: string) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(rest)?.[1]
  return {
    original: direction('original'),
    reply: direction('reply'),
    // SCTP's words are wrong in this tool; the others are the kernel's.
    state: value('state')?.toLowerCase().replaceAll('_', '-'),
    mark: Number(value('mark')),
    zone: Number(value('zone') ?? 0),
    id: Number(value('id')),
    isAssured: rest.includes('<assured/>'),
    isReplied: !rest.includes('<unreplied/>'),
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text)
}

function fieldsOf(connection: Connection): Fields {
  const { status, counters } = connection
  const direction = (tuple: ConnectionTuple, counted: { packets: bigint; bytes: bigint } | undefined) => ({
    source: tuple.sourceAddress,
    destination: tuple.destinationAddress,
    protocol: typeof tuple.protocol === 'number' ? tuple.protocol : connectionProtocols[tuple.protocol],
    sourcePort: tuple.sourcePort,
    destinationPort: tuple.destinationPort,
    packets: counted === undefined ? undefined : Number(counted.packets),
    bytes: counted === undefined ? undefined : Number(counted.bytes),
  })
  return {
    original: direction(connection.original, counters?.original),
    reply: direction(connection.reply, counters?.reply),
    state: connection.state,
    mark: connection.mark,
    zone: connection.zone,
    id: connection.id,
    isAssured: status.includes('assured'),
    isReplied: status.includes('seen-reply'),
  }
}

const rules = `
table ip t {
  ct helper h {
    type "ftp" protocol tcp
  }
  chain zones {
    type filter hook output priority raw
    udp dport 5353 ct zone set 7
  }
  chain marks {
    type filter hook output priority filter
    udp dport 5354 ct mark set 0x2a
    tcp dport 2121 ct helper set "h"
    ct state new accept
  }
  chain nat {
    type nat hook output priority -100
    tcp dport 8080 redirect to :9090
  }
}
table ip6 t {
  chain c {
    type filter hook output priority filter
    ct state new accept
  }
}
`
/** An echo request to ourselves, with id 77. */
const ping = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.sendto(bytes([8, 0, 247, 178, 0, 77, 0, 0]), ("127.0.0.1", 0))
s.recv(100)`

describe.skipIf(kernelUnavailable || !hasTool)(reason, () => {
  let namespace: Namespace
  let conntrack: Conntrack

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.run('sysctl', '-qw', 'net.netfilter.nf_conntrack_acct=1')
    await namespace.run('nft', rules)
    conntrack = await openConntrack({
      transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
    })
  })

  afterEach(async () => {
    await conntrack.close()
    await namespace.close()
  })

  async function makeTraffic(): Promise<void> {
    await namespace.serve(9090)
    await namespace.connect({ port: 8080, bytes: 10_000 })
    await namespace.serve(2121)
    await namespace.connect({ port: 2121 })
    for (const port of [5353, 5354, 5355]) {
      await namespace.listen(port)
      await namespace.send({ port, count: 3 })
    }
    await namespace.run('python3', '-c', ping)
    await namespace.listen(5356, '::1')
    await namespace.send({ port: 5356, address: '::1', count: 2 })
  }

  const tool = (...words: string[]) => {
    const { stdout } = spawnSync('nsenter', [`--net=${namespace.path}`, 'conntrack', ...words], { encoding: 'utf8' })
    return stdout
  }

  const byId = (one: Fields, other: Fields) => Number(one.id) - Number(other.id)

  test('a listing is that of conntrack -L -o xml,extended,id, and the count that of -C', async () => {
    await makeTraffic()
    const ours: Fields[] = []
    for await (const connection of conntrack.list()) ours.push(fieldsOf(connection))
    const theirs = [...tool('-L', '-o', 'xml,extended,id').matchAll(/<flow>.*?<\/flow>/g)].map(([flow]) =>
      fieldsOfFlow(flow),
    )
    expect(ours.length).toBeGreaterThanOrEqual(6)
    expect(ours.sort(byId)).toEqual(theirs.sort(byId))
    // The traffic is what it should be: translated, in a zone, marked, of IPv6.
    expect(ours).toContainEqual(
      expect.objectContaining({
        original: expect.objectContaining({ protocol: 6, destinationPort: 8080 }),
        reply: expect.objectContaining({ sourcePort: 9090 }),
      }),
    )
    expect(ours).toContainEqual(expect.objectContaining({ zone: 7 }))
    expect(ours).toContainEqual(expect.objectContaining({ original: expect.objectContaining({ protocol: 1 }) }))
    expect(ours).toContainEqual(expect.objectContaining({ mark: 0x2a }))
    expect(await conntrack.count()).toBe(Number(tool('-C').trim()))
    // The XML has no helper; the lines have.
    const helped: (string | undefined)[] = []
    for await (const { helper } of conntrack.list({ protocol: 'tcp', destinationPort: 2121 })) helped.push(helper)
    expect(helped).toEqual([/helper=(\w+)/.exec(tool('-L', '-p', 'tcp', '--dport', '2121'))?.[1]])
    expect(helped).toEqual(['ftp'])
  })

  test('statistics are those of conntrack -S', async () => {
    await makeTraffic()
    const { processors } = await conntrack.statistics()
    const lines = tool('-S').trim().split('\n')
    const theirs = lines.map((line) =>
      Object.fromEntries([...line.matchAll(/(\w+)=(\d+)/g)].map(([, name, value]) => [name, Number(value)])),
    )
    const ours = processors.map(({ processor, counters }) => ({
      ...{ cpu: processor, found: counters.found, invalid: counters.invalid, insert: counters.insert },
      ...{ insert_failed: counters.insertFailed, drop: counters.drop, early_drop: counters.earlyDrop },
      ...{ error: counters.error, search_restart: counters.searchRestart, clash_resolve: counters.clashResolve },
      chaintoolong: counters.chainTooLong,
    }))
    expect(ours).toEqual(theirs)
  })

  test('events are those of conntrack -E', async () => {
    const child = spawn('nsenter', [`--net=${namespace.path}`, 'conntrack', '-E', '-o', 'xml,id'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    // It has subscribed when its socket is in the kernel's list with the groups of events.
    while (!/^\S+\s+12\s+\d+\s+0*[1-7]\s/m.test(await namespace.run('cat', '/proc/net/netlink')))
      await new Promise(setImmediate)
    const events = await conntrack.events()
    await makeTraffic()
    await conntrack.flush()
    const total = await conntrack.count()
    expect(total).toBe(0)
    const ours: string[] = []
    const count = (kind: string) => ours.filter((line) => line.startsWith(kind)).length
    for await (const batch of events) {
      expect(batch.lost).toBe(0)
      for (const view of batch) ours.push(`${view.event} ${view.id}`)
      if (count('new') > 0 && count('new') === count('destroy')) break
    }
    while ((text.match(/<\/flow>/g) ?? []).length < ours.length) await once(child.stdout, 'data')
    child.kill('SIGINT')
    await once(child, 'close')
    const theirs = [...text.matchAll(/<flow type="(\w+)">(.*?)<\/flow>/g)].map(
      ([, type, flow = '']) => `${type} ${/<id>(\d+)<\/id>/.exec(flow)?.[1]}`,
    )
    expect(ours).toEqual(theirs)
    await events.close()
  })
})
