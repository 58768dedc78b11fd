import { KernelPeer, NETLINK_ROUTE, OVERRUN_GROUP } from '@ringlink/test-support/kernel-peer'
import type { Namespace } from '@ringlink/test-support/namespace'
import { repetitions } from '@ringlink/test-support/patience'
import type { SocketPeer } from '@ringlink/test-support/socket-peer'
import type { Fixture, OpenFixture } from '@ringlink/transport/conformance'
import { openSocket } from '../../src/index.ts'

/**
 * A real socket of NETLINK_ROUTE. Another process of the same namespace sends its messages, so it is opened for foreign
 * senders, except in cases about those; the kernel answers its requests.
 */
export function socketFixture(namespace: () => Namespace, other: () => SocketPeer): OpenFixture {
  return async ({ foreign }): Promise<Fixture> => {
    const transport = await openSocket({
      protocol: NETLINK_ROUTE,
      networkNamespace: namespace().path,
      frameSize: 1024,
      batchSize: 4,
      liveBatches: 3,
      outboxSize: 1024,
      receiveBufferSize: 64 * 1024,
      groups: [OVERRUN_GROUP],
      extendedAck: false,
      cappedAck: false,
      foreignSenders: foreign !== 'dropped',
    })
    return {
      transport,
      peer: new KernelPeer(transport, other()),
      openRounds: repetitions(2000),
      close: () => transport.close(),
    }
  }
}
