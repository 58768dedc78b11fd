/** No wake-up is lost between silence and burst, on io_uring. */

import { loadNative } from '@ringlink/native'
import { alternate, BurstPeer, wakeRounds } from '@ringlink/test-support/bursts'
import { Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openUring } from '../../src/uring/open-uring.ts'
import { withoutDeferredWork } from './support/cooperative.ts'
import { uringUnavailable } from './support/fixture.ts'

const ROUTE = 0

const modes = {
  'deferred work': { native: loadNative(), options: {} },
  'cooperative work, as on 6.0': { native: withoutDeferredWork(loadNative()), options: {} },
  'a thread of the kernel': { native: loadNative(), options: { kernelThread: true } },
}

const title = `no wake-up is lost in ${wakeRounds} rounds of silence and burst`
describe.skipIf(uringUnavailable !== undefined)(
  uringUnavailable === undefined ? title : `${title} (skipped: ${uringUnavailable})`,
  () => {
    let namespace: Namespace
    beforeAll(async () => {
      namespace = await Namespace.open()
    })
    afterAll(() => namespace?.close())

    test.each(Object.entries(modes))('by a ring with %s', async (_, { native, options }) => {
      await using transport = openUring(
        {
          protocol: ROUTE,
          networkNamespace: namespace.path,
          frameSize: 256,
          frames: 64,
          foreignSenders: true,
          ...options,
        },
        native,
      )
      await using peer = BurstPeer.open(namespace, ROUTE, transport.portId)
      await alternate(transport, peer, wakeRounds, 2)
      expect(transport.stats.wakeups).toBeGreaterThanOrEqual(wakeRounds / 2)
    })
  },
)
