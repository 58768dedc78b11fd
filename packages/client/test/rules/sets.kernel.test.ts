import { release } from 'node:os'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SetOptions, SetValue } from '../../src/index.ts'
import { changeElements, refuseElements, setRules, sets } from './set-scenario.ts'

const PORT = 9100

/** A set that is replaced while packets are sent to an address that it always has. */
interface ReplacedSet {
  readonly name: string
  readonly set: SetOptions
  readonly count: number
  readonly key: string
  elementOf(index: number): SetValue
  readonly kept: SetValue
  /** why this kernel does not do it at once */
  readonly not?: string | undefined
}

/** Linux 6.1 has no element of such a set that is active between two of its generations. */
const gap = release().startsWith('6.1.')
  ? 'Linux 6.1 lets packets pass at the moment in which a set of ranges of several values is replaced'
  : undefined

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

  const replaced: readonly ReplacedSet[] = [
    {
      name: 'single addresses',
      set: { type: 'ipv4' },
      count: 5000,
      key: 'ip daddr',
      elementOf: (i) => `10.0.${i >> 8}.${i & 255}`,
      kept: '127.1.0.1',
    },
    {
      name: 'ranges',
      set: { type: 'ipv4', ranges: true },
      count: 1000,
      key: 'ip daddr',
      elementOf: (i) => `10.${i >> 8}.${i & 255}.0/25`,
      kept: '127.1.0.0/24',
    },
    {
      name: 'ranges of several values',
      set: { type: ['ipv4', 'port'], ranges: true },
      count: 200,
      key: 'ip daddr . udp dport',
      elementOf: (i) => [`10.${i >> 8}.${i & 255}.0/25`, { from: 1, to: 9 }],
      kept: ['127.1.0.0/24', { from: 9000, to: 9999 }],
      not: gap,
    },
  ]

  test.for(replaced)(
    'a set of $name is replaced at once: packets meet the old one or the new one',
    async ({ set, count, key, elementOf, kept, not }, { skip }) => {
      if (not !== undefined) skip(not)
      const rules = await namespace.install([`output udp dport ${PORT} ${key} @own drop`], { sets: { own: set } })
      const own = rules.set('own')
      const all = Array.from({ length: 2 * count }, (_, i) => elementOf(i))
      await own.add([kept, ...all.slice(count)])
      const sending = namespace.send({ port: PORT, address: '127.1.0.1', count: 20_000 })
      for (let round = 0; round < 6; round++) {
        await own.replace([...all.slice((round % 2) * count, (round % 2) * count + count), kept])
      }
      await sending
      expect(await rules.counters()).toMatchObject([{ packets: 20_000 }])
      expect(await own.list()).toHaveLength(count + 1)
    },
  )

  test('what rules add is watched', async () => {
    const rules = await namespace.install(setRules, { sets })
    const changes = rules.set('seen').watch({ interval: 1 })
    for (const address of ['127.1.0.1', '127.1.0.2']) {
      await namespace.send({ port: PORT, address })
      expect((await changes.next()).value).toEqual({ added: [address], removed: [] })
    }
    await changes.return()
  })
})
