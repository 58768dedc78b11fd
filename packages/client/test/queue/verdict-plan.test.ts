import { Memory, MessageIterator, QueueMessage, queueVerdict, VERDICT_LENGTH, Verdict } from '@ringlink/codec'
import { OutboxBuffer } from '@ringlink/transport'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FULL_BATCHES_TO_BEGIN, OTHER_BATCHES_TO_END, OverloadGauge } from '../../src/queue/overload.ts'
import { newQueueStats } from '../../src/queue/stats.ts'
import type { VerdictBook } from '../../src/queue/verdict-book.ts'
import { BatchVerdictPlan, isIncreasing, planBatchVerdict, VerdictState } from '../../src/queue/verdict-plan.ts'
import { Verdicts } from '../../src/queue/verdicts.ts'

const { Unanswered, Answered, Settled, Held } = VerdictState

/** The verdicts of a queue that coalesces all that it may, up to `most` packets in one. */
function verdictsOver(outbox: OutboxBuffer, most: number) {
  const stats = newQueueStats()
  const batching = most === Number.POSITIVE_INFINITY ? 'always' : most
  const verdicts = new Verdicts({ number: 5, outbox, ordered: true, unanswered: Verdict.Drop, batching, stats })
  return { verdicts, book: verdicts.book, stats }
}

/** Enters a packet as if it had come with `id`. */
function add(book: VerdictBook, id: number): number {
  const memory = new Memory(4)
  memory.data.setUint32(0, id)
  return book.add(memory, 0)
}

describe('the plan', () => {
  const plan = (verdicts: number[], states: number[], from = 0, to = verdicts.length) => ({
    ...planBatchVerdict(new BatchVerdictPlan(), Uint32Array.from(verdicts), Uint8Array.from(states), from, to),
  })

  test('covers the majority, up to its last packet', () => {
    const all = new Array(6).fill(Answered)
    expect(plan([1, 0, 1, 1, 1, 0], all)).toEqual({ end: 6, answered: 6, covered: 4, verdict: 1, last: 4 })
    expect(plan([0, 0, 0, 0, 0, 1], all)).toEqual({ end: 6, answered: 6, covered: 5, verdict: 0, last: 4 })
  })

  test('ends before the first packet that must wait', () => {
    const verdicts = [1, 1, 1, 1, 1, 1]
    const with3 = (state: number) => [Answered, Answered, Answered, state, Answered, Answered]
    expect(plan(verdicts, with3(Held))).toMatchObject({ end: 3, answered: 3, covered: 3, last: 2 })
    expect(plan(verdicts, with3(Unanswered))).toMatchObject({ end: 3, answered: 3, covered: 3, last: 2 })
    expect(plan(verdicts, [Held, ...with3(Answered).slice(1)])).toMatchObject({ end: 0, answered: 0, covered: 0 })
  })

  test('skips packets that already have a verdict, and takes the rest', () => {
    expect(plan([0, 1, 1, 0], [Settled, Answered, Answered, Settled])).toMatchObject({
      end: 4,
      answered: 2,
      covered: 2,
    })
    expect(plan([0, 0], [Settled, Settled])).toMatchObject({ end: 2, answered: 0, covered: 0, last: -1 })
  })

  test('coalesces nothing for a single packet, and keeps to the given range', () => {
    expect(plan([1, 0], [Answered, Answered])).toMatchObject({ end: 2, answered: 2, covered: 0, last: -1 })
    const all = new Array(5).fill(Answered)
    expect(plan([0, 0, 1, 1, 0], all, 2, 4)).toEqual({ end: 4, answered: 2, covered: 2, verdict: 1, last: 3 })
  })

  test('knows increasing ids, across the wrap', () => {
    const increasing = (ids: number[], before?: number) => isIncreasing(Uint32Array.from(ids), ids.length, before)
    expect(increasing([1, 2, 9])).toBe(true)
    expect(increasing([1, 2, 9], 0)).toBe(true)
    expect(increasing([1, 2, 9], 1)).toBe(false)
    expect(increasing([1, 2, 2])).toBe(false)
    expect(increasing([3, 2])).toBe(false)
    expect(increasing([0xfffffffe, 0xffffffff, 0, 5], 0xfffffff0)).toBe(true)
    expect(increasing([0, 0xffffffff])).toBe(false)
    expect(increasing([])).toBe(true)
  })
})

