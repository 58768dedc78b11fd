/**
 * Every property, with and without `not`: as an object and in nft's words, checked, compiled, and met by packets of the
 * simulated kernel.
 */
import { Hook } from '@ringlink/codec'
import { SimKernel } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import { type FirewallRule, formatRule, installRules, parseRule, type RuleMatch } from '../../src/index.ts'
import { fields } from '../../src/rules/fields/fields.ts'
import { compileMatch } from '../../src/rules/match.ts'
import { type PropertyItem, propertyItems } from './property-items.ts'

const items = Object.entries(propertyItems).flatMap(([name, list]) =>
  list.map((item, index) => ({ item, name: list.length === 1 ? name : `${name} (${index + 1})` })),
)

function ruleOf({ hook = 'prerouting', beside }: PropertyItem, match: RuleMatch): FirewallRule {
  return { hook, match: { ...beside, ...match } }
}

/** Everything that decides what a rule matches. */
function compiled({ match = {} }: FirewallRule) {
  let id = 0
  const { expressions, sets } = compileMatch(match, { family: 'inet', needsVersion: false, nextSetId: () => ++id })
  return { expressions, sets }
}

test('every property is here', () => {
  const names = fields.map(({ name }) => name)
  expect(Object.keys(propertyItems).sort()).toEqual(['version', ...names].sort())
})

describe.each(items)('$name', ({ item }) => {
  const { has, lacks, words, besideWords, bytes, before, meta, refusesNot } = item
  const all = [
    { rule: ruleOf(item, has), isMet: true, text: words[0] },
    ...(refusesNot === true ? [] : [{ rule: ruleOf(item, { not: has }), isMet: false, text: words[1] }]),
    { rule: ruleOf(item, lacks), isMet: false, text: undefined },
    { rule: ruleOf(item, { not: lacks }), isMet: true, text: undefined },
  ]
  const rules = all.map(({ rule }) => rule)

  test('is met by the packet that has it, and by no other', async () => {
    const kernel = new SimKernel()
    await using installed = await installRules(rules, { transport: (needs) => kernel.open(needs) })
    const counts = async () => (await installed.counters()).map(({ packets }) => packets)
    if (before !== undefined) kernel.inject(before, { hook: Hook.Prerouting, ...meta })
    const earlier = await counts()
    kernel.inject(bytes, { hook: Hook.Prerouting, ...meta })
    const met = (await counts()).map((count, index) => count - (earlier[index] ?? 0))
    expect(met).toEqual(all.map(({ isMet }) => (isMet ? 1 : 0)))
  })

  test("has nft's words", () => {
    for (const { rule, text } of all) {
      if (text === undefined) continue
      const whole = [rule.hook, besideWords, text].filter((it) => it !== undefined).join(' ')
      expect(formatRule(rule)).toContain(text)
      expect(compiled(parseRule(whole))).toEqual(compiled(rule))
    }
  })

  test('is the same rule once it is written and read', () => {
    for (const rule of rules) {
      const read = parseRule(formatRule(rule))
      expect(compiled(read)).toEqual(compiled(rule))
      expect(parseRule(formatRule(read))).toEqual(read)
    }
  })
})
