/** Held packets (hold in packet.ts, Verdicts) on the real kernel. */

import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { repetitions } from '@ringlink/test-support/patience'
import type { OpenTransport } from '@ringlink/transport'
import { openUring, probeUring } from '@ringlink/transport-mmap'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type HeldPacket, openQueue } from '../../src/index.ts'

const PORT = 9000
const uring = kernelUnavailable === undefined ? await probeUring() : undefined

describe.skipIf(kernelUnavailable)(kernelTests('a queue of the real kernel whose packets are all held'), () => {
  let namespace: Namespace

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.listen(PORT)
  })

  afterEach(() => namespace.close())

  const transports: Record<string, OpenTransport> = {
    socket: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
  }
  if (uring?.works === true) {
    transports.uring = (needs) => openUring({ ...needs, networkNamespace: namespace.path })
    transports['uring with a kernel thread'] = (needs) =>
      openUring({ ...needs, networkNamespace: namespace.path, kernelThread: true })
  }

  describe.each(Object.entries(transports))('over %s', (_, transport) => {
    test.each([513, 1000, repetitions(10_000, 1100)])(
      '%i packets are held and the loop continues; then all are accepted',
      async (count) => {
        // The kernel keeps no more than `maxLength` packets that have no verdict, 1024 by default.
        const options = count <= 1024 ? {} : { maxLength: count + 1 }
        await using queue = await openQueue({
          ...{ number: 5, transport, rule: { hook: 'output', match: { protocol: 'udp', destinationPort: PORT } } },
          ...options,
        })
        const held: HeldPacket[] = []
        const sent = namespace.send({ port: PORT, count, size: 32 })
        for await (const packets of queue) {
          for (const packet of packets) held.push(packet.hold())
          if (held.length === count) break
        }
        await sent
        const { stats } = queue.session.transport
        expect(stats.held).toBe(count)
        expect(queue.stats).toMatchObject({ packets: count, lost: 0 })
        // No more at one time than a processor's backlog has room for (net.core.netdev_max_backlog).
        for (let start = 0; start < count; start += 500) {
          for (const packet of held.slice(start, start + 500)) packet.accept()
          queue.flush()
          await namespace.waitFor(PORT, Math.min(start + 500, count))
        }
        expect(stats.held).toBe(0)
      },
    )
  })
})