/** A model of the kernel's queue: the waiting packets in order of id, and the verdicts of the others. */
class ModelQueue {
  readonly waiting: number[]
  readonly verdicts: Map<number, number> = new Map()
  batches = 0

  constructor(waiting: number[]) {
    this.waiting = waiting
  }

  /** Processes the messages of a send. The kernel answers a verdict without a packet with ENOENT. */
  receive(outbox: OutboxBuffer, offset: number, length: number): number {
    const { memory } = outbox
    const messages = new MessageIterator().wrap(memory, offset, length)
    while (messages.next()) {
      const { type, offset: start } = messages.view
      const verdict = memory.data.getUint32(start + 24)
      const id = memory.data.getUint32(start + 28)
      if (type === QueueMessage.VerdictBatch) this.#batch(id, verdict)
      else this.#single(id, verdict)
    }
    expect(messages.problem).toBeUndefined()
    return length
  }

  #single(id: number, verdict: number): void {
    const index = this.waiting.indexOf(id)
    if (index < 0) throw new Error(`ENOENT: packet ${id} is not queued`)
    this.waiting.splice(index, 1)
    this.verdicts.set(id, verdict)
  }

  #batch(last: number, verdict: number): void {
    this.batches++
    let count = 0
    for (; this.waiting.length > 0 && (((this.waiting[0] as number) - last) | 0) <= 0; count++) {
      this.verdicts.set(this.waiting.shift() as number, verdict)
    }
    if (count === 0) throw new Error(`ENOENT: nothing is queued up to ${last}`)
  }
}

const verdict = fc.oneof(
  { weight: 6, arbitrary: fc.constant(Verdict.Accept as number) },
  { weight: 3, arbitrary: fc.constant(Verdict.Drop as number) },
  { weight: 1, arbitrary: fc.constantFrom(Verdict.Repeat, queueVerdict(9), 0xffff0000) },
)
const state = fc.oneof(
  { weight: 30, arbitrary: fc.constant(Answered) },
  { weight: 2, arbitrary: fc.constant(Settled) },
  { weight: 1, arbitrary: fc.constantFrom(Held, Unanswered) },
)
const packets = fc.array(
  // `gap`: packets before it that the kernel could not deliver and did not keep.
  fc.record({ gap: fc.oneof(fc.constant(0), fc.nat(3)), verdict, state }),
  { maxLength: 80 },
)
const firstId = fc.oneof(fc.integer({ min: 0xffffffc0, max: 0xffffffff }), fc.integer({ min: 0, max: 0xffffffff }))

