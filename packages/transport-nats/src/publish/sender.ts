import { type ApiError, JetStreamApiError } from '@nats-io/jetstream'
import { createInbox, headers, type Msg, type NatsConnection } from '@nats-io/transport-node'
import type { NatsError } from '../errors.ts'
import { explainAbsence, explainUnstored, REQUEST_TIMEOUT } from '../server.ts'
import type { OutgoingMessage } from './message.ts'

const OPERATION = 'publish'
/** Milliseconds between two looks for messages that the server has not answered. */
const LOOK = 500
const NO_RESPONDERS = 503
/** Digits of a number in a command: a key, or a length. */
const MAXIMUM_DIGITS = 16
/** Bytes of an id: the boot id, the run and two numbers. */
const MAXIMUM_ID = 36 + 1 + 16 + 2 * (1 + MAXIMUM_DIGITS)
/** CR LF, after a payload. */
export const TRAILER = 2

/** What the server answers. */
export interface SenderHandlers {
  /** it has stored a message, or had stored it before */
  stored(message: OutgoingMessage, isDuplicate: boolean): void
  /** it has not stored a message, as far as is known */
  refused(message: OutgoingMessage, error: NatsError): void
}

/** How the publishing part of a client takes a command that is complete, which it then writes without a copy. */
interface ByteWriter {
  sendCommand(bytes: Uint8Array): void
  flushPending(): void
}

/** A message that was sent. */
interface Sent {
  readonly message: OutgoingMessage
  /** by `performance.now()`; infinite while no answer is expected */
  at: number
}

/**
 * Publishes messages, and takes the answers of the stream on one subscription. The command is written around the
 * payload, in its own memory: the client would copy both into a buffer that it makes for each message, at twice the
 * cost of all the rest (measured).
 */
export class Sender {
  readonly #connection: NatsConnection
  readonly #writer: ByteWriter | undefined
  readonly #place: { readonly subject: string; readonly stream: string }
  readonly #handlers: SenderHandlers
  readonly #inbox: string
  // Bytes that the longest command takes, without its payload.
  readonly #space: number
  readonly #encoder = new TextEncoder()
  readonly #timer: NodeJS.Timeout
  // By the last part of their reply subjects: an answer to an earlier attempt counts too.
  readonly #sent = new Map<string, Sent>()
  readonly #keys = new Map<OutgoingMessage, string>()
  #next = 0

