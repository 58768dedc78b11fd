import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { describe, expect, test } from 'vitest'
import {
  installRules,
  isNetlinkError,
  openLog,
  openQueue,
  openRing,
  openTransport,
  PREFER_RING,
  Protocol,
  type Rules,
  type Transport,
} from '../src/index.ts'

describe.skipIf(kernelUnavailable)(kernelTests('the package that people install'), () => {
  test('opens the best transport, in a namespace if requested, and says which it is', async () => {
    await using namespace = await Namespace.open()
    await using transport = await openTransport({ protocol: Protocol.Netfilter, networkNamespace: namespace.path })
    const hasRing = await openRing({ protocol: Protocol.Netfilter }).then(
      (ring) => ring.close().then(() => true),
      (error) => !isNetlinkError(error, 'RING_UNSUPPORTED'),
    )
    expect(transport.capabilities.ring).toBe(PREFER_RING && hasRing)
    expect(transport.capabilities.kind).toMatch(PREFER_RING && hasRing ? /^uring$|^netlink-ring$/ : /^socket$/)
    expect(transport.readProcNet('netfilter/nfnetlink_queue')).toBe('')
  })

  test('opens a socket, or only a ring, when requested', async () => {
    await using namespace = await Namespace.open()
    const options = { protocol: Protocol.Netfilter, networkNamespace: namespace.path }
    await using socket = await openTransport({ ...options, ring: false })
    expect(socket.capabilities).toMatchObject({ kind: 'socket', ring: false })
    const ring = await openTransport({ ...options, ring: true }).catch((error: unknown) => error)
    if (ring instanceof Error) expect(ring).toMatchObject({ code: 'RING_UNSUPPORTED', probes: { length: 2 } })
    else {
      await using transport = ring as Transport
      expect(transport.capabilities.ring).toBe(true)
    }
    await using queue = await openQueue({ number: 4, networkNamespace: namespace.path, ring: false })
    expect(queue.transport.capabilities.kind).toBe('socket')
    await using log = await openLog({ group: 4, networkNamespace: namespace.path, ring: false })
    expect(log.transport.capabilities.kind).toBe('socket')
  })

  test('queues and logs need no transport', async () => {
    await using namespace = await Namespace.open()
    await namespace.listen(9000)
    const match = { protocol: 'udp', destinationPort: 9000 } as const
    await namespace.install([{ hook: 'output', match, log: { group: 3, prefix: 'out', threshold: 1 } }])
    await namespace.queueOutput(2, match)
    await using queue = await openQueue({ number: 2, networkNamespace: namespace.path })
    await using log = await openLog({ group: 3, networkNamespace: namespace.path })
    await namespace.send({ port: 9000 })
    for await (const packet of queue.packets()) {
      packet.accept()
      break
    }
    for await (const record of log.records()) {
      expect(record.prefix()).toBe('out')
      break
    }
    await namespace.waitFor(9000, 1)
  })

  test('rules need no transport, and use a plain socket, independent of the queue or log', async () => {
    await using namespace = await Namespace.open()
    const { path: networkNamespace } = namespace
    await namespace.listen(9000)
    const match = { protocol: 'udp', destinationPort: 9000 } as const
    await using rules = await installRules([{ hook: 'input', match }], { networkNamespace })
    await using queue = await openQueue({ number: 2, networkNamespace, rule: { hook: 'output', match } })
    await using log = await openLog({ group: 3, networkNamespace, rule: { hook: 'input', match, threshold: 1 } })
    for (const { transport } of [rules, queue.rules, log.rules] as Rules[]) {
      expect(transport.capabilities.kind).toBe('socket')
    }
    await namespace.send({ port: 9000 })
    for await (const packet of queue.packets()) {
      packet.accept()
      break
    }
    for await (const record of log.records()) {
      expect(record.payloadLength).toBe(36)
      break
    }
    await namespace.waitFor(9000, 1)
    expect(await rules.counters()).toEqual([{ packets: 1, bytes: 36 }])
  })

  test('a missing network namespace is named in the error', async () => {
    const failed = openQueue({ number: 0, networkNamespace: '/run/netns/no-such-namespace' })
    const error = await failed.catch((reason: unknown) => reason)
    expect(isNetlinkError(error, 'SYSTEM')).toBe(true)
    expect((error as Error).message).toContain('/run/netns/no-such-namespace')
  })
})
