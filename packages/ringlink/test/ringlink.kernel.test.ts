import { describe, expect, test } from 'vitest'
import { kernelTests, kernelUnavailable, Namespace } from '../../../test/support/namespace.ts'
import { isNetlinkError, openLog, openQueue, openTransport, Protocol } from '../src/index.ts'

describe.skipIf(kernelUnavailable)(kernelTests('the package that people install'), () => {
  test('opens what the machine has, in a namespace if asked, and says which it is', async () => {
    await using namespace = await Namespace.open()
    await using transport = await openTransport({ protocol: Protocol.Netfilter, networkNamespace: namespace.path })
    expect(transport.capabilities.kind).toBe('socket')
    expect(transport.readProcNet('netfilter/nfnetlink_queue')).toBe('')
  })

  test('queues and logs need no transport', async () => {
    await using namespace = await Namespace.open()
    await namespace.listen(9000)
    const target = ['-j', 'NFLOG', '--nflog-group', '3', '--nflog-prefix', 'out', '--nflog-threshold', '1']
    await namespace.run('iptables', '-w', '-A', 'OUTPUT', '-p', 'udp', '--dport', '9000', ...target)
    await namespace.queueOutput(2, '-p udp --dport 9000')
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

  test('a network namespace that is not there is named in the error', async () => {
    const failed = openQueue({ number: 0, networkNamespace: '/run/netns/no-such-namespace' })
    const error = await failed.catch((reason: unknown) => reason)
    expect(isNetlinkError(error, 'SYSTEM')).toBe(true)
    expect((error as Error).message).toContain('/run/netns/no-such-namespace')
  })
})
