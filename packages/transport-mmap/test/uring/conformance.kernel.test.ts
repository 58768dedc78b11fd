/** The conformance suite on io_uring. */

import { cannot, NETLINK_ROUTE } from '@ringlink/test-support/kernel-peer'
import { Namespace } from '@ringlink/test-support/namespace'
import { SocketPeer } from '@ringlink/test-support/socket-peer'
import { describeTransport } from '@ringlink/transport/conformance'
import { afterAll, beforeAll } from 'vitest'
import { uringFixture, uringUnavailable } from './support/fixture.ts'

let namespace: Namespace
let peer: SocketPeer
beforeAll(async () => {
  if (uringUnavailable !== undefined) return
  namespace = await Namespace.open()
  peer = await SocketPeer.open(namespace, NETLINK_ROUTE)
})
afterAll(async () => {
  await peer?.[Symbol.asyncDispose]()
  await namespace?.close()
})

const open = (options: { kernelThread?: boolean }) =>
  uringFixture(
    () => namespace,
    () => peer,
    options,
  )

describeTransport('a ring of io_uring', { open: open({}), cannot, unavailable: uringUnavailable })

describeTransport('a ring of io_uring that the kernel has a thread for', {
  open: open({ kernelThread: true }),
  cannot,
  unavailable: uringUnavailable,
})
