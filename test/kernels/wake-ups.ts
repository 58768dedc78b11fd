// Alternates silence and bursts on every transport of the kernel that runs here, for a machine on which vitest is too
// slow.

import { loadNative } from '@ringlink/native'
import { alternate, BurstPeer } from '@ringlink/test-support/bursts'
import { Namespace } from '@ringlink/test-support/namespace'
import { openUring, type UringOptions } from '@ringlink/transport-mmap'
import { openSocket } from '@ringlink/transport-socket'
import { withoutDeferredWork } from '../../packages/transport-mmap/test/uring/support/cooperative.ts'

const ROUTE = 0
const rounds = Number(process.env.ROUNDS ?? 1000)

const namespace = await Namespace.open()
const options: UringOptions = {
  protocol: ROUTE,
  networkNamespace: namespace.path,
  frameSize: 256,
  foreignSenders: true,
}
const opens = {
  socket: () => openSocket(options),
  deferred: () => openUring({ ...options, frames: 64 }),
  cooperative: () => openUring({ ...options, frames: 64 }, withoutDeferredWork(loadNative())),
  thread: () => openUring({ ...options, frames: 64, kernelThread: true }),
}
for (const [name, open] of Object.entries(opens)) {
  const start = performance.now()
  await using transport = await open()
  await using peer = BurstPeer.open(namespace, ROUTE, transport.portId)
  await alternate(transport, peer, rounds, 3)
  console.log(`${name}: ${rounds} rounds, ${Math.round(performance.now() - start)} ms`)
}
await namespace.close()
