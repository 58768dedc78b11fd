import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { changeElements, refuseElements, setRules, sets } from './set-scenario.ts'

const PORT = 9100

describe.skipIf(kernelUnavailable)(kernelTests('sets of the real kernel'), () => {
  let namespace: Namespace

  beforeEach(async () => {
    namespace = await Namespace.open()
  })

  afterEach(async () => {
    await namespace.close()
  })

  test('are changed and listed as those of the simulated one', async () => {
    const rules = await namespace.install(setRules, { sets })
    await changeElements(rules)
    await refuseElements(rules)
  })

  test('decide about packets without user space, and take what rules add', async () => {
    const rules = await namespace.install(setRules, { sets })
    await rules.set('blocked').add('127.1.0.1')
    await rules.set('nets').add('127.1.0.0/16')
    for (const address of ['127.1.0.1', '127.1.0.2', '127.2.0.1'])
      await namespace.send({ port: PORT, address, count: 3 })
    expect((await rules.counters()).slice(0, 3).map(({ packets }) => packets)).toEqual([3, 6, 3])
    const seen = await rules.set('seen').list()
    expect(seen.map(({ value }) => value).sort()).toEqual(['127.1.0.2', '127.2.0.1'])
    expect(seen[0]?.timeout).toBe(60_000)
  })
})
