import { setImmediate } from 'node:timers/promises'
import { expect } from 'vitest'
import { Random } from '../faults/random.ts'
import type { FrameBatch } from '../transport.ts'
import { type ConformanceCase, framesOf, guarded, messages } from './case.ts'
import type { Fixture } from './fixture.ts'

/** Rounds of the case; tests of single transports run thousands. */
const ROUNDS = 50
const MOST_MESSAGES = 12
const MOST_TURNS = 4

/**
 * Alternates silence and bursts: in half of the rounds a receive waits for some turns of the event loop before the
 * burst; in the others the burst comes first, or at the same time. A lost wake-up leaves the receive pending, and this
 * function too.
 */
export async function alternate(
  { transport, peer }: Pick<Fixture, 'transport' | 'peer'>,
  rounds: number,
  seed: number,
): Promise<void> {
  const random = new Random(seed)
  const sort = (list: Uint8Array[]) => (transport.capabilities.ordered ? list : list.sort())
  let first = 0
  for (let round = 0; round < rounds; round++) {
    const sent = messages(1 + random.below(MOST_MESSAGES), first)
    let receiving: Promise<FrameBatch> | undefined
    if (random.below(2) === 0) {
      receiving = guarded(transport.receive())
      for (let turns = random.below(MOST_TURNS); turns > 0; turns--) await setImmediate()
    }
    const delivered = peer.deliver(sent)
    const received: Uint8Array[] = []
    while (received.length < sent.length) {
      const batch = await (receiving ?? transport.receive())
      receiving = undefined
      received.push(...framesOf(batch))
      batch.release()
    }
    await delivered
    expect(sort(received), `round ${round} of seed ${seed}`).toEqual(sort(sent))
    first += sent.length
  }
  expect(transport.stats).toMatchObject({ frames: first, lost: 0 })
}

export const wakeUpCases: readonly ConformanceCase[] = [
  {
    title: 'a waiting receive is always woken, while silence and bursts alternate',
    promise: 'Receives the next batch.',
    run: (context) => alternate(context, ROUNDS, 1),
  },
]
