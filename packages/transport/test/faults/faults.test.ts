import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ReferencePeer } from '../../src/conformance/index.ts'
import {
  corrupt,
  delay,
  drop,
  duplicate,
  type Fault,
  type FaultStats,
  overrun,
  Random,
  reorder,
  truncate,
} from '../../src/faults/index.ts'
import type { FrameBatch, Transport } from '../../src/index.ts'
import { open, seeds } from './faulty-transport.ts'

/** A message in the model. */
interface Message {
  readonly bytes: readonly number[]
  readonly fullLength: number
}

/** A model of a fault: a function over lists that knows nothing of frames. */
type Model = (
  probability: number,
) => (messages: Message[], random: Random, stats: FaultStats, lose: (count: number) => void) => Message[]

const models: Record<string, { fault: (probability: number) => Fault; model: Model }> = {
  drop: {
    fault: (probability) => drop({ probability }),
    model: (probability) => (messages, random, stats) => {
      const left = messages.filter(() => random.fraction() >= probability)
      stats.dropped += messages.length - left.length
      return left
    },
  },
  duplicate: {
    fault: (probability) => duplicate({ probability }),
    model: (probability) => (messages, random, stats) => {
      const all: Message[] = []
      for (const message of messages) {
        all.push(message)
        if (random.fraction() < probability) all.push(message)
      }
      stats.duplicated += all.length - messages.length
      return all
    },
  },
  reorder: {
    fault: (probability) => reorder({ probability }),
    model: (probability) => (messages, random, stats) => {
      const left = [...messages]
      const all: Message[] = []
      for (let message = left.shift(); message !== undefined; message = left.shift()) {
        if (left.length > 0 && random.fraction() < probability) {
          all.push(left.shift() as Message)
          stats.reordered++
        }
        all.push(message)
      }
      return all
    },
  },
  truncate: {
    fault: (probability) => truncate({ probability }),
    model: (probability) => (messages, random, stats) =>
      messages.map((message) => {
        if (random.fraction() >= probability || message.bytes.length === 0) return message
        stats.truncated++
        return { ...message, bytes: message.bytes.slice(0, random.below(message.bytes.length)) }
      }),
  },
  corrupt: {
    fault: (probability) => corrupt({ probability }),
    model: (probability) => (messages, random, stats) =>
      messages.map((message) => {
        if (random.fraction() >= probability || message.bytes.length === 0) return message
        stats.corrupted++
        const at = random.below(message.bytes.length)
        const bit = 2 ** random.below(8)
        return { ...message, bytes: message.bytes.map((byte, index) => (index === at ? byte ^ bit : byte)) }
      }),
  },
  delay: {
    fault: (probability) => delay({ probability, batches: 2 }),
    model: (probability) => {
      let previous: Message[] = []
      let before: Message[] = []
      return (messages, random, stats) => {
        const due = before
        before = previous
        previous = []
        const left: Message[] = []
        for (const message of messages) (random.fraction() < probability ? previous : left).push(message)
        stats.delayed += previous.length
        stats.waiting = before.length + previous.length
        return [...due, ...left]
      }
    },
  },
  overrun: {
    fault: (probability) => overrun({ probability, length: 3 }),
    model: (probability) => {
      let until = 0
      let position = 0
      return (messages, random, stats, lose) => {
        const left: Message[] = []
        for (const message of messages) {
          const begins = random.fraction() < probability
          if (begins && position >= until) until = position + 3
          if (position >= until) left.push(message)
          position++
        }
        if (left.length < messages.length) lose(messages.length - left.length)
        stats.overrun += messages.length - left.length
        return left
      }
    },
  },
}

const names = Object.keys(models)

const traffic = fc.array(
  fc.array(fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 }), { minLength: 1, maxLength: 4 }),
  { maxLength: 12 },
)

/** Everything that comes out, when the input arrives batch by batch. */
function run(transport: Transport, peer: ReferencePeer, batches: readonly (readonly number[][])[]) {
  const received: Message[] = []
  let lost = 0
  const events: number[] = []
  transport.events.on('overrun', (count) => events.push(count))
  for (const batch of batches) {
    peer.deliver(batch.map((bytes) => Uint8Array.from(bytes)))
    for (let out = transport.poll(); out !== undefined; out = transport.poll()) {
      received.push(...messagesOf(out))
      lost += out.lost
      out.release()
    }
  }
  return { received, lost, events }
}

function messagesOf(batch: FrameBatch): Message[] {
  return Array.from({ length: batch.length }, (_, index) => ({
    bytes: [...batch.memory.copy(batch.offset(index), batch.byteLength(index))],
    fullLength: batch.fullLength(index),
  }))
}