  constructor(
    connection: NatsConnection,
    place: { readonly subject: string; readonly stream: string },
    handlers: SenderHandlers,
  ) {
    this.#connection = connection
    this.#writer = writerOf(connection)
    this.#place = place
    this.#handlers = handlers
    this.#inbox = createInbox()
    this.#space = commandSpace(place)
    connection.subscribe(`${this.#inbox}.*`, { callback: (error, answer) => this.#take(error, answer) })
    this.#timer = setInterval(() => this.#lookForLate(), LOOK)
    this.#timer.unref()
  }

  /**
   * Sends a message. Its payload has {@link commandSpace} bytes before it and {@link TRAILER} after it, and must not
   * change.
   */
  send(message: OutgoingMessage, id: string): void {
    const key = this.#keys.get(message) ?? String(this.#next++)
    const sent = { message, at: performance.now() }
    this.#keys.set(message, key)
    this.#sent.set(key, sent)
    try {
      this.#write(message.payload, `${this.#inbox}.${key}`, id)
    } catch (error) {
      sent.at = Number.POSITIVE_INFINITY
      this.#refuse(message, error)
    }
  }

  /** Forgets a message: answers to it are ignored. */
  forget(message: OutgoingMessage): void {
    const key = this.#keys.get(message)
    this.#keys.delete(message)
    if (key !== undefined) this.#sent.delete(key)
  }

  /** The connection broke: nothing that was sent is answered before it is sent again. */
  expectNothing(): void {
    for (const sent of this.#sent.values()) sent.at = Number.POSITIVE_INFINITY
  }

  close(): void {
    clearInterval(this.#timer)
    this.#sent.clear()
    this.#keys.clear()
  }

  #write(payload: Uint8Array, reply: string, id: string): void {
    const { subject, stream } = this.#place
    const limit = this.#connection.info?.max_payload ?? 0
    if (this.#writer === undefined || payload.length + this.#space > limit) {
      const fields = headers()
      fields.set('Nats-Msg-Id', id)
      fields.set('Nats-Expected-Stream', stream)
      this.#connection.publish(subject, payload, { reply, headers: fields })
      return
    }
    const fields = fieldsOf(stream, id)
    const fieldsLength = Buffer.byteLength(fields)
    const command = `${commandOf(subject, reply, fieldsLength, fieldsLength + payload.length)}${fields}`
    const start = payload.byteOffset - Buffer.byteLength(command)
    const end = payload.byteOffset + payload.length
    const bytes = new Uint8Array(payload.buffer, start, end + TRAILER - start)
    this.#encoder.encodeInto(command, bytes)
    bytes.set(CRLF, bytes.length - TRAILER)
    this.#writer.sendCommand(bytes)
    // Two commands that wait are copied into one buffer.
    this.#writer.flushPending()
  }

  #take(error: Error | null, answer: Msg): void {
    // A permission that the server takes away: it closes the connection, or every message times out.
    if (error !== null) return
    const sent = this.#sent.get(answer.subject.slice(this.#inbox.length + 1))
    if (sent === undefined) return
    const { message } = sent
    sent.at = Number.POSITIVE_INFINITY
    if (answer.headers?.code === NO_RESPONDERS) {
      this.#handlers.refused(message, explainAbsence(OPERATION, this.#doing))
      return
    }
    const { refusal, duplicate } = answerOf(answer)
    if (refusal !== undefined) this.#refuse(message, refusal)
    else this.#handlers.stored(message, duplicate === true)
  }

  #refuse(message: OutgoingMessage, error: unknown): void {
    this.#handlers.refused(message, explainUnstored(OPERATION, error, this.#doing))
  }

  #lookForLate(): void {
    const since = performance.now() - REQUEST_TIMEOUT
    for (const sent of this.#sent.values()) {
      if (sent.at >= since) continue
      sent.at = Number.POSITIVE_INFINITY
      this.#refuse(sent.message, new Error(`no answer within ${REQUEST_TIMEOUT / 1000} s`))
    }
  }

  get #doing(): string {
    return `the stream ${this.#place.stream} took no message`
  }
}

const CRLF = Uint8Array.of(13, 10)

/** Bytes that are needed before a payload. */
export function commandSpace({ subject, stream }: { readonly subject: string; readonly stream: string }): number {
  const digits = 10 ** MAXIMUM_DIGITS - 1
  const reply = `${createInbox()}.${digits}`
  return Buffer.byteLength(commandOf(subject, reply, digits, digits) + fieldsOf(stream, ''.padEnd(MAXIMUM_ID)))
}

/** The command of the NATS client protocol by which a message with header fields is published. */
function commandOf(subject: string, reply: string, fieldsLength: number, length: number): string {
  return `HPUB ${subject} ${reply} ${fieldsLength} ${length}\r\n`
}

function fieldsOf(stream: string, id: string): string {
  return `NATS/1.0\r\nNats-Msg-Id: ${id}\r\nNats-Expected-Stream: ${stream}\r\n\r\n`
}

/** The client of version 3 has it and does not promise it: without it, messages are published as usual. */
function writerOf(connection: NatsConnection): ByteWriter | undefined {
  const protocol: unknown = Reflect.get(connection, 'protocol')
  return isWriter(protocol) ? protocol : undefined
}

function isWriter(value: unknown): value is ByteWriter {
  return (
    typeof value === 'object' &&
    value !== null &&
    'sendCommand' in value &&
    typeof value.sendCommand === 'function' &&
    'flushPending' in value &&
    typeof value.flushPending === 'function'
  )
}

/** The answer of a stream, or of something that is not one. */
function answerOf(answer: Msg): { readonly refusal?: Error; readonly duplicate?: boolean } {
  try {
    const { error, duplicate = false } = answer.json<{ readonly error?: ApiError; readonly duplicate?: boolean }>()
    return error === undefined ? { duplicate } : { refusal: new JetStreamApiError(error) }
  } catch (cause) {
    return { refusal: new Error('its answer is not one of a stream', { cause }) }
  }
}
