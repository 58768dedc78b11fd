import { kernelTests, Namespace } from '@ringlink/test-support/namespace'
import { expect, test } from 'vitest'
import { openSocket } from '../src/index.ts'
import { alternate, BurstPeer, wakeRounds } from './support/bursts.ts'
import { NETLINK_ROUTE } from './support/fixture.ts'
import { peerUnavailable } from './support/peer.ts'

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