describe('the output equals that of the model', () => {
  const chain = fc.array(
    fc.record({ name: fc.constantFrom(...names), probability: fc.double({ min: 0, max: 1, noNaN: true }) }),
    {
      maxLength: 4,
    },
  )

  test.each([...names, 'any chain of them'])('%s', async (name) => {
    await fc.assert(
      fc.asyncProperty(traffic, seeds, chain, async (batches, seed, links) => {
        const used = name in models ? links.slice(0, 1).map(({ probability }) => ({ name, probability })) : links
        const faults = used.map((link) => models[link.name]?.fault(link.probability) as Fault)
        const { peer, transport } = open(faults, seed)
        const { received, lost, events } = run(transport, peer, batches)

        const stats = { ...transport.faults }
        for (const counter of Object.keys(stats) as (keyof FaultStats)[]) stats[counter] = 0
        const random = new Random(seed)
        let modelLost = 0
        let reported = 0
        const steps = used.map((link, index) => {
          const step = models[link.name]?.model(link.probability)
          const numbers = random.fork(index)
          // Each delay counts only its own waiting messages.
          const own = { ...stats }
          return { step, numbers, own }
        })
        const expected: Message[] = []
        for (const batch of batches) {
          const messages = batch.map((bytes) => ({ bytes, fullLength: bytes.length }))
          const out = steps.reduce(
            (left, { step, numbers, own }) =>
              step?.(left, numbers, own, (count) => {
                modelLost += count
              }) ?? left,
            messages as Message[],
          )
          if (out.length > 0) reported = modelLost
          expected.push(...out)
        }
        for (const { own } of steps) {
          for (const counter of Object.keys(stats) as (keyof FaultStats)[]) stats[counter] += own[counter]
        }

        expect(received).toEqual(expected)
        expect(transport.faults).toEqual(stats)
        expect(lost).toBe(reported)
        expect(events.reduce((sum, count) => sum + count, 0)).toBe(modelLost)
        expect(transport.stats.lost).toBe(modelLost)
        expect(transport.stats.frames).toBe(received.length)
        expect(transport.stats.bytes).toBe(received.reduce((sum, { bytes }) => sum + bytes.length, 0))
        expect(transport.stats.truncated).toBe(
          received.filter(({ bytes, fullLength }) => fullLength > bytes.length).length,
        )
        await transport.close()
      }),
      { numRuns: 150 },
    )
  })
})

const half = { probability: 0.5 }

const everything = [
  overrun({ probability: 0.1, length: 2 }),
  drop(half),
  duplicate(half),
  reorder(half),
  truncate(half),
  corrupt(half),
  delay({ ...half, batches: 3 }),
]

test('the same seed repeats the faults, another seed does not', () => {
  const batches = Array.from({ length: 30 }, (_, index) => [
    [index, 1, 2, 3],
    [index, 4],
    [index, 5, 6],
  ])
  const course = (seed: number) => {
    const { peer, transport } = open(everything, seed)
    return { ...run(transport, peer, batches), faults: { ...transport.faults } }
  }
  expect(course(7)).toEqual(course(7))
  expect(course(8)).not.toEqual(course(7))
})

test('another fault does not change the effect of the others', () => {
  const batches = Array.from({ length: 30 }, (_, index) => [
    [index, 1, 2, 3],
    [index, 4],
  ])
  const dropped = (faults: readonly Fault[]) => {
    const { peer, transport } = open(faults, 9)
    const { received } = run(transport, peer, batches)
    return { count: transport.faults.dropped, firsts: received.map(({ bytes }) => bytes[0]) }
  }
  expect(dropped([drop(half), corrupt({ probability: 0 })])).toEqual(dropped([drop(half)]))
})

test('a batch that no fault changes is passed on, and not copied', async () => {
  const { peer, transport } = open([drop({ probability: 0 }), delay({ probability: 0, batches: 1 })], 1)
  peer.deliver([Uint8Array.of(1)])
  const batch = await transport.receive()
  expect(batch.memory).toBe(peer.transport.pool.memory)
})

test('a changed batch is borrowed, held and detached like any other', async () => {
  const { peer, transport } = open([corrupt({ probability: 1 })], 1)
  peer.deliver([Uint8Array.of(1), Uint8Array.of(2)])
  const first = await transport.receive()
  const held = first.hold(1)
  const kept = [...held.memory.copy(held.offset, 1)]
  const { memory } = first
  const offset = first.offset(0)
  first.release()
  expect(memory.u8[offset]).toBe(0xa5)
  expect([...held.memory.copy(held.offset, 1)]).toEqual(kept)
  expect(transport.stats).toMatchObject({ held: 1, copied: 1 })
  peer.deliver([Uint8Array.of(3)])
  const second = await transport.receive()
  await transport.close()
  expect(held.released).toBe(true)
  expect(second.released).toBe(true)
  expect(transport.stats.held).toBe(0)
  expect(() => second.memory.u8).toThrow(expect.objectContaining({ code: 'RELEASED' }))
})

