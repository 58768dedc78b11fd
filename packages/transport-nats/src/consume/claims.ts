import { randomBytes } from 'node:crypto'
import { DiscardPolicy } from '@nats-io/jetstream'
import { type JetStreamServer, REQUEST_TIMEOUT } from '../server.ts'

/** Milliseconds for which claims are kept: far longer than a server can forget a delivery. */
const KEPT = 600_000
/** Bytes of the stream of claims; a message has two records of about 150. */
const MAXIMUM_BYTES = 64 * 1024 * 1024
/** Milliseconds before a claim is repeated that the server has not answered. */
const REPEAT_WAIT = 250
const NANOSECONDS = 1_000_000
/** Messages of other programs that are remembered. */
const REMEMBERED = 16_384

/** What is stored for a message that was processed. */
const DONE = 'done'

/** The text of the record that is stored under an id. */
interface Stored {
  readonly text: string | undefined
}

/** Whose a message is: this program's, for now another one's, or nobody's any more because it was processed. */
export type Claim = 'mine' | 'other' | 'done'

/**
 * Which program of those that share a consumer has a message, in a stream of its own: a server that is killed forgets
 * what it has delivered in its last moments, but nothing that it has stored. Of several records with one id the first
 * is stored, the others are duplicates of it. A message has a record for its first program, and one for each turn:
 * either that the program has processed it, or that another one has taken it over.
 */
export class Claims {
  readonly #server: JetStreamServer
  readonly #stream: string
  readonly #consumer: string
  readonly #takeOver: number
  // This program, as its claims say.
  readonly #name = randomBytes(8).toString('hex')
  // The turn of each message of this program.
  readonly #turns = new Map<string, number>()
  // What waits for an answer, or for the next attempt: each ends it, and the record is sent again.
  readonly #attempts = new Set<(stored?: Stored) => void>()
  // Of messages of other programs: when they came here, and the turn at which they can be taken over.
  readonly #others = new Map<string, { readonly since: number; readonly turn: number }>()

  /**
   * @param takeOver milliseconds after which a message that came here and stays unacknowledged is taken from its
   * program
   */
  constructor(server: JetStreamServer, stream: string, consumer: string, takeOver: number) {
    this.#server = server
    this.#stream = claimsStream(stream)
    this.#consumer = consumer
    this.#takeOver = takeOver
  }

  /** Claims a message. Waits for a server that is gone. */
  async claim(id: string): Promise<Claim> {
    const { since, turn } = this.#others.get(id) ?? { since: Number.NEGATIVE_INFINITY, turn: 0 }
    if (performance.now() - since < this.#takeOver) return 'other'
    const owner = await this.#store(turn === 0 ? id : `${id} ${turn}`, this.#name)
    if (owner === DONE) return 'done'
    if (owner === this.#name) {
      this.#turns.set(id, turn + 1)
      this.#others.delete(id)
      return 'mine'
    }
    this.#others.set(id, { since: performance.now(), turn: turn + 1 })
    if (this.#others.size > REMEMBERED) this.#forgetOldest()
    return 'other'
  }

  /**
   * Stores that a message of this program was processed: no other one takes it over. Waits for a server that is gone.
   */
  async end(id: string): Promise<void> {
    await this.#store(`${id} ${this.#turns.get(id) ?? 1}`, DONE)
    this.#turns.delete(id)
  }

  /**
   * Sends all records again that are not known to be stored, after the connection broke: the client awaits answers to
   * what it sent on the one before until they time out.
   */
  repeat(): void {
    for (const end of [...this.#attempts]) end()
  }

  /**
   * Stores a record, unless there is one. Resolves to the text of the one that is stored, or to none once the
   * connection is closed.
   */
  async #store(key: string, text: string): Promise<string | undefined> {
    while (!this.#server.connection.isClosed()) {
      const stored = await this.#attempt(key, text)
      if (stored !== undefined) return stored.text
    }
    return undefined
  }

  /** Resolves to none if it is time for the next attempt: the server is gone, or just starts. */
  #attempt(key: string, text: string): Promise<Stored | undefined> {
    return new Promise((resolve) => {
      const end = (stored?: Stored) => {
        this.#attempts.delete(end)
        resolve(stored)
      }
      this.#attempts.add(end)
      this.#tryToStore(key, text).then(
        (stored) => end({ text: stored }),
        () => setTimeout(end, REPEAT_WAIT),
      )
    })
  }

  async #tryToStore(key: string, text: string): Promise<string | undefined> {
    const { client, manager } = this.#server
    const subject = `${this.#stream}.${this.#consumer}`
    const { duplicate, seq } = await client.publish(subject, text, {
      ...{ msgID: `${this.#consumer} ${key}`, timeout: REQUEST_TIMEOUT, expect: { streamName: this.#stream } },
    })
    return duplicate ? (await manager.streams.getMessage(this.#stream, { seq }))?.string() : text
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
