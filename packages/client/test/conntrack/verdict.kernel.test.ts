/** Connections of queued packets and log records, and verdicts that change them: on kernels that have the glue. */
import { spawnSync } from 'node:child_process'
import { QueueMessage, Verdict, writeVerdict } from '@ringlink/codec'
import { glueUnavailable } from '@ringlink/test-support/glue'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Connection,
  type ConnectionTuple,
  type Conntrack,
  openConntrack,
  openLog,
  openQueue,
  type Queue,
  type QueueOptions,
  type QueuePacket,
} from '../../src/index.ts'

const PORT = 5300
const CONTROL = 2121
const udp = { hook: 'output', match: { protocol: 'udp', destinationPort: PORT } } as const
/** A helper for the control connections of FTP, and room for labels in every connection. */
const helperRules = `
table ip t {
  ct helper h {
    type "ftp" protocol tcp
  }
  chain c {
    type filter hook output priority -50
    tcp dport ${CONTROL} ct helper set "h"
    udp dport 9 ct label set 1
  }
}
`
const hasNft = spawnSync('nft', ['--version']).error === undefined
const hasTool = spawnSync('conntrack', ['--version']).error === undefined

let namespace: Namespace
beforeEach(async () => {
  namespace = await Namespace.open()
})
afterEach(async () => {
  await namespace.close()
})

const open = (options: Partial<QueueOptions> = {}) =>
  openQueue({
    ...{ number: 5, rule: udp, transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }) },
    ...options,
  })

/** Sends a datagram from a port of our own, so that the next one is of the same connection. */
const sendOne = () =>
  namespace.run(
    'python3',
    '-c',
    `import socket; s = socket.socket(2, 2); s.bind(("127.0.0.1", 7000)); s.sendto(b"x", ("127.0.0.1", ${PORT}))`,
  )

/** Answers packets until `count` have come. */
async function answer(queue: Queue, count: number, each: (packet: QueuePacket, index: number) => void): Promise<void> {
  let index = 0
  for await (const packets of queue) {
    for (const packet of packets) each(packet, index++)
    if (index >= count) break
  }
}

describe.skipIf(kernelUnavailable !== undefined || glueUnavailable === undefined)(
  kernelTests('changes of connections on a kernel without the glue'),
  () => {
    test('are refused, since it would ignore them', async () => {
      await namespace.listen(PORT)
      await using queue = await open()
      await namespace.send({ port: PORT })
      await answer(queue, 1, (packet) => {
        expect(packet.conntrack()).toBeUndefined()
        for (const changes of [{ connection: { mark: 1 } }, { conntrack: { mark: 1 } }, { expectation: {} }])
          expect(() => packet.accept(changes)).toThrow(expect.objectContaining({ code: 'ARGUMENT' }))
        packet.accept({ mark: 1 })
      })
      await namespace.waitFor(PORT, 1)
    })
  },
)

