/** A loss at the end of a burst is counted at close, by every transport of the real kernel. */

import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { commitNoops } from '@ringlink/test-support/requests'
import type { Transport } from '@ringlink/transport'
import { dropsInTable, openSocket } from '@ringlink/transport-socket'
import { describe, expect, test } from 'vitest'
import { openUring } from '../../src/uring/open-uring.ts'
import { uringUnavailable } from './support/fixture.ts'

const ROUTE = 0
const REQUESTS = 300

const transports: Record<string, (networkNamespace: string) => Promise<Transport>> = {
  socket: async (networkNamespace) =>
    openSocket({ protocol: ROUTE, networkNamespace, frameSize: 256, receiveBufferSize: 8192 }),
  'socket without overrun errors': async (networkNamespace) =>
    openSocket({ protocol: ROUTE, networkNamespace, frameSize: 256, receiveBufferSize: 8192, noOverrunErrors: true }),
}
if (uringUnavailable === undefined) {
  for (const kernelThread of [false, true]) {
    transports[kernelThread ? 'ring with a kernel thread' : 'ring'] = async (networkNamespace) =>
      openUring({
        ...{ protocol: ROUTE, networkNamespace, frameSize: 256, receiveBufferSize: 8192 },
        frames: 16,
        kernelThread,
      })
  }
}

describe.skipIf(kernelUnavailable)(kernelTests('a drop at the end of a burst'), () => {
  describe.each(Object.entries(transports))('over a %s', (_, open) => {
    test.each([0, 1, 7])('is counted at close, to the message, after %i batches', async (batches) => {
      await using namespace = await Namespace.open()
      const transport = await open(namespace.path)
      let reported = 0
      transport.events.on('overrun', (lost) => {
        reported += lost
      })
      commitNoops(transport, REQUESTS)
      transport.outbox.flush()
      for (let count = 0; count < batches; count++) transport.poll()?.release()
      commitNoops(transport, REQUESTS)
      transport.outbox.flush()
      const drops = dropsInTable(transport.readProcNet('netlink'), ROUTE, transport.portId)
      expect(drops).toBeGreaterThan(0)
      expect(transport.capabilities.exactLoss).toBe(true)
      await transport.close()
      expect(transport.stats.lost).toBe(drops)
      expect(reported).toBe(drops)
    })
  })
})
