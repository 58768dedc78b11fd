/** How long the first frame of a message waits for others. */

import type { NatsConnection } from '@nats-io/transport-node'
import { Memory } from '@ringlink/codec'
import type { FrameBatch } from '@ringlink/transport'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { checkPublishOptions } from '../../src/publish/options.ts'
import { type FrameSource, Publisher } from '../../src/publish/publisher.ts'
import type { JetStreamServer } from '../../src/server.ts'

const DELAY = 100
const CAPACITY = 4096

/** A client that notes when messages are published. */
class FakeConnection {
  readonly info = { max_payload: 1 << 20 }
  readonly published: number[] = []

  subscribe(): void {}

  publish(): void {
    this.published.push(performance.now())
  }

  async *status(): AsyncGenerator<never> {}

  async close(): Promise<void> {}
}

/** A source whose frames the test gives. */
class GivenFrames implements FrameSource {
  readonly stats = { lost: 0 }
  #give: (batch: IteratorResult<FrameBatch>) => void = () => {};

  [Symbol.asyncIterator](): AsyncIterator<FrameBatch> {
    return {
      next: () =>
        new Promise((resolve) => {
          this.#give = resolve
        }),
    }
  }

  /** Gives a frame of `byteLength` zeros. */
  async give(byteLength: number): Promise<void> {
    const batch = {
      ...{ memory: new Memory(CAPACITY), length: 1, offset: () => 0, byteLength: () => byteLength },
      ...{ fullLength: () => byteLength, groups: () => 0 },
    }
    this.#give({ done: false, value: batch as unknown as FrameBatch })
    await vi.advanceTimersByTimeAsync(0)
  }
}

let connection: FakeConnection
let source: GivenFrames
let publisher: Publisher
let start: number
beforeEach(() => {
  vi.useFakeTimers()
  start = performance.now()
  connection = new FakeConnection()
  source = new GivenFrames()
  publisher = new Publisher(
    source,
    { connection: connection as unknown as NatsConnection } as JetStreamServer,
    checkPublishOptions('publish', { servers: 'nats://127.0.0.1', stream: 'S', host: 'a', delay: DELAY }),
    {
      ...{ byteOrder: 'little', compression: 'none', protocol: 12, host: 'a', run: '00000000000000aa' },
      bootId: '00000000-0000-0000-0000-000000000000',
    },
    CAPACITY,
  )
})
afterEach(async () => {
  await publisher.close()
  vi.useRealTimers()
})

const sent = () => connection.published.map((at) => at - start)

it('is the delay, if nothing fills the message', async () => {
  await vi.advanceTimersByTimeAsync(7)
  await source.give(100)
  await vi.advanceTimersByTimeAsync(DELAY - 1)
  expect(sent()).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(sent()).toEqual([7 + DELAY])
})

it('counts from the first frame of each message, not from one that was sent because it was full', async () => {
  await source.give(3000)
  await vi.advanceTimersByTimeAsync(30)
  await source.give(3000)
  expect(sent()).toEqual([30])
  await vi.advanceTimersByTimeAsync(DELAY - 1)
  expect(sent()).toEqual([30])
  await vi.advanceTimersByTimeAsync(1)
  expect(sent()).toEqual([30, 30 + DELAY])
})

it('ends with the publisher, which sends what it has: no timer is left', async () => {
  await source.give(100)
  await publisher.close()
  expect(vi.getTimerCount()).toBe(0)
  await vi.advanceTimersByTimeAsync(2 * DELAY)
  expect(sent()).toEqual([0])
})
