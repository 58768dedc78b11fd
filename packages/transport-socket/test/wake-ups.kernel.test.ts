/** No wake-up is lost between silence and burst, on a real socket. */

import { alternate, BurstPeer, wakeRounds } from '@ringlink/test-support/bursts'
import { NETLINK_ROUTE } from '@ringlink/test-support/kernel-peer'
import { kernelTests, Namespace } from '@ringlink/test-support/namespace'
import { peerUnavailable } from '@ringlink/test-support/socket-peer'
import { expect, test } from 'vitest'
import { openSocket } from '../src/index.ts'

test.skipIf(peerUnavailable !== undefined)(
  kernelTests(`a socket loses no wake-up in ${wakeRounds} rounds of silence and burst`),
  async () => {
    await using namespace = await Namespace.open()
    await using transport = await openSocket({
      protocol: NETLINK_ROUTE,
      networkNamespace: namespace.path,
      frameSize: 256,
      foreignSenders: true,
    })
    await using peer = BurstPeer.open(namespace, NETLINK_ROUTE, transport.portId)
    await alternate(transport, peer, wakeRounds, 1)
    expect(transport.stats.wakeups).toBeGreaterThanOrEqual(wakeRounds / 2)
  },
)
