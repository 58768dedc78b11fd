import { errors, type NatsConnection } from '@nats-io/transport-node'
import { REQUEST_TIMEOUT } from '../server.ts'
import type { Delivery } from './delivery.ts'

/** The ids of messages that were processed last: one that the server delivers again is not given out twice. */
const REMEMBERED = 16_384
/** Milliseconds before an acknowledgement is repeated that the server has not confirmed. */
const REPEAT_WAIT = 1000
const NANOSECONDS = 1_000_000

/** The acknowledgements of a consumer, repeated until the server has confirmed them. */
export class Acknowledgements {
  /** messages whose acknowledgement the server has confirmed */
  confirmed = 0
  readonly #connection: NatsConnection
  readonly #done = new Map<string, { readonly subject: string; readonly at: number }>()
  #reminder: NodeJS.Timeout | undefined
  // Reply subjects of acknowledgements that the server has not confirmed, by id.
  readonly #open = new Map<string, string>()
  #onEmpty: (() => void) | undefined

  constructor(connection: NatsConnection) {
    this.#connection = connection
  }

  /** Whether a message was acknowledged before. */
  has(id: string): boolean {
    return this.#done.has(id)
  }

  /** Acknowledges a message. */
  acknowledge({ id, reply }: Pick<Delivery, 'id' | 'reply'>): void {
    this.#done.delete(id)
    this.#done.set(id, { subject: reply.subject, at: performance.now() })
    if (this.#done.size > REMEMBERED) {
      for (const oldest of this.#done.keys()) {
        this.#done.delete(oldest)
        break
      }
    }
    this.#open.set(id, reply.subject)
    void this.#send(id, reply.subject)
  }

  /** Repeats what is not confirmed, after the connection broke. */
  repeat(): void {
    for (const [id, subject] of this.#open) void this.#send(id, subject)
  }

  /**
   * Repeats what was acknowledged since `since` (by `performance.now()`), confirmed or not, every second for `duration`
   * milliseconds: as soon as the server delivers such a message again, to any program, it is told.
   */
  remind(since: number, duration: number): void {
    clearInterval(this.#reminder)
    const end = performance.now() + duration
    const remind = () => {
      if (this.#connection.isClosed() || performance.now() > end) {
        clearInterval(this.#reminder)
        return
      }
      for (const { subject, at } of this.#done.values()) if (at >= since) this.#publish(subject, '+ACK')
    }
    this.#reminder = setInterval(remind, REPEAT_WAIT)
    this.#reminder.unref()
  }

  /** Has the server wait longer for a message. */
  extend(reply: string): void {
    this.#publish(reply, '+WPI')
  }

  /** Returns a message to the server, for any consumer, at once or after `delay` milliseconds. */
  refuse(reply: string, delay = 0): void {
    this.#publish(reply, delay === 0 ? '-NAK' : `-NAK {"delay": ${delay * NANOSECONDS}}`)
  }

  /** Has the server not deliver a message again. */
  terminate(reply: string): void {
    this.#publish(reply, '+TERM')
  }

  /** Resolves when everything is confirmed. */
  async settled(): Promise<void> {
    if (this.#open.size === 0) return
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
  }

  async #send(id: string, subject: string): Promise<void> {
    try {
      await this.#connection.request(subject, '+ACK', { timeout: REQUEST_TIMEOUT })
      this.#settle(id, true)
    } catch (error) {
      if (this.#connection.isClosed() || !this.#open.has(id)) return
      // The consumer is gone, or the server just starts: repeated after a reconnect, or when the message comes again.
      if (error instanceof errors.RequestError && error.isNoResponders()) this.#settle(id, false)
      else setTimeout(() => this.#sendAgain(id, subject), REPEAT_WAIT).unref()
    }
  }

  #sendAgain(id: string, subject: string): void {
    if (this.#open.get(id) === subject) void this.#send(id, subject)
  }

  #settle(id: string, isConfirmed: boolean): void {
    if (!this.#open.delete(id)) return
    if (isConfirmed) this.confirmed++
    if (this.#open.size === 0) this.#onEmpty?.()
  }

  #publish(subject: string, text: string): void {
    if (!this.#connection.isClosed()) this.#connection.publish(subject, text)
  }
}
