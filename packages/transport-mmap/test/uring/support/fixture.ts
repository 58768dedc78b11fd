import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { KernelPeer, NETLINK_ROUTE } from '@ringlink/test-support/kernel-peer'
import type { Namespace } from '@ringlink/test-support/namespace'
import { repetitions } from '@ringlink/test-support/patience'
import { peerUnavailable, type SocketPeer } from '@ringlink/test-support/socket-peer'
import type { Fixture, OpenFixture, Peer } from '@ringlink/transport/conformance'
import { openUring } from '../../../src/uring/open-uring.ts'
import { probeUring } from '../../../src/uring/probe.ts'

/** A group to which nothing is sent in a fresh namespace. */
const OVERRUN_GROUP = 30

/** Why rings of io_uring cannot be tried here; `undefined` when they can. */
export const uringUnavailable: string | undefined = peerUnavailable ?? (await noRing())

async function noRing(): Promise<string | undefined> {
  const probe = await probeUring()
  return probe.works ? undefined : `${probe.step}: ${probe.reason}`
}

/**
 * A ring on a real socket of NETLINK_ROUTE, whose messages are sent by another process, as in the test of the socket.
 */
export function uringFixture(
  namespace: () => Namespace,
  other: () => SocketPeer,
  options: { kernelThread?: boolean } = {},
): OpenFixture {
  return async ({ foreign }): Promise<Fixture> => {
    const transport = openUring({
      protocol: NETLINK_ROUTE,
      networkNamespace: namespace().path,
      frameSize: 1024,
      frames: 16,
      batchSize: 4,
      outboxSize: 1024,
      receiveBufferSize: 64 * 1024,
      groups: [OVERRUN_GROUP],
      extendedAck: false,
      cappedAck: false,
      foreignSenders: foreign !== 'dropped',
      ...options,
    })
    const peer = new KernelPeer(transport, other())
    return {
      transport,
      peer: options.kernelThread === true ? threadPeer(peer) : peer,
      // Closing a ring waits for the kernel, and some milliseconds for its thread.
      openRounds: repetitions(options.kernelThread === true ? 50 : 500),
      close: () => transport.close(),
    }
  }
}

/** A peer that waits until the kernel thread has received what was sent: a socket has it at once, the thread later. */
function threadPeer(peer: KernelPeer): Peer {
  // A send wakes the thread before it returns, and the thread sleeps again only when it has no more work.
  const taken = async () => {
    while (kernelThreadStates().some((state) => state !== 'S')) await setImmediate()
  }
  const deliver = async (messages: readonly Uint8Array[]) => {
    await peer.deliver(messages)
    await taken()
  }
  return {
    deliver,
    deliverForeign: deliver,
    async deliverToGroup(group, message) {
      await peer.deliverToGroup(group, message)
      await taken()
    },
    async lose(count) {
      await peer.lose(count)
      await taken()
    },
    request: (index, byteLength) => peer.request(index, byteLength),
    answered: (message) => peer.answered(message),
    async sent() {
      await taken()
      return peer.sent()
    },
  }
}

/**
 * The states of this process's kernel threads for rings (`proc(5)`; S: sleeps, waiting for work). Found by their rings,
 * because a thread gives itself its name only once it runs.
 */
function kernelThreadStates(): string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    if (!isRing(descriptor)) return []
    const thread = /^SqThread:\s*(-?\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1]
    // The kernel leaves the line out while the thread has the ring.
    if (thread === undefined) return ['R']
    if (Number(thread) < 0) return []
    const [, state = ''] = /\) (.)/.exec(readFileSync(`/proc/self/task/${thread}/stat`, 'utf8')) ?? []
    return [state]
  })
}

function isRing(descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`) === 'anon_inode:[io_uring]'
  } catch {
    return false // that of the listing itself
  }
}
