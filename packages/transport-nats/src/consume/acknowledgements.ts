import { createInbox, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { REQUEST_TIMEOUT } from '../server.ts'
import type { Delivery } from './delivery.ts'

/** The ids of messages that were processed last: one that the server delivers again is not given out twice. */
const REMEMBERED = 16_384
/** Milliseconds before an acknowledgement is repeated that the server has not confirmed. */
const REPEAT_WAIT = 1000
const NANOSECONDS = 1_000_000
const NO_RESPONDERS = 503

/** An acknowledgement that the server has not confirmed. */
interface Open {
  readonly id: string
  readonly subject: string
  /** when it was sent last, by `performance.now()` */
  at: number
}

/**
 * The acknowledgements of a consumer, repeated until the server has confirmed them. All confirmations come on one
 * subscription: a request of the client for each would have a timer and two errors of its own.
 */
export class Acknowledgements {
  /** messages whose acknowledgement the server has confirmed */
  confirmed = 0
  readonly #connection: NatsConnection
  readonly #inbox: string = createInbox()
  readonly #done = new Map<string, { readonly subject: string; readonly at: number }>()
  #reminder: NodeJS.Timeout | undefined
  // By the last part of the subject that the server confirms to.
  readonly #open = new Map<string, Open>()
  // Of those, the last one of each message.
  readonly #keys = new Map<string, string>()
  #next = 0
  #lateTimer: NodeJS.Timeout | undefined
  #onEmpty: (() => void) | undefined

  constructor(connection: NatsConnection) {
    this.#connection = connection
    connection.subscribe(`${this.#inbox}.*`, { callback: (error, answer) => this.#take(error, answer) })
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
    this.#forget(this.#keys.get(id))
    const key = String(this.#next++)
    const open = { id, subject: reply.subject, at: 0 }
    this.#open.set(key, open)
    this.#keys.set(id, key)
    this.#send(key, open)
    this.#lateTimer ??= setInterval(() => this.#repeatLate(), REPEAT_WAIT).unref()
  }

  /** Repeats what is not confirmed, after the connection broke. */
  repeat(): void {
    for (const [key, open] of this.#open) this.#send(key, open)
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

  #send(key: string, open: Open): void {
    open.at = performance.now()
    if (!this.#connection.isClosed()) {
      this.#connection.publish(open.subject, '+ACK', { reply: `${this.#inbox}.${key}` })
    }
  }

  #repeatLate(): void {
    if (this.#open.size === 0 || this.#connection.isClosed()) {
      clearInterval(this.#lateTimer)
      this.#lateTimer = undefined
      return
    }
    const since = performance.now() - REQUEST_TIMEOUT
    for (const [key, open] of this.#open) if (open.at < since) this.#send(key, open)
  }

  #take(error: Error | null, answer: Msg): void {
    // A permission that is missing: nothing is confirmed, and what was processed is delivered again.
    if (error !== null) return
    const key = answer.subject.slice(this.#inbox.length + 1)
    if (!this.#forget(key)) return
    // The consumer is gone, or the server just starts: the message comes again.
    if (answer.headers?.code !== NO_RESPONDERS) this.confirmed++
    if (this.#open.size === 0) this.#onEmpty?.()
  }

  /** Ends waiting for a confirmation. False if nothing waits for it. */
  #forget(key: string | undefined): boolean {
    const open = this.#open.get(key ?? '')
    if (key === undefined || open === undefined) return false
    this.#open.delete(key)
    if (this.#keys.get(open.id) === key) this.#keys.delete(open.id)
    return true
  }

  #publish(subject: string, text: string): void {
    if (!this.#connection.isClosed()) this.#connection.publish(subject, text)
  }
}
