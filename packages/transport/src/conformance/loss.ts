import { expect } from 'vitest'
import type { FrameBatch, Transport } from '../transport.ts'
import { type ConformanceCase, collect, collectUntil, framesOf, guarded, message, messages, sameBytes } from './case.ts'
import type { Peer } from './fixture.ts'

const lossIsData =
  'A loss is not an error: `lost` of the next batch says how much, and the event `overrun` reports it at once.'

export const lossCases: readonly ConformanceCase[] = [
  {
    title: 'a loss is reported exactly once, in a batch, in the stats and as an event, and messages continue',
    promise: lossIsData,
    needs: ['loss'],
    async run({ transport, peer }) {
      const events: number[] = []
      transport.events.on('overrun', (lost) => events.push(lost))
      expectLoss(transport, await loseAndMark(transport, peer, 3, message(1, 48)), 3)
      expect(transport.stats.lost).toBe(sum(events))
      const after = events.length
      await peer.deliver(messages(transport.capabilities.batchSize))
      const batch = await transport.receive()
      expect(batch.lost).toBe(0)
      const received = framesOf(batch)
      batch.release()
      received.push(...(await collect(transport, transport.capabilities.batchSize - received.length)))
      expect(received).toEqual(messages(transport.capabilities.batchSize))
      expect(events.length).toBe(after)
    },
  },
  {
    title: 'consecutive losses are each counted',
    promise: 'messages that the kernel dropped are counted exactly: once the transport is closed',
    needs: ['loss'],
    async run({ transport, peer }) {
      let total = 0
      for (const [round, count] of [1, 5, 2].entries()) {
        const lost = await loseAndMark(transport, peer, count, message(round, 48))
        expectLoss(transport, lost, count)
        total += lost
        expect(transport.stats.lost).toBe(total)
      }
    },
  },
  {
    title: 'the event comes before the batch, or with it',
    promise: lossIsData,
    needs: ['loss'],
    async run({ transport, peer }) {
      let told = 0
      transport.events.on('overrun', (lost) => {
        told += lost
      })
      await peer.lose(4)
      const delivered = guarded(Promise.resolve(peer.deliver([message(0, 48)])))
      let reported = 0
      for (let found = false; !found; ) {
        const batch = await transport.receive()
        reported += batch.lost
        expect(told).toBeGreaterThanOrEqual(reported)
        found = framesOf(batch).some((frame) => sameBytes(frame, message(0, 48)))
        batch.release()
      }
      await delivered
      expect(reported).toBeGreaterThan(0)
      expect(told).toBe(reported)
    },
  },
  {
    title: 'a listener of overrun that throws costs no batch, and its error is thrown once',
    promise:
      'Listeners are called once the frames are safe. An error that one throws is thrown by a later receive that has no batch to return, or by close.',
    needs: ['loss'],
    async run({ transport, peer }) {
      const thrown = new Error('thrown by a listener')
      transport.events.once('overrun', () => {
        throw thrown
      })
      await peer.lose(2)
      const mark = message(1, 48)
      const delivered = guarded(Promise.resolve(peer.deliver([mark])))
      const errors: unknown[] = []
      let lost = 0
      for (let found = false; !found || errors.length === 0; ) {
        try {
          const batch: FrameBatch | undefined = found ? transport.poll() : await transport.receive()
          lost += batch?.lost ?? 0
          found ||= batch !== undefined && framesOf(batch).some((frame) => sameBytes(frame, mark))
          batch?.release()
        } catch (error) {
          errors.push(error)
        }
      }
      await delivered
      expect(errors).toEqual([thrown])
      expectLoss(transport, lost, 2)
      expect(transport.poll()).toBe(undefined)
    },
  },
  {
    title: 'an iteration survives a loss',
    promise: lossIsData,
    needs: ['loss'],
    async run({ transport, peer }) {
      await peer.lose(2)
      const delivered = guarded(Promise.resolve(peer.deliver([message(0, 48)])))
      let lost = 0
      for await (const batch of transport) {
        lost += batch.lost
        if (framesOf(batch).some((frame) => sameBytes(frame, message(0, 48)))) break
      }
      await delivered
      expectLoss(transport, lost, 2)
    },
  },
  {
    title: 'a waiting receive gets the next batch after a loss, with the loss',
    promise: lossIsData,
    needs: ['loss'],
    async run({ transport, peer }) {
      const waiting = guarded(transport.receive())
      await peer.lose(2)
      const delivered = guarded(Promise.resolve(peer.deliver([message(0, 48)])))
      const first = await waiting
      let lost = first.lost
      const found = framesOf(first).some((frame) => sameBytes(frame, message(0, 48)))
      first.release()
      if (!found) lost += (await collectUntil(transport, message(0, 48))).lost
      await delivered
      expectLoss(transport, lost, 2)
    },
  },
]

/**
 * Has messages lost, and receives until a message that was sent afterwards. Returns the losses that batches reported.
 */
async function loseAndMark(
  transport: Transport,
  peer: Required<Peer>,
  count: number,
  mark: Uint8Array,
): Promise<number> {
  await peer.lose(count)
  const delivered = guarded(Promise.resolve(peer.deliver([mark])))
  const { lost } = await collectUntil(transport, mark)
  await delivered
  return lost
}

function expectLoss(transport: Transport, lost: number, expected: number): void {
  if (transport.capabilities.exactLoss) expect(lost).toBe(expected)
  else expect(lost).toBeGreaterThanOrEqual(1)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