test('copies do not exceed the number of frames', async () => {
  const { peer, transport } = open([corrupt({ probability: 1 })], 1)
  const live: FrameBatch[] = []
  for (let round = 0; round < 3; round++) {
    peer.deliver([Uint8Array.of(round)])
    live.push(await transport.receive())
  }
  peer.deliver([Uint8Array.of(3)])
  await expect(transport.receive()).rejects.toThrow(expect.objectContaining({ code: 'NO_FREE_FRAMES' }))
  live[1]?.release()
  expect((await transport.receive()).fullLength(0)).toBe(1)
})

test('more messages than a batch holds come in several, and the loss in the first', async () => {
  const twice = duplicate({ probability: 1 })
  const { peer, transport } = open([twice, twice], 1)
  peer.lose(5)
  peer.deliver([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)])
  const batches: FrameBatch[] = []
  for (let batch = transport.poll(); batch !== undefined; batch = transport.poll()) batches.push(batch)
  expect(batches.map(({ length }) => length)).toEqual([4, 4, 4])
  expect(batches.map(({ lost }) => lost)).toEqual([5, 0, 0])
  batches[0]?.release()
  batches[2]?.release()
  const free = () => peer.transport.pool.next()
  const slab = free()
  batches[1]?.release()
  expect(free()).not.toBe(slab)
})

test('a batch without remaining frames is returned, and the next one reports its loss', () => {
  const { peer, transport } = open([{ makeReceive: () => dropFirst() }], 1)
  peer.lose(2)
  peer.deliver([Uint8Array.of(1)])
  expect(transport.poll()).toBe(undefined)
  peer.lose(3)
  peer.deliver([Uint8Array.of(2)])
  const batch = transport.poll()
  expect(batch?.lost).toBe(5)
  batch?.release()
  peer.deliver([Uint8Array.of(3)])
  expect(transport.poll()?.lost).toBe(0)
})

function dropFirst() {
  let first = true
  return <Frame>(frames: readonly Frame[]): readonly Frame[] => {
    const left = first ? [] : frames
    first = false
    return left
  }
}

test('a receive continues to wait when everything that came was dropped', async () => {
  const { peer, transport } = open([{ makeReceive: () => dropFirst() }], 1)
  const waiting = transport.receive()
  peer.deliver([Uint8Array.of(1)])
  await new Promise((resolve) => setImmediate(resolve))
  peer.deliver([Uint8Array.of(2)])
  expect(messagesOf(await waiting)).toEqual([{ bytes: [2], fullLength: 1 }])
})

test('closing the transport below closes the one around it', async () => {
  const { peer, transport } = open([], 1)
  let closes = 0
  transport.events.on('close', () => {
    closes++
  })
  const waiting = expect(transport.receive()).rejects.toThrow(expect.objectContaining({ code: 'CLOSED' }))
  await peer.transport.close()
  await waiting
  expect(closes).toBe(1)
  expect(() => transport.poll()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
})

test('an error of the transport below is passed on', async () => {
  const { peer, transport } = open([], 1)
  const stolen = peer.transport.receive()
  stolen.catch(() => {})
  await expect(transport.receive()).rejects.toThrow(expect.objectContaining({ code: 'BUSY' }))
})

test.each([1, 2, 3])('faults can be exact: these messages and no others, with any seed (%i)', (seed) => {
  const { peer, transport } = open([drop({ at: [3, 5] }), duplicate({ at: [1] })], seed)
  const { received } = run(transport, peer, [
    [[0], [1]],
    [[2], [3]],
    [[4], [5]],
  ])
  expect(received.map(({ bytes }) => bytes[0])).toEqual([0, 0, 1, 3, 5])
  expect(transport.faults).toMatchObject({ dropped: 2, duplicated: 1 })
})

test('a decorated transport shows that it is one', () => {
  expect(open([], 1).transport.capabilities.kind).toBe('reference+faults')
})

test.each([
  ['none', [], true, true],
  ['drop', [drop({ probability: 0.1 })], true, false],
  ['reorder', [reorder({ at: [1] })], false, true],
  ['delay', [delay({ at: [1], batches: 1 })], false, false],
  ['others', [duplicate({ at: [1] }), truncate({ at: [1] }), overrun({ at: [1] }), corrupt({ at: [1] })], true, true],
] as const)(
  'a decorated transport promises no more than its faults let it keep: %s',
  (_, faults, ordered, exactLoss) => {
    expect(open(faults, 1).transport.capabilities).toMatchObject({ ordered, exactLoss })
  },
)