describe.skipIf(glueUnavailable !== undefined)(
  `connections of packets${glueUnavailable === undefined ? '' : ` (skipped: ${glueUnavailable})`}`,
  () => {
    let conntrack: Conntrack

    beforeEach(async () => {
      conntrack = await openConntrack({
        transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
      })
      await namespace.listen(PORT)
    })
    afterEach(async () => {
      await conntrack.close()
    })

    const tool = (...words: string[]) =>
      spawnSync('nsenter', [`--net=${namespace.path}`, 'conntrack', ...words], { encoding: 'utf8' }).stdout

    async function listed(): Promise<Connection[]> {
      const rows: Connection[] = []
      for await (const connection of conntrack.list({ protocol: 'udp', destinationPort: PORT })) rows.push(connection)
      return rows
    }

    test('a packet has the connection that is listed, once that is confirmed', async () => {
      await using queue = await open({ conntrack: true })
      await sendOne()
      const seen: (Connection | undefined)[] = []
      const information: (number | undefined)[] = []
      let inTable: Connection[] = []
      await answer(queue, 1, (packet) => {
        seen.push(packet.conntrack())
        information.push(packet.conntrackInformation)
        packet.accept()
      })
      await sendOne()
      await answer(queue, 1, (packet) => {
        seen.push(packet.conntrack())
        packet.accept()
      })
      inTable = await listed()
      const [first, second] = seen
      expect(first).toMatchObject({
        family: 'ip',
        mark: 0,
        zone: 0,
        original: { protocol: 'udp', destinationPort: PORT },
      })
      expect(first?.status).not.toContain('confirmed')
      // IP_CT_NEW
      expect(information).toEqual([2])
      expect(inTable).toHaveLength(1)
      const [row] = inTable
      const { original, reply, id, mark, zone, status } = row as Connection
      expect(second).toMatchObject({ original, reply, id, mark, zone, status })
      if (!hasTool) return
      const xml = tool('-L', '-p', 'udp', '-o', 'xml,extended,id')
      expect(xml).toContain(`<id>${id}</id>`)
      expect(xml).toContain(`<sport>${original.sourcePort}</sport><dport>${PORT}</dport>`)
    })

    test('a log record has its connection, too', async () => {
      await using log = await openLog({
        ...{ group: 5, rule: udp, conntrack: true },
        transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
      })
      await namespace.send({ port: PORT, count: 2 })
      const seen: (Connection | undefined)[] = []
      for await (const records of log) {
        for (const record of records) seen.push(record.conntrack())
        if (seen.length >= 2) break
      }
      const [row] = await listed()
      const { original, reply, id } = row as Connection
      expect(seen).toHaveLength(2)
      for (const connection of seen) expect(connection).toMatchObject({ original, reply, id })
      expect(seen[1]?.status).toContain('confirmed')
    })

    test('a verdict sets mark with mask, timeout and status', async () => {
      await using queue = await open({ conntrack: true })
      await sendOne()
      const changes = [
        { mark: 0x1122, timeout: 77_000 },
        { mark: { value: 0x33, mask: 0xff } },
        // For a connection that is confirmed by now.
        { status: ['assured'], mark: { value: 0x4400, mask: 0xff00 }, timeout: 90_000 },
      ] as const
      await answer(queue, 1, (packet) => packet.accept({ connection: changes[0] }))
      const [first] = await listed()
      expect(first).toMatchObject({ mark: 0x1122 })
      expect(first?.timeout).toBeGreaterThan(60_000)
      expect(first?.timeout).toBeLessThanOrEqual(77_000)
      for (const connection of changes.slice(1)) {
        await sendOne()
        await answer(queue, 1, (packet) => packet.accept({ connection }))
      }
      const [last] = await listed()
      expect(last).toMatchObject({ mark: 0x4433 })
      expect(last?.status).toEqual(expect.arrayContaining(['assured', 'confirmed']))
      expect(last?.timeout).toBeGreaterThan(77_000)
      if (hasTool) expect(tool('-L', '-p', 'udp')).toMatch(new RegExp(`dport=${PORT} .*\\[ASSURED\\] mark=${0x4433}`))
    })

    test.skipIf(!hasNft)(
      `a verdict sets labels, with a mask${hasNft ? '' : ' (skipped: nft is not installed)'}`,
      async () => {
        await namespace.run('nft', helperRules)
        await using queue = await open({ conntrack: true })
        await sendOne()
        const bytes = (first: number) => Uint8Array.of(first, ...new Uint8Array(15))
        await answer(queue, 1, (packet) => packet.accept({ connection: { labels: bytes(0x0f), mark: 5 } }))
        expect(await listed()).toMatchObject([{ mark: 5, labels: bytes(0x0f) }])
        await sendOne()
        const labels = { value: bytes(0xf0), mask: bytes(0xf1) }
        await answer(queue, 1, (packet) => packet.accept({ connection: { labels } }))
        expect(await listed()).toMatchObject([{ mark: 5, labels: bytes(0xfe) }])
      },
    )

    test.skipIf(!hasNft)(
      `a verdict expects a connection, and takes the helper away${hasNft ? '' : ' (skipped: nft is not installed)'}`,
      async () => {
        await namespace.run('nft', helperRules)
        await namespace.serve(CONTROL)
        const rule = { hook: 'output', match: { protocol: 'tcp', destinationPort: CONTROL } } as const
        await using queue = await open({ conntrack: true, rule })
        const connected = namespace.connect({ port: CONTROL })
        const tuple: ConnectionTuple = {
          ...{ sourceAddress: '127.0.0.1', destinationAddress: '127.0.0.1', protocol: 'tcp' },
          ...{ sourcePort: 0, destinationPort: 40_000 },
        }
        await answer(queue, 1, (packet) => {
          expect(packet.conntrack()?.helper).toBe('ftp')
          expect(() => packet.accept({ connection: { helper: 'sip' } })).toThrow(/would have no effect/)
          packet.accept({ connection: { expectation: { tuple, flags: ['permanent'] }, mark: 3 } })
        })
        const [expected, ...others] = await conntrack.expectations.list()
        expect(others).toEqual([])
        expect(expected).toMatchObject({ tuple, master: { destinationPort: CONTROL }, flags: ['permanent'] })
        if (hasTool) expect(tool('-L', 'expect')).toMatch(/dport=40000/)
        await answer(queue, 1, (packet) => packet.accept({ connection: { helper: '' } }))
        const helpers: (string | undefined)[] = []
        for await (const { helper } of conntrack.list({ protocol: 'tcp', destinationPort: CONTROL }))
          helpers.push(helper)
        expect(helpers).toEqual([undefined])
        expect(await conntrack.expectations.list()).toEqual([])
        const rest = answer(queue, Number.POSITIVE_INFINITY, (packet) => packet.accept())
        await connected
        await queue.close()
        await rest
      },
    )

    test('what is refused has no effect in the kernel, and takes what follows with it', async () => {
      await using queue = await open({ conntrack: true })
      await sendOne()
      const raw = (packet: QueuePacket, helper: string) => {
        const { outbox } = queue.transport
        const offset = outbox.reserve(512)
        const header = { verdict: Verdict.Accept, id: packet.id }
        const changes = { conntrack: { helper: { name: helper }, mark: 9 } }
        outbox.commit(writeVerdict(outbox.memory, offset, offset + 512, QueueMessage.Verdict, 5, header, changes))
        outbox.flush()
      }
      await answer(queue, 1, (packet) => {
        expect(() => packet.accept({ connection: { helper: 'ftp', mark: 9 } })).toThrow(
          expect.objectContaining({ code: 'ARGUMENT', path: 'connection.helper' }),
        )
        raw(packet.hold(), 'ftp')
      })
      expect(await listed()).toMatchObject([{ mark: 0 }])
    })

    test.skipIf(!hasNft)(
      `an untracked packet has none, and changes are refused${hasNft ? '' : ' (skipped: nft is not installed)'}`,
      async () => {
        await namespace.run(
          'nft',
          `add table ip n; add chain ip n c { type filter hook output priority -300; }; add rule ip n c udp dport ${PORT} notrack`,
        )
        await using queue = await open({ conntrack: true })
        await namespace.send({ port: PORT })
        await answer(queue, 1, (packet) => {
          expect(packet.conntrack()).toBeUndefined()
          expect(() => packet.accept({ connection: { mark: 1 } })).toThrow(
            expect.objectContaining({ code: 'ARGUMENT', path: 'connection' }),
          )
          packet.accept()
        })
      },
    )

    test('a verdict changes the link-layer header and the VLAN tag of a packet that crosses a bridge', async () => {
      await namespace.run('sh', '-c', `echo '${bridge}' | ip -batch -`)
      // A bridge drops frames until its ports have a carrier, which the kernel notices up to a second later.
      for (const port of ['vb', 'vc'])
        while (!(await namespace.run('ip', '-details', 'link', 'show', port)).includes('state forwarding'));
      const rule = { family: 'bridge', hook: 'forward', match: { protocol: 'udp' } } as const
      await using queue = await open({ rule })
      const crossing = namespace.run('python3', '-c', bridgeTraffic)
      await answer(queue, 2, (packet, index) => {
        const own = packet.linkLayerHeader()
        expect(own?.length).toBe(14)
        if (index === 1) return packet.accept({ vlan: { protocol: 0x8100, tag: 42 } })
        const header = Uint8Array.from(own ?? [])
        header[11] = 0x99
        packet.accept({ mark: 1, linkLayerHeader: header })
      })
      // The sender's address, and the tag.
      expect((await crossing).trim().split('\n')).toEqual(['020000000099 0', '020000000001 42'])
    })
  },
)

/** Two pairs of devices, joined by a bridge: what is sent into va comes out of vd. */
const bridge = `
link add va type veth peer name vb
link add vc type veth peer name vd
link add br0 type bridge
link set vb master br0
link set vc master br0
${['br0', 'va', 'vb', 'vc', 'vd'].map((device) => `link set ${device} up`).join('\n')}
`

/**
 * Sends two frames into one end of a bridge, and prints what comes out of the other: who sent it, and its VLAN tag. The
 * IPv4 header has a checksum: with br_netfilter a bridge drops others.
 */
const bridgeTraffic = `
import socket, struct
send = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
send.bind(("va", 0))
receive = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
receive.bind(("vd", 0))
receive.setsockopt(263, 8, 1)
receive.settimeout(60)
ip = bytes.fromhex("4500001d00000000401174cb01010101020202020064006400090000") + b"x"
frame = bytes.fromhex("0200000000020200000000010800") + ip
for _ in range(2):
    send.send(frame)
    while True:
        data, control, flags, address = receive.recvmsg(2048, 256)
        if data[14:].startswith(ip[:10]):
            break
    print(data[6:12].hex(), struct.unpack("IIIHHHH", control[0][2][:20])[5] & 0xfff)
`
