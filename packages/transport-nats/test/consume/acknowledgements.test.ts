/** When acknowledgements are sent, repeated, and known to have arrived. */
import type { Msg, MsgCallback, NatsConnection } from '@nats-io/transport-node'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Acknowledgements } from '../../src/consume/acknowledgements.ts'

/** A client whose server answers what the test says. */
class FakeConnection {
  readonly sent: { readonly subject: string; readonly text: string; readonly reply: string | undefined }[] = []
  isOpen = true
  #callback: MsgCallback<Msg> = () => {}

  isClosed(): boolean {
    return !this.isOpen
  }

  subscribe(_: string, { callback }: { readonly callback: MsgCallback<Msg> }): void {
    this.#callback = callback
  }

  publish(subject: string, text: string, options?: { readonly reply: string }): void {
    this.sent.push({ subject, text, reply: options?.reply })
  }

  answer(index: number, code = 0): void {
    const headers = code === 0 ? undefined : { code }
    this.#callback(null, { subject: this.sent[index]?.reply, headers } as unknown as Msg)
  }

  refuse(error: Error): void {
    this.#callback(error, {} as unknown as Msg)
  }
}

describe('an acknowledgement', () => {
  let connection: FakeConnection
  let acknowledgements: Acknowledgements
  const acknowledge = (id: string, subject = `reply ${id}`) =>
    acknowledgements.acknowledge({ id, reply: { subject, deliveries: 1 } })
  beforeEach(() => {
    vi.useFakeTimers()
    connection = new FakeConnection()
    acknowledgements = new Acknowledgements(connection as unknown as NatsConnection)
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is sent once, counts when the server confirms it, and is remembered', async () => {
    acknowledge('a')
    acknowledge('b')
    expect(connection.sent.map(({ subject, text }) => `${subject} ${text}`)).toEqual(['reply a +ACK', 'reply b +ACK'])
    connection.answer(1)
    connection.answer(1)
    expect(acknowledgements.confirmed).toBe(1)
    connection.answer(0)
    await acknowledgements.settled()
    vi.advanceTimersByTime(60_000)
    expect(connection.sent.length).toBe(2)
    expect([acknowledgements.confirmed, acknowledgements.has('a'), acknowledgements.has('c')]).toEqual([2, true, false])
  })

  test('is repeated after five seconds without a confirmation, and at once for a new connection', async () => {
    acknowledge('a')
    vi.advanceTimersByTime(4900)
    expect(connection.sent.length).toBe(1)
    vi.advanceTimersByTime(2000)
    expect(connection.sent.length).toBe(2)
    acknowledgements.repeat()
    expect(connection.sent.map(({ subject }) => subject)).toEqual(['reply a', 'reply a', 'reply a'])
    // A confirmation of any of them will do.
    connection.answer(0)
    await acknowledgements.settled()
    vi.advanceTimersByTime(60_000)
    expect([connection.sent.length, acknowledgements.confirmed]).toEqual([3, 1])
  })

  test('of a message that came again replaces the earlier one', async () => {
    acknowledge('a', 'first')
    acknowledge('a', 'second')
    connection.answer(0)
    expect(acknowledgements.confirmed).toBe(0)
    connection.answer(1)
    await acknowledgements.settled()
    expect(acknowledgements.confirmed).toBe(1)
  })

  test('is not confirmed, and not repeated, where the consumer is gone', async () => {
    acknowledge('a')
    connection.answer(0, 503)
    await acknowledgements.settled()
    vi.advanceTimersByTime(60_000)
    expect([connection.sent.length, acknowledgements.confirmed]).toEqual([1, 0])
  })

  test('stays unconfirmed after a refused subscription, and is not sent on a closed connection', () => {
    acknowledge('a')
    connection.refuse(new Error('no permission'))
    expect(acknowledgements.confirmed).toBe(0)
    connection.isOpen = false
    acknowledge('b')
    acknowledgements.repeat()
    vi.advanceTimersByTime(60_000)
    expect(connection.sent.length).toBe(1)
  })
})
