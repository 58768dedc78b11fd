import { decodeText } from '@ringlink/codec'
import { fuzzBytes, type Random } from '@ringlink/test-support/byte-fuzz'

import fc from 'fast-check'
import { checkRules, type FirewallRule, formatRule } from '../../src/index.ts'
import { nftTexts } from './nft-texts.ts'
import { randomRules } from './random-rules.ts'

const FAMILIES = ['ip', 'ip6', 'inet', 'bridge', 'netdev', 'arp'] as const
const encoder = new TextEncoder()
const seeds = nftTexts.map((text) => encoder.encode(text))
const rules = fc.sample(randomRules(FAMILIES), { numRuns: 300, seed: 14 }).flatMap((it) => it.rules)
const JUNK: readonly unknown[] = [
  ...[undefined, null, true, 0, -1, 1.5, Number.NaN, 2 ** 32, 2 ** 53, '', 'x', '\u009b31m', 'a'.repeat(300)],
  ...[[], [[]], {}, { from: 2, to: 1 }, () => 0, Symbol('junk'), 5n, new Date(0), Object.create(null)],
]

/** A copy of a value with something else at a random place in it. */
function damaged(value: unknown, random: Random, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || (depth > 0 && random.below(4) === 0)) {
    return JUNK[random.below(JUNK.length)]
  }
  const keys = Object.keys(value)
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : { ...value }
  if (keys.length === 0 || random.below(8) === 0) return { ...copy, [`key${random.below(9)}`]: 1 }
  const key = keys[random.below(keys.length)] as string
  const fields = copy as Record<string, unknown>
  fields[key] = damaged(fields[key], random, depth + 1)
  return copy
}

/** Checks, and shows what was taken. */
function check(rule: string | FirewallRule, random: Random): void {
  const family = random.below(3) === 0 ? undefined : FAMILIES[random.below(FAMILIES.length)]
  for (const checked of checkRules([rule], { family })) formatRule(checked, { family })
}

fuzzBytes({
  name: 'check',
  share: 0.1,
  seeds,
  longest: 65_536,
  codes: ['ARGUMENT', 'VALUE_RANGE'],
  attempt(memory, offset, length, random) {
    if (random.below(4) > 0) check(decodeText(memory.u8.slice(offset, offset + length)), random)
    else check(damaged(rules[random.below(rules.length)], random) as FirewallRule, random)
  },
})
