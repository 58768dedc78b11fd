import { openQueue } from '@ringlink/client'
import { openSocket } from '@ringlink/transport-socket'
import { expect, test } from 'vitest'
import { kernelTests, kernelUnavailable, Namespace } from './namespace.ts'

test.skipIf(kernelUnavailable)(
  kernelTests('what has no room at the receiver, as on a kernel with a low rmem_max, still counts as arrived'),
  async () => {
    await using namespace = await Namespace.open()
    await namespace.listen(9000, undefined, 4096)
    await namespace.send({ port: 9000, count: 500, size: 1000 })
    await namespace.waitFor(9000, 500)
    expect((await namespace.received(9000)).count).toBe(500)
  },
)

test.skipIf(kernelUnavailable)(
  kernelTests('more than a send buffer has room for can wait in a queue, as on a kernel with a low wmem_max'),
  async () => {
    await using namespace = await Namespace.open()
    const transport = (needs: Parameters<typeof openSocket>[0]) =>
      openSocket({ ...needs, networkNamespace: namespace.path })
    const rule = { hook: 'output', match: { protocol: 'udp', destinationPort: 9000 } } as const
    await using queue = await openQueue({ number: 5, rule, transport, maxLength: 1000 })
    await namespace.send({ port: 9000, count: 1000, size: 100, sendBufferSize: 100_000 })
    expect(queue.counters()?.waiting).toBe(1000)
  },
)
