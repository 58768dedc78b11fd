import { expect } from 'vitest'
import {
  type ConformanceCase,
  collect,
  collectUntil,
  expectNothing,
  expectRejects,
  expectThrows,
  framesOf,
  guarded,
  message,
  messages,
  sameBytes,
  send,
  settled,
  turns,
} from './case.ts'

const oneConsumer = 'One consumer: a call while another is pending, or during an iteration, rejects with code `BUSY`.'

export const consumerCases: readonly ConformanceCase[] = [
  {
    title: 'receive while a receive is pending is refused, and does not disturb the first one',
    promise: oneConsumer,
    async run({ transport, peer }) {
      const first = guarded(transport.receive())
      await expectRejects(transport.receive(), 'BUSY')
      await peer.deliver([message(0)])
      expect(framesOf(await first)).toEqual([message(0)])
      await peer.deliver([message(1)])
      expect(await collect(transport, 1)).toEqual([message(1)])
    },
  },
  {
    title: 'poll while a receive is pending is refused',
    promise: oneConsumer,
    async run({ transport, peer }) {
      const first = guarded(transport.receive())
      expectThrows(() => transport.poll(), 'BUSY')
      expectThrows(() => transport.poll(1), 'BUSY')
      await peer.deliver([message(0)])
      expect(framesOf(await first)).toEqual([message(0)])
    },
  },
  {
    title: 'receive and poll during an iteration are refused, and the iteration continues',
    promise: oneConsumer,
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      let round = 0
      for await (const batch of transport) {
        expect(framesOf(batch)).toEqual([message(round)])
        await expectRejects(transport.receive(), 'BUSY')
        expectThrows(() => transport.poll(), 'BUSY')
        if (++round === 3) break
        await peer.deliver([message(round)])
      }
      expect(round).toBe(3)
    },
  },
  {
    title: 'a second iteration is refused until the first has ended',
    promise: 'A second iteration throws code `BUSY`',
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      for await (const batch of transport) {
        expect(batch.length).toBe(1)
        expectThrows(() => transport[Symbol.asyncIterator](), 'BUSY')
        break
      }
      await peer.deliver([message(1)])
      for await (const batch of transport) {
        expect(framesOf(batch)).toEqual([message(1)])
        break
      }
    },
  },
  {
    title: 'an iteration while a receive is pending is refused',
    promise: 'A second iteration throws code `BUSY`',
    async run({ transport, peer }) {
      const first = guarded(transport.receive())
      expectThrows(() => transport[Symbol.asyncIterator](), 'BUSY')
      await peer.deliver([message(0)])
      expect(framesOf(await first)).toEqual([message(0)])
    },
  },
  {
    title: 'requesting two batches of an iteration at once is refused, and loses nothing',
    promise: 'requesting the next batch while one is pending rejects with it',
    async run({ transport, peer }) {
      const iterator = transport[Symbol.asyncIterator]()
      const first = guarded(iterator.next())
      await expectRejects(iterator.next(), 'BUSY')
      await peer.deliver([message(0)])
      const result = await first
      expect(result.done === true ? undefined : framesOf(result.value)).toEqual([message(0)])
      await peer.deliver([message(1)])
      const next = await iterator.next()
      expect(next.done === true ? undefined : framesOf(next.value)).toEqual([message(1)])
      await iterator.return?.()
      await peer.deliver([message(2)])
      expect(await collect(transport, 1)).toEqual([message(2)])
    },
  },
  {
    title: 'an iteration can be ended while it waits, and later messages are for the next consumer',
    promise: 'Iterates over batches, releasing each when the next is requested.',
    async run({ transport, peer }) {
      const iterator = transport[Symbol.asyncIterator]()
      const waiting = guarded(iterator.next())
      await turns()
      await iterator.return?.()
      const result = await settled(waiting)
      expect(result).toMatchObject({ status: 'fulfilled', value: { done: true } })
      await peer.deliver([message(0)])
      expect(await collect(transport, 1)).toEqual([message(0)])
    },
  },
  {
    title: 'awaiting a request inside the loop: its answer is received after batches that are still live',
    promise: 'Several batches may be live at one time, up to {@link Capabilities.frameCount};',
    needs: ['answers'],
    async run({ transport, peer }) {
      const { batchSize, frameCount } = transport.capabilities
      const others = messages(Math.min(batchSize, frameCount - batchSize - 1), 100)
      await peer.deliver(messages(batchSize))
      const live = await transport.receive()
      const before = framesOf(live)
      await peer.deliver(others)
      const request = peer.request(7, 40)
      send(transport.outbox, request)
      let answer: Uint8Array | undefined
      const passed: Uint8Array[] = []
      while (answer === undefined) {
        const batch = await transport.receive()
        for (const frame of framesOf(batch)) {
          const answered = peer.answered(frame)
          if (answered === undefined) passed.push(frame)
          else answer = answered
        }
        batch.release()
      }
      expect(answer).toEqual(request)
      expect([...before, ...passed].slice(0, batchSize)).toEqual(messages(batchSize))
      expect(passed.slice(-others.length)).toEqual(others)
      expect(framesOf(live)).toEqual(before)
      live.release()
      expectNothing(transport)
    },
  },
  {
    title: 'a listener of overrun cannot receive',
    promise: 'A listener may do anything except receive (code `BUSY`);',
    needs: ['loss'],
    async run({ transport, peer }) {
      const refused: unknown[] = []
      transport.events.on('overrun', () => {
        refused.push(expectThrows(() => transport.poll(), 'BUSY'))
      })
      await peer.lose(2)
      const delivered = guarded(Promise.resolve(peer.deliver([message(1)])))
      await collectUntil(transport, message(1))
      await delivered
      expect(refused.length).toBeGreaterThanOrEqual(1)
    },
  },
  {
    title: 'a listener of overrun may release a batch',
    promise: 'A listener may do anything except receive (code `BUSY`);',
    needs: ['loss'],
    async run({ transport, peer }) {
      await peer.deliver([message(0)])
      const kept = await transport.receive()
      transport.events.on('overrun', () => kept.release())
      await peer.lose(2)
      const last = messages(3, 10)
      const delivered = guarded(Promise.resolve(peer.deliver(last)))
      const { frames } = await collectUntil(transport, last[2] as Uint8Array)
      await delivered
      expect(kept.released).toBe(true)
      expect(frames.slice(-3).every((frame, index) => sameBytes(frame, last[index] as Uint8Array))).toBe(true)
      const { frameCount, batchSize } = transport.capabilities
      const live = []
      for (let round = 0; round < frameCount / batchSize; round++) {
        await peer.deliver(messages(batchSize, 20 + round * batchSize))
        live.push(await transport.receive())
      }
      expect(live.flatMap(framesOf)).toEqual(messages(live.length * batchSize, 20))
      for (const batch of live) batch.release()
    },
  },
  {
    title: 'a listener of overrun that closes the transport ends the receive',
    promise: 'when it closes the transport, the receive that met the loss rejects with code `CLOSED`',
    needs: ['loss'],
    async run({ transport, peer }) {
      transport.events.on('overrun', () => void transport.close())
      await peer.lose(1)
      // Before the loss there may be frames that the fixture needed to cause it.
      for (;;) {
        const result = await settled(transport.receive())
        if (result.status === 'rejected') {
          expect(result.reason).toMatchObject({ code: 'CLOSED' })
          break
        }
        result.value.release()
      }
    },
  },
]
