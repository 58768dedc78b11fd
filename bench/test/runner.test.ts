import { expect, test } from 'vitest'
import type { Experiment, Outcome, Settings } from '../src/experiment.ts'
import { runAll } from '../src/runner.ts'

const settings: Settings = {
  repetitions: 3,
  window: 0,
  scale: 1,
  patience: 0,
  redos: 2,
  warm: 0,
  limit: Number.POSITIVE_INFINITY,
}
const quiet = { run: () => {}, missing: () => {}, outOfTime: () => {} }
const load = (others: number) => ({ seconds: 1, others, softirq: 0 })

function experiment(run: (contender: string) => Outcome, obstacle?: string): Experiment {
  return {
    name: 'work',
    group: 'queue',
    title: '',
    unit: '',
    better: 'more',
    contenders: ['a', 'b'],
    obstacle: (contender) => (contender === 'b' ? obstacle : undefined),
    run: async (contender) => run(contender),
  }
}

test('the order is reversed in every other repetition', async () => {
  const order: string[] = []
  await runAll(
    [
      experiment((contender) => {
        order.push(contender)
        return { value: 1, details: {} }
      }),
    ],
    settings,
    quiet,
  )
  expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b'])
})

test('a disturbed run is measured again, up to a limit, and says so', async () => {
  const others = [2, 0.1, 3, 1, 2]
  const { runs } = await runAll(
    [
      experiment((contender) => ({
        value: others[0] ?? 0,
        details: {},
        load: load(contender === 'a' ? (others.shift() ?? 0) : 0),
      })),
    ],
    { ...settings, repetitions: 2 },
    quiet,
  )
  const ofA = runs.filter(({ contender }) => contender === 'a')
  expect(ofA.map(({ redone, isDisturbed, otherCores }) => ({ redone, isDisturbed, otherCores }))).toEqual([
    { redone: 1, isDisturbed: false, otherCores: 0.1 },
    { redone: 2, isDisturbed: true, otherCores: 1 },
  ])
})

test('a contender that cannot take part is named with the reason, and the others continue', async () => {
  const { runs, missing } = await runAll(
    [experiment(() => ({ value: 1, details: {} }), 'not installed')],
    settings,
    quiet,
  )
  expect(missing).toEqual([{ workload: 'work', contender: 'b', reason: 'not installed' }])
  expect(runs).toHaveLength(3)
  const failing = experiment((contender) => {
    if (contender === 'a') throw new Error('it does not start')
    return { value: 1, details: {} }
  })
  const result = await runAll([failing], settings, quiet)
  expect(result.missing).toEqual([{ workload: 'work', contender: 'a', reason: 'it does not start' }])
  expect(result.runs).toHaveLength(3)
})

test('when the time is up the first repetition is still completed', async () => {
  let cut: number | undefined
  const { runs } = await runAll(
    [experiment(() => ({ value: 1, details: {} }))],
    { ...settings, limit: 0 },
    {
      ...quiet,
      outOfTime: (repetition) => {
        cut = repetition
      },
    },
  )
  expect(runs.map(({ contender, repetition }) => [contender, repetition])).toEqual([
    ['a', 0],
    ['b', 0],
  ])
  expect(cut).toBe(1)
})
