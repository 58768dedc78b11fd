/** The conformance suite of transports, on a real server. */

import { connect, type NatsConnection } from '@nats-io/transport-node'
import {
  decorated,
  describeTransport,
  type Fixture,
  type OpenFixtureOptions,
  type Peer,
  withoutEffect,
} from '@ringlink/transport/conformance'
import { afterAll, beforeAll } from 'vitest'
import {
  type Envelope,
  envelopeLength,
  FRAME_DESCRIPTION,
  frameSpace,
  writeEnvelope,
  writeFrameDescription,
} from '../src/envelope.ts'
import type { NatsTransport } from '../src/index.ts'
import { newStream, openConsumer, until } from './support/fixture.ts'
import { serverUnavailable, TestServer } from './support/server.ts'

let server: TestServer
let connection: NatsConnection

if (serverUnavailable === undefined) {
  beforeAll(async () => {
    server = await TestServer.open()
    connection = await connect({ servers: server.address })
  })
  afterAll(async () => {
    await connection.close()
    await server[Symbol.asyncDispose]()
  })
}

/** Bytes of payload in one NATS message. */
const MESSAGE = 4096

/** A host that publishes, and waits until its frames are at the consumer. */
class StreamPeer implements Peer {
  readonly #transport: NatsTransport
  readonly #subject: string
  #next = 0
  #received = 0

  constructor(transport: NatsTransport, subject: string) {
    this.#transport = transport
    this.#subject = subject
  }

  async deliver(messages: readonly Uint8Array[]): Promise<void> {
    await this.#publish(messages, 0)
  }

  async lose(count: number): Promise<void> {
    await this.#publish([], count)
  }

  async #publish(frames: readonly Uint8Array[], lost: number): Promise<void> {
    let rest = frames
    do {
      let space = 0
      let count = 0
      for (const frame of rest) {
        space += frameSpace(frame.length)
        if (count > 0 && space > MESSAGE) break
        count++
      }
      this.#send(rest.slice(0, count), lost)
      rest = rest.slice(count)
    } while (rest.length > 0)
    await until(() => this.#transport.deliveries.received >= this.#received)
  }

  #send(frames: readonly Uint8Array[], lost: number): void {
    const bodyLength = frames.reduce((sum, { length }) => sum + frameSpace(length), 0)
    const envelope: Envelope = {
      ...{ byteOrder: 'little', compression: 'none', protocol: 12, host: 'peer', run: '00000000000000aa' },
      ...{ bootId: '00000000-0000-0000-0000-000000000000', first: this.#next, last: this.#next + frames.length - 1 },
      ...{ messages: frames.length, bodyLength, lost, droppedFrames: 0, droppedMessages: 0 },
    }
    const bytes = new Uint8Array(envelopeLength('peer') + bodyLength)
    let at = writeEnvelope(bytes, envelope)
    const view = new DataView(bytes.buffer)
    for (const frame of frames) {
      writeFrameDescription(view, at, frame.length, frame.length, 0)
      bytes.set(frame, at + FRAME_DESCRIPTION)
      at += frameSpace(frame.length)
    }
    this.#next += frames.length
    // A message without frames has the number of the one that follows it.
    if (frames.length === 0) this.#next++
    this.#received++
    connection.publish(this.#subject, bytes)
  }
}

async function open(_: OpenFixtureOptions): Promise<Fixture> {
  const stream = await newStream(server)
  const transport = await openConsumer(server, { stream, frameSize: 256, batchSize: 4, liveBatches: 3, prefetch: 64 })
  return {
    transport,
    peer: new StreamPeer(transport, `${stream}.peer`),
    openRounds: 20,
    // The connection to the server closes after the transport, and only then its descriptor.
    close: async () => {
      await transport.close()
      await transport.closed
    },
  }
}

const noKernel = 'frames come from a stream: there is no kernel to send to'

const cannot = {
  groups: 'a joined group selects what is given out of the stream, also of what was published before',
  foreign: 'the host publishes only what its transport delivers, and that drops frames of other senders',
  sent: noKernel,
  partialSend: noKernel,
  answers: noKernel,
}

describeTransport('nats', { open, cannot, unavailable: serverUnavailable })

describeTransport('all faults, none of which happens, around nats', {
  open: decorated(open, Object.values(withoutEffect)),
  cannot,
  unavailable: serverUnavailable,
})
