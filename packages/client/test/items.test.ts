import { describe, expect, test } from 'vitest'
import { ItemIterator } from '../src/items.ts'

/** Batches, and what an iteration over them does. */
function source<Item>(...batches: Iterable<Item>[]) {
  const steps: string[] = []
  const left = [...batches]
  const iterator: AsyncIterator<Iterable<Item>, undefined> = {
    async next() {
      const batch = left.shift()
      steps.push(batch === undefined ? 'end' : 'batch')
      return batch === undefined ? { done: true, value: undefined } : { done: false, value: batch }
    },
    async return() {
      steps.push('return')
      return { done: true, value: undefined }
    },
  }
  const iterable = {
    [Symbol.asyncIterator]: () => {
      steps.push('begin')
      return iterator
    },
  }
  return { steps, items: new ItemIterator(iterable) }
}

/** A batch that shows one view, which each step aims at the next item. */
function* views(view: { id: number }, ...ids: number[]): Generator<{ id: number }, undefined> {
  for (const id of ids) {
    view.id = id
    yield view
  }
}

describe('the items of batches', () => {
  test('come one at a time and in their order, those of empty batches too', async () => {
    const { steps, items } = source<number>([], [1, 2], [], [3], [])
    const seen: number[] = []
    for await (const item of items) seen.push(item)
    expect(seen).toEqual([1, 2, 3])
    expect(steps).toEqual(['begin', 'batch', 'batch', 'batch', 'batch', 'batch', 'end'])
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })

  test('nothing is asked of the source before the first step', async () => {
    const { steps, items } = source([1])
    await Promise.resolve()
    expect(steps).toEqual([])
    expect(await items.return()).toEqual({ done: true, value: undefined })
    expect(steps).toEqual([])
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })

  test('a view that each step aims at the next item is shown without a promise for each step', async () => {
    const view = { id: 0 }
    const { items } = source(views(view, 1, 2, 3), views(view, 4, 5))
    expect((await items.next()).value?.id).toBe(1)
    const second = items.next()
    expect((await second).value?.id).toBe(2)
    const third = items.next()
    expect(third).toBe(second)
    expect((await third).value?.id).toBe(3)
    expect((await items.next()).value?.id).toBe(4)
    expect(items.next()).toBe(second)
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })

  test('break and a throw in the body end the batch, once', async () => {
    const { steps, items } = source([1, 2, 3])
    for await (const item of items) if (item === 2) break
    await items.return()
    expect(steps).toEqual(['begin', 'batch', 'return'])
    const other = source([1, 2, 3])
    const loop = async () => {
      for await (const item of other.items) if (item === 2) throw new Error('in the body')
    }
    await expect(loop()).rejects.toThrow('in the body')
    expect(other.steps).toEqual(['begin', 'batch', 'return'])
  })

  test('throw() ends the batch and rejects with its error', async () => {
    const { steps, items } = source([1, 2])
    await items.next()
    await expect(items.throw(new Error('given'))).rejects.toThrow('given')
    expect(steps).toEqual(['begin', 'batch', 'return'])
    expect(await items.next()).toEqual({ done: true, value: undefined })
  })

  test('an error of a batch or of its items rejects the step, and nothing follows', async () => {
    const failing = source<number>([1], {
      [Symbol.iterator]: () => {
        throw new Error('no items')
      },
    })
    await failing.items.next()
    await expect(failing.items.next()).rejects.toThrow('no items')
    expect(await failing.items.next()).toEqual({ done: true, value: undefined })
    function* broken(): Generator<number, undefined> {
      yield 1
      throw new Error('released')
    }
    const second = source<number>(broken(), [2])
    expect(await second.items.next()).toEqual({ done: false, value: 1 })
    await expect(second.items.next()).rejects.toThrow('released')
    expect(await second.items.next()).toEqual({ done: true, value: undefined })
    expect(second.steps).toEqual(['begin', 'batch', 'return'])
  })

  test('steps asked for while a batch is awaited follow each other', async () => {
    const { items } = source([1], [2, 3])
    const steps = await Promise.all([items.next(), items.next(), items.next(), items.next()])
    expect(steps.map(({ value }) => value)).toEqual([1, 2, 3, undefined])
  })

  test('return() lets a step that waits for a batch end first, as an async generator does', async () => {
    const { steps, items } = source([1, 2])
    const [step, end] = await Promise.all([items.next(), items.return()])
    expect([step.value, end.done]).toEqual([1, true])
    expect(steps).toEqual(['begin', 'batch', 'return'])
  })
})