describe('the written verdicts, on a model of the kernel', () => {
  test('give every packet exactly its own verdict and touch no other, in every batching mode', () => {
    const batches = { sent: 0 }
    fc.assert(
      fc.property(
        firstId,
        packets,
        fc.nat(5),
        fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 12 })),
        fc.oneof(fc.constant(4096), fc.integer({ min: 1, max: 6 })),
        (first, list, unread, most, capacity) => {
          const outbox: OutboxBuffer = new OutboxBuffer(capacity * VERDICT_LENGTH, (offset, length) =>
            kernel.receive(outbox, offset, length),
          )
          const { verdicts, book, stats } = verdictsOver(outbox, most)
          const required = new Map<number, number>()
          const waiting: number[] = []
          const mustStay: number[] = []
          let id = first
          for (const { gap, verdict, state } of list) {
            id = (id + 1 + gap) >>> 0
            const index = add(book, id)
            if (state === Settled) book.settle(index)
            if (state === Held) book.hold(index)
            if (state === Answered) {
              book.answer(index, verdict)
              required.set(id, verdict)
            }
            if (state === Held || state === Unanswered) mustStay.push(id)
            if (state !== Settled) waiting.push(id)
          }
          for (let i = 0; i < unread; i++) {
            id = (id + 1) >>> 0
            waiting.push(id)
            mustStay.push(id)
          }
          const kernel = new ModelQueue(waiting)
          verdicts.send()
          const coalesced = stats.batchVerdicts
          expect(kernel.verdicts).toEqual(required)
          expect(kernel.waiting).toEqual(mustStay)
          expect(kernel.batches).toBe(coalesced)
          if (most === 1) expect(coalesced).toBe(0)
          batches.sent += coalesced
          // Nothing is written twice.
          const { sent } = outbox
          verdicts.send()
          expect(outbox.sent).toBe(sent)
        },
      ),
      { numRuns: 2000 },
    )
    expect(batches.sent).toBeGreaterThan(1000)
  })

  test('have the same effect when written in two parts with a flush in between', () => {
    fc.assert(
      fc.property(packets, fc.nat(80), (list, pause) => {
        const kernel = new ModelQueue(list.map((_, index) => index + 1))
        const outbox: OutboxBuffer = new OutboxBuffer(1 << 14, (offset, length) =>
          kernel.receive(outbox, offset, length),
        )
        const { verdicts, book } = verdictsOver(outbox, Number.POSITIVE_INFINITY)
        for (const index of list.keys()) add(book, index + 1)
        for (const [index, { verdict }] of list.entries()) {
          if (index === pause) {
            verdicts.send()
          }
          book.answer(index, verdict)
        }
        verdicts.send()
        expect(kernel.waiting).toEqual([])
        expect([...kernel.verdicts].sort(([a], [b]) => a - b)).toEqual(
          list.map(({ verdict }, index) => [index + 1, verdict]),
        )
      }),
    )
  })

  test('are not coalesced if ids step back, within a batch or from the previous one', () => {
    const types: number[] = []
    const outbox: OutboxBuffer = new OutboxBuffer(4096, (offset, length) => {
      const messages = new MessageIterator().wrap(outbox.memory, offset, length)
      while (messages.next()) types.push(messages.view.type)
      return length
    })
    const { verdicts, book, stats } = verdictsOver(outbox, 64)
    const write = (...ids: number[]) => {
      book.clear()
      for (const id of ids) book.answer(add(book, id), Verdict.Accept)
      const before = stats.batchVerdicts
      verdicts.send()
      return stats.batchVerdicts - before
    }
    expect(write(10, 11, 12)).toBe(1)
    expect(write(13, 15, 14)).toBe(0)
    expect(write(12, 16, 17)).toBe(0)
    expect(write(18, 18, 19)).toBe(0)
    expect(types).toEqual([3, ...new Array(9).fill(1)].map((type) => 0x300 + type))
    expect(write(20, 21)).toBe(1)
  })
})

describe('overload', () => {
  test('begins after consecutive full batches, and ends after some that are not full', () => {
    const gauge = new OverloadGauge()
    const note = (isFull: boolean, times: number) => {
      for (let i = 0; i < times; i++) gauge.note(isFull)
      return gauge.overloaded
    }
    expect(note(true, FULL_BATCHES_TO_BEGIN - 1)).toBe(false)
    expect(note(false, 1)).toBe(false)
    expect(note(true, FULL_BATCHES_TO_BEGIN - 1)).toBe(false)
    expect(note(true, 1)).toBe(true)
    expect(note(false, OTHER_BATCHES_TO_END - 1)).toBe(true)
    expect(note(true, 1)).toBe(true)
    expect(note(false, OTHER_BATCHES_TO_END)).toBe(false)
  })
})
