import { ReferenceTransport } from '@ringlink/transport/conformance'
import {
  createStream,
  type NatsOptions,
  openNats,
  type Publisher,
  type PublishOptions,
  publish,
} from '../../src/index.ts'
import type { StreamOptions } from '../../src/stream.ts'
import type { TestServer } from './server.ts'

/** Bytes of the streams of tests. */
export const STREAM_BYTES = 16 * 1024 * 1024

let streams = 0

/** A stream of a test's own. Returns its name. */
export async function newStream(server: TestServer, options: Partial<StreamOptions> = {}): Promise<string> {
  const stream = `S${++streams}`
  await createStream({ servers: server.address, stream, maximumBytes: STREAM_BYTES, storage: 'memory', ...options })
  return stream
}

/** A host: a transport whose kernel is an array, and what publishes its frames. */
export class TestHost implements AsyncDisposable {
  readonly transport: ReferenceTransport
  readonly publisher: Publisher

  private constructor(transport: ReferenceTransport, publisher: Publisher) {
    this.transport = transport
    this.publisher = publisher
  }

  static async open(
    server: TestServer,
    options: Pick<PublishOptions, 'stream'> & Partial<PublishOptions>,
  ): Promise<TestHost> {
    const transport = new ReferenceTransport(
      { sizes: { frameSize: 2048, batchSize: 16, slabs: 4 } },
      (bytes) => bytes.length,
    )
    return new TestHost(transport, await publish(transport, { servers: server.address, delay: 5, ...options }))
  }

  /** Has its kernel deliver datagrams. */
  deliver(...datagrams: Uint8Array[]): void {
    for (const bytes of datagrams) this.transport.queue.push({ bytes, portId: 0, groups: 0 })
    this.transport.notify()
  }

  /** Has its kernel drop datagrams. */
  lose(count: number): void {
    this.transport.dropped += count
    this.transport.notify()
  }

  /** Resolves when the server has everything. */
  async stored(): Promise<void> {
    await until(() => this.transport.queue.length === 0 && this.publisher.pendingFrames === 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.publisher.close()
    await this.transport.close()
  }
}

export function openConsumer(server: TestServer, options: Pick<NatsOptions, 'stream'> & Partial<NatsOptions>) {
  return openNats({ servers: server.address, poison: true, ...options })
}

/** Resolves once a condition holds; the time of the test bounds it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** A datagram like no other. */
export function numbered(index: number): Uint8Array {
  const bytes = new Uint8Array(1500)
  new DataView(bytes.buffer).setUint32(0, index)
  return bytes
}
