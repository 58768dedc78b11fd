import { Errno } from '@ringlink/codec/errors'
import { align4 } from '@ringlink/codec/memory'
import type { Fixture, OpenFixture, Peer } from './fixture.ts'
import { type ReferenceOptions, ReferenceTransport } from './reference.ts'

/** The port id of other senders. */
const FOREIGN_PORT = 4242
const ANSWER = new TextEncoder().encode('answer: ')

/** The peer of a {@link ReferenceTransport}. Its requests begin with their length, so that it can separate them. */
export class ReferencePeer implements Peer {
  readonly transport: ReferenceTransport
  #arrived: Uint8Array[] = []
  #limit = Number.POSITIVE_INFINITY

  constructor(
    options: ReferenceOptions = {},
    makeTransport: (transmit: (bytes: Uint8Array) => number) => ReferenceTransport = (transmit) =>
      new ReferenceTransport(options, transmit),
  ) {
    this.transport = makeTransport((bytes) => this.#take(bytes))
  }

  deliver(messages: readonly Uint8Array[]): void {
    this.#push(messages, 0, 0)
  }

  deliverForeign(messages: readonly Uint8Array[]): void {
    this.#push(messages, FOREIGN_PORT, 0)
  }

  deliverToGroup(group: number, message: Uint8Array): void {
    if (this.transport.groups.has(group)) this.#push([message], 0, (1 << (group - 1)) >>> 0)
  }

  lose(count: number): void {
    this.transport.dropped += count
    this.transport.notify()
  }

  request(index: number, byteLength: number): Uint8Array {
    const request = Uint8Array.from({ length: byteLength }, (_, at) => index * 41 + at * 7 + 3)
    new DataView(request.buffer).setUint32(0, byteLength, true)
    return request
  }

  sent(): readonly Uint8Array[] {
    return this.#arrived.splice(0)
  }

  answered(message: Uint8Array): Uint8Array | undefined {
    return ANSWER.every((byte, at) => message[at] === byte) ? message.slice(ANSWER.length) : undefined
  }

  limitSend(commits: number): void {
    this.#limit = commits
  }

  #push(messages: readonly Uint8Array[], portId: number, groups: number): void {
    for (const bytes of messages) this.transport.queue.push({ bytes: bytes.slice(), portId, groups })
    this.transport.notify()
  }

  #take(bytes: Uint8Array): number {
    const limit = this.#limit
    this.#limit = Number.POSITIVE_INFINITY
    let taken = 0
    for (let count = 0; count < limit && taken < bytes.length; count++) {
      const length = new DataView(bytes.buffer).getUint32(taken, true)
      // The kernel ignores bytes that are not a message, too.
      if (length < 16 || taken + length > bytes.length) return bytes.length
      const request = bytes.slice(taken, taken + length)
      this.#arrived.push(request)
      this.deliver([Uint8Array.from([...ANSWER, ...request])])
      taken += align4(length)
    }
    return taken === 0 ? -Errno.EAGAIN : taken
  }
}

/** Opens the reference transport for the suite. */
export const openReference: OpenFixture = ({ foreign }) =>
  referenceFixture(new ReferencePeer({ foreignSenders: foreign === 'delivered' }))

/** A fixture for another reference transport. */
export function referenceFixture(peer: ReferencePeer): Fixture {
  return { transport: peer.transport, peer, close: () => peer.transport.close() }
}
