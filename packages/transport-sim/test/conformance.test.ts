/** The conformance suite on simulated sockets. */

import { setImmediate } from 'node:timers/promises'
import {
  alternate,
  decorated,
  describeTransport,
  limitingSends,
  type OpenFixture,
  type Peer,
  withoutEffect,
} from '@ringlink/transport/conformance'
import { expect, test } from 'vitest'
import { DATABASE_PROTOCOL, SimKernel, type SimTransport } from '../src/index.ts'
import { cannot, fixtures, transmitRing } from './rings/support.ts'

const FOREIGN_PORT = 4242
/** Most messages in the receive queue: its buffer holds more than twice that, of those that the suite sends. */
const WAITING = 48
const UNKNOWN_TYPE = 99
const ERROR_TYPE = 2
const REQUEST_AND_ACKNOWLEDGE = 5
/** Length of an answer's header and errno, before the request that it repeats. */
const ANSWER_LENGTH = 20

/**
 * The kernel at the other end of one socket. Its database answers any request of an unknown type with an error that
 * repeats it.
 */
class KernelPeer implements Peer {
  readonly transport: SimTransport
  readonly #kernel = new SimKernel()
  // Messages that got into the receive queue, and whether one did not since it was empty last.
  #arrived = 0
  #congested = false
  #closed = false

  constructor(foreignSenders: boolean) {
    this.transport = this.#kernel.open({
      protocol: DATABASE_PROTOCOL,
      frameSize: 256,
      batchSize: 4,
      liveBatches: 4,
      outboxSize: 1024,
      receiveBufferSize: 128 * 1024,
      extendedAck: false,
      cappedAck: false,
      foreignSenders,
    })
    this.transport.events.on('close', () => {
      this.#closed = true
    })
  }

  async deliver(messages: readonly Uint8Array[], from = 0): Promise<void> {
    for (const bytes of messages) {
      while (!this.#closed && this.#waiting >= (this.#congested ? 1 : WAITING)) await setImmediate()
      this.#congested = false
      if (!this.#closed) this.#put(bytes, from)
    }
  }

  deliverForeign(messages: readonly Uint8Array[]): Promise<void> {
    return this.deliver(messages, FOREIGN_PORT)
  }

  deliverToGroup(group: number, bytes: Uint8Array): void {
    this.#kernel.multicast(DATABASE_PROTOCOL, group, bytes)
  }

  lose(count: number): void {
    for (let lost = 0; lost < count; ) if (!this.#put(Uint8Array.of(1, 2, 3), 0)) lost++
    this.#congested = true
  }

  request(index: number, byteLength: number): Uint8Array {
    const request = Uint8Array.from({ length: byteLength }, (_, at) => index * 41 + at * 7 + 3)
    new Uint32Array(request.buffer, 0, 1)[0] = byteLength
    new Uint16Array(request.buffer, 4, 2).set([UNKNOWN_TYPE, REQUEST_AND_ACKNOWLEDGE])
    return request
  }

  sent(): readonly Uint8Array[] {
    const requests: Uint8Array[] = []
    for (let batch = this.transport.poll(); batch !== undefined; batch = this.transport.poll()) {
      for (const { offset, byteLength } of batch) {
        const request = this.answered(batch.memory.copy(offset, byteLength))
        if (request !== undefined) requests.push(request)
      }
      batch.release()
    }
    return requests
  }

  answered(message: Uint8Array): Uint8Array | undefined {
    const [type] = new Uint16Array(message.slice(4, 6).buffer)
    if (type !== ERROR_TYPE) return undefined
    // The kernel pads what it repeats.
    const request = message.slice(ANSWER_LENGTH)
    return request.subarray(0, new Uint32Array(request.buffer, 0, 1)[0])
  }

  get #waiting(): number {
    const { frames, foreign } = this.transport.stats
    return this.#arrived - frames - foreign
  }

  #put(bytes: Uint8Array, from: number): boolean {
    const arrived = this.#kernel.unicast(DATABASE_PROTOCOL, this.transport.portId, bytes, from)
    if (arrived) this.#arrived++
    return arrived
  }
}

const openPlain: OpenFixture = ({ foreign }) => {
  const peer = new KernelPeer(foreign === 'delivered')
  return { transport: peer.transport, peer, close: () => peer.transport.close() }
}
const opens: Record<string, OpenFixture> = {
  'a simulated socket': openPlain,
  'a ring': fixtures({}, {}),
  'a ring that holds, with a transmit ring': fixtures({}, { holdLimit: 8, ...transmitRing }),
}

describeTransport('a simulated socket', { open: openPlain, cannot })

test('a simulated socket loses no wake-up in 10,000 rounds of silence and burst', async () => {
  const fixture = await openPlain({})
  await alternate(fixture, 10_000, 5)
  expect(fixture.transport.stats.wakeups).toBeGreaterThanOrEqual(2500)
  await fixture.close()
}, 120_000)

for (const [what, open] of Object.entries(opens)) {
  for (const [name, fault] of Object.entries(withoutEffect)) {
    describeTransport(`${name}, which never happens, around ${what},`, { open: decorated(open, [fault]), cannot })
  }
  describeTransport(`all faults, none of which happens, around ${what},`, {
    open: decorated(limitingSends(open), Object.values(withoutEffect)),
  })
}
