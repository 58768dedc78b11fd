/**
 * Values of each property that are refused, with the path: of the wrong type, out of range, twice, and excluded by
 * `not`.
 */
import { MAXIMUM_NFTABLES_NAME } from '@ringlink/codec/internal'
import { SimKernel } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import { type FirewallRule, installRules, type RuleMatch } from '../../src/index.ts'
import { propertyItems } from './property-items.ts'

/** Installs a rule that must be refused before anything is opened; the error. */
async function refusalOf(rule: unknown, options: object = {}): Promise<unknown> {
  const kernel = new SimKernel()
  let opened = 0
  const transport = (needs: Parameters<typeof kernel.open>[0]) => {
    opened++
    return kernel.open(needs)
  }
  const error: unknown = await installRules([rule as FirewallRule], { transport, ...options }).catch(
    (it: unknown) => it,
  )
  expect(error).toMatchObject({ name: 'OptionError', code: expect.stringMatching(/^(ARGUMENT|VALUE_RANGE)$/) })
  expect(opened).toBe(0)
  return error
}

const nothings = [
  null,
  Number.NaN,
  -1,
  1.5,
  '',
  [],
  {},
  2 ** 70,
  'nothing',
  [null],
  { from: 5 },
  { from: 9, to: 5 },
] as const
/** Values that some properties have. */
const isFor: Readonly<Record<string, (value: unknown) => boolean>> = {
  inputInterface: (value) => value === 'nothing',
  outputInterface: (value) => value === 'nothing',
}

const items = Object.entries(propertyItems).flatMap(([name, [item]]) => (item === undefined ? [] : [{ name, item }]))

describe.each(items)('$name', ({ name, item }) => {
  const { hook = 'prerouting', beside, has, refusesNot } = item
  const value = (has as Readonly<Record<string, unknown>>)[name]
  const ruleOf = (match: object): FirewallRule => ({ hook, match: { ...beside, ...match } as RuleMatch })

  test('refuses values that it does not have', async () => {
    for (const wrong of nothings.filter((it) => isFor[name]?.(it) !== true)) {
      const path = expect.stringMatching(new RegExp(`^rules\\[0\\]\\.match\\.${name}\\b`))
      expect(await refusalOf(ruleOf({ [name]: wrong })), JSON.stringify(wrong)).toMatchObject({ path })
      const inNot = expect.stringMatching(new RegExp(`^rules\\[0\\]\\.match\\.not\\.${name}\\b`))
      expect(await refusalOf(ruleOf({ not: { [name]: wrong } })), JSON.stringify(wrong)).toMatchObject({ path: inNot })
    }
  })

  test('refuses a value that is excluded', async () => {
    if (refusesNot === true) return
    // Of some properties, what says the same is refused first: the IP version of an address.
    const path = `rules[0].match.not.${name}`
    expect(await refusalOf(ruleOf({ [name]: value, not: { [name]: value } }))).toMatchObject({ path })
  })

  test('refuses the same value twice', async () => {
    const single: unknown = Array.isArray(value) ? value[0] : value
    const path = `rules[0].match.${name}`
    const error = await refusalOf(ruleOf({ [name]: [single, single] }))
    expect(error).toMatchObject({ path: expect.stringContaining(path) })
  })
})

describe('names', () => {
  const long = 'x'.repeat(MAXIMUM_NFTABLES_NAME + 1)
  // Of two bytes in UTF-8 each.
  const wide = 'ä'.repeat(MAXIMUM_NFTABLES_NAME - 20)
  const input = (more: object) => ({ hook: 'input', ...more })
  const limit = { rate: 1, per: 'day', by: 'sourceAddress' } as const
  const rules: Readonly<Record<string, (name: string) => object>> = {
    chain: (chain) => ({ chain }),
    jump: (jump) => input({ jump }),
    goto: (goto) => input({ goto }),
    counter: (counter) => input({ counter }),
    'addTo.set': (set) => input({ addTo: { set, by: 'mark' } }),
    'limit.set': (set) => input({ limit: { ...limit, set } }),
    'match.mark.in': (set) => input({ match: { mark: { in: set } } }),
    'setMark.map': (map) => input({ setMark: { map, by: 'mark' } }),
  }

  test.each(Object.keys(rules))('%s: the kernel takes 255 bytes', async (path) => {
    for (const name of [long, wide, ''])
      expect(await refusalOf(rules[path]?.(name))).toMatchObject({ path: `rules[0].${path}` })
  })

  test('of the table, too', async () => {
    for (const table of [long, wide, '']) expect(await refusalOf(input({}), { table })).toMatchObject({ path: 'table' })
  })

  test('of devices have 15 bytes, without white space, / and :', async () => {
    for (const name of ['x'.repeat(16), 'ä'.repeat(8), 'a b', 'a/b', 'a:b', '.', '..', '*']) {
      expect(await refusalOf({ hook: 'input', match: { inputInterface: ['lo', name] } })).toMatchObject({
        path: 'rules[0].match.inputInterface[1]',
      })
    }
  })
})
