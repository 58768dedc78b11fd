import { randomBytes } from 'node:crypto'
import { DiscardPolicy } from '@nats-io/jetstream'
import { type JetStreamServer, REQUEST_TIMEOUT } from '../server.ts'

/** Milliseconds for which claims are kept: far longer than a server can forget a delivery. */
const KEPT = 600_000
/** Bytes of the stream of claims; one takes about 150. */
const MAXIMUM_BYTES = 64 * 1024 * 1024
/** Milliseconds before a claim is repeated that the server has not answered. */
const REPEAT_WAIT = 250
const NANOSECONDS = 1_000_000
/** Messages of other programs that are remembered. */
const REMEMBERED = 16_384

/**
 * Which program of those that share a consumer has a message, in a stream of its own: a server that is killed forgets what
 * it has delivered in its last moments, but nothing that it has stored. The first claim of a message is stored, others are
 * duplicates of it.
 */
export class Claims {
  readonly #server: JetStreamServer
  readonly #stream: string
  readonly #consumer: string
  readonly #takeOver: number
  // This program, as its claims say.
  readonly #name = randomBytes(8).toString('hex')
  // When a message of another program came here first, by its id.
  readonly #others = new Map<string, number>()

  /** @param takeOver milliseconds after which a message that came here and stays unacknowledged is taken from its program */
  constructor(server: JetStreamServer, stream: string, consumer: string, takeOver: number) {
    this.#server = server
    this.#stream = claimsStream(stream)
    this.#consumer = consumer
    this.#takeOver = takeOver
  }

  /** Claims a message. Resolves to whether it is for this program; waits for a server that is gone. */
  async claim(id: string): Promise<boolean> {
    const since = this.#others.get(id)
    if (since !== undefined) return performance.now() - since >= this.#takeOver
    for (;;) {
      if (this.#server.connection.isClosed()) return false
      try {
        return await this.#ask(id)
      } catch {
        // The server is gone, or just starts.
        await new Promise((resolve) => setTimeout(resolve, REPEAT_WAIT))
      }
    }
  }

  async #ask(id: string): Promise<boolean> {
    const { client, manager } = this.#server
    const subject = `${this.#stream}.${this.#consumer}`
    const { duplicate, seq } = await client.publish(subject, this.#name, {
      ...{ msgID: `${this.#consumer} ${id}`, timeout: REQUEST_TIMEOUT, expect: { streamName: this.#stream } },
    })
    if (!duplicate) return true
    const first = await manager.streams.getMessage(this.#stream, { seq })
    if (first?.string() === this.#name) return true
    this.#others.set(id, performance.now())
    if (this.#others.size > REMEMBERED) this.#forgetOldest()
    return false
  }

  #forgetOldest(): void {
    for (const id of this.#others.keys()) {
      this.#others.delete(id)
      return
    }
  }
}

/** Creates the stream of claims, if it is missing. Rejects as the client does. */
export async function createClaims({ manager }: JetStreamServer, stream: string): Promise<void> {
  const claims = claimsStream(stream)
  await manager.streams.add({
    ...{ name: claims, subjects: [`${claims}.>`], max_bytes: MAXIMUM_BYTES, discard: DiscardPolicy.Old },
    ...{ max_age: KEPT * NANOSECONDS, duplicate_window: KEPT * NANOSECONDS },
  })
}

function claimsStream(stream: string): string {
  return `${stream}_CLAIMS`
}
