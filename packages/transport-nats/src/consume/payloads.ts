import type { NatsConnection } from '@nats-io/transport-node'

/** Bytes: memory is made in multiples of it, so that messages of about the same size share it. */
const GRANULE = 64 * 1024

/** What the client's parser collects a message in that comes in several parts. */
interface Collected {
  readonly length: number
  bytes(options: { readonly copy: boolean }): Uint8Array
  write(part: Uint8Array): number
}

/** As much of the client's parser as is used here. */
interface Parser {
  parse(part: Uint8Array): void
  /** the message that is not complete yet */
  msgBuf?: Collected | undefined
  ma?: { readonly size: number } | undefined
}

/**
 * Memory for messages that come in several parts, reused from message to message. The client's parser would collect
 * each in new memory that grows with every part: half of what a consumer costs (measured), most of it garbage
 * collection.
 */
export class Payloads {
  /** messages that were collected here */
  collected = 0
  readonly #connection: NatsConnection
  readonly #free: ArrayBuffer[] = []
  // What was made here, and not given to the garbage collector.
  readonly #made = new WeakSet<ArrayBufferLike>()
  readonly #limit: number
  #parser: Parser | undefined

  /** @param limit messages whose memory is kept for reuse */
  constructor(connection: NatsConnection, limit: number) {
    this.#connection = connection
    this.#limit = limit
  }

  /**
   * Has the client collect messages here. A connection that replaces another one has a new parser, so this is called
   * before each request for messages. A client that is built otherwise collects them as usual.
   */
  attach(): void {
    const parser = parserOf(this.#connection)
    if (parser === undefined || parser === this.#parser) return
    this.#parser = parser
    const parse = parser.parse.bind(parser)
    parser.parse = (part) => {
      parse(part)
      this.#adopt(parser)
    }
  }

  /** Reuses the memory of a message that is not read any more. */
  recycle({ buffer }: Uint8Array): void {
    if (this.#made.has(buffer) && this.#free.length < this.#limit) this.#free.push(buffer as ArrayBuffer)
  }

  /** The first part of a message has come. */
  #adopt(parser: Parser): void {
    const { msgBuf, ma } = parser
    if (msgBuf === undefined || msgBuf instanceof Payload || ma === undefined) return
    const payload = new Payload(this.#take(ma.size), ma.size)
    payload.write(msgBuf.bytes({ copy: false }))
    parser.msgBuf = payload
    this.collected++
  }

  #take(size: number): ArrayBuffer {
    const free = this.#free.pop()
    if (free !== undefined && free.byteLength >= size) return free
    // Every byte that is read is written before.
    const { buffer } = Buffer.allocUnsafeSlow(Math.ceil(size / GRANULE) * GRANULE)
    this.#made.add(buffer)
    return buffer
  }
}

/** A message of a known size, as far as it has come. */
class Payload implements Collected {
  length = 0
  readonly #bytes: Uint8Array

  constructor(memory: ArrayBuffer, size: number) {
    this.#bytes = new Uint8Array(memory, 0, size)
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  write(part: Uint8Array): number {
    this.#bytes.set(part, this.length)
    this.length += part.length
    return part.length
  }

  writeByte(byte: number): number {
    this.#bytes[this.length++] = byte
    return 1
  }
}

/** The client of version 3 has it and does not promise it. */
function parserOf(connection: NatsConnection): Parser | undefined {
  const protocol: unknown = Reflect.get(connection, 'protocol')
  const parser: unknown =
    typeof protocol === 'object' && protocol !== null ? Reflect.get(protocol, 'parser') : undefined
  return isParser(parser) ? parser : undefined
}

function isParser(value: unknown): value is Parser {
  return typeof value === 'object' && value !== null && 'parse' in value && typeof value.parse === 'function'
}
