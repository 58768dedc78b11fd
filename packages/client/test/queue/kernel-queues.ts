/** Queues of the real kernel: each test has a namespace of its own, in which PORT has a listener. */

import { Namespace } from '@ringlink/test-support/namespace'
import type { Transport, TransportNeeds } from '@ringlink/transport'
import { openSocket, type SocketOptions } from '@ringlink/transport-socket'
import { afterEach, beforeEach } from 'vitest'
import { openQueue, type Queue, type QueueOptions, type QueuePacket, type RuleMatch } from '../../src/index.ts'

export const PORT = 9000
export const UDP: RuleMatch = { protocol: 'udp', destinationPort: PORT }

/** What each test of a `describe` gets; call {@link KernelQueues.use} in it. */
export class KernelQueues {
  #namespace: Namespace | undefined
  #queues: Queue[] = []

  static use(): KernelQueues {
    const kernel = new KernelQueues()
    beforeEach(async () => {
      kernel.#namespace = await Namespace.open()
      await kernel.namespace.listen(PORT)
    })
    afterEach(async () => {
      for (const queue of kernel.#queues) await queue.close()
      kernel.#queues = []
      await kernel.namespace.close()
    })
    return kernel
  }

  get namespace(): Namespace {
    if (this.#namespace === undefined) throw new Error('a namespace exists only during a test')
    return this.#namespace
  }

  /** Opens a socket in the namespace, as `transport` of a queue. */
  socket(options: Partial<SocketOptions> = {}): (needs: TransportNeeds) => Promise<Transport> {
    return (needs) => openSocket({ ...needs, networkNamespace: this.namespace.path, ...options })
  }

  /** Opens a queue that is closed after the test. */
  async open(options: Partial<QueueOptions> = {}): Promise<Queue> {
    const queue = await openQueue({ number: 5, transport: this.socket(), ...options })
    this.#queues.push(queue)
    return queue
  }
}

/** Answers packets as `decide` does until `count` have come. */
export async function answer(queue: Queue, count: number, decide: (packet: QueuePacket) => void): Promise<void> {
  let seen = 0
  for await (const packets of queue) {
    for (const packet of packets) {
      decide(packet)
      seen++
    }
    if (seen >= count) break
  }
}
