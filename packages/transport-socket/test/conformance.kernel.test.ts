/** The conformance suite on a real socket. */

import { cannot, NETLINK_ROUTE } from '@ringlink/test-support/kernel-peer'
import { Namespace } from '@ringlink/test-support/namespace'
import { peerUnavailable, SocketPeer } from '@ringlink/test-support/socket-peer'
import { describeTransport, type OpenFixture } from '@ringlink/transport/conformance'
import {
  corrupt,
  delay,
  drop,
  duplicate,
  overrun,
  reorder,
  shortSend,
  truncate,
  withFaults,
} from '@ringlink/transport/faults'
import { afterAll, beforeAll } from 'vitest'
import { socketFixture } from './support/fixture.ts'

let namespace: Namespace
let peer: SocketPeer
beforeAll(async () => {
  if (peerUnavailable !== undefined) return
  namespace = await Namespace.open()
  peer = await SocketPeer.open(namespace, NETLINK_ROUTE)
})
afterAll(async () => {
  await peer?.[Symbol.asyncDispose]()
  await namespace?.close()
})

const openSocketFixture = socketFixture(
  () => namespace,
  () => peer,
)

describeTransport('a socket', { open: openSocketFixture, cannot, unavailable: peerUnavailable })

const never = { probability: 0 }

/** Faults that never happen, around a socket, except sends that fall short when a case requests it. */
const openFaulty: OpenFixture = async (options) => {
  const { transport, peer } = await openSocketFixture(options)
  let limit = Number.POSITIVE_INFINITY
  const takeLimit = () => {
    const taken = limit
    limit = Number.POSITIVE_INFINITY
    return taken
  }
  const faults = [
    drop(never),
    duplicate(never),
    reorder(never),
    truncate(never),
    corrupt(never),
    delay({ ...never, batches: 1 }),
    overrun(never),
    shortSend({ limit: takeLimit }),
  ]
  const faulty = withFaults(transport, faults, { seed: 1 })
  const limitSend = (commits: number) => {
    limit = commits
  }
  return { transport: faulty, peer: Object.assign(peer, { limitSend }), close: () => faulty.close() }
}

const { partialSend: _, ...cannotFaulty } = cannot
describeTransport('faults around a socket', { open: openFaulty, cannot: cannotFaulty, unavailable: peerUnavailable })
