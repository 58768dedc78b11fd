/** The suggestions of schema.ts for keys within alternatives. */

import { runs } from '@ringlink/test-support/fuzz'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OptionError } from '../../src/errors.ts'
import { either, integer, list, object, readOptions, type Schema, text } from '../../src/options/index.ts'

interface Match {
  readonly protocol?: number | undefined
  readonly mark?: number | undefined
}
interface Limit {
  readonly packets?: number | undefined
  readonly interval?: number | undefined
}
const byte = integer(0, 255)
const match: Schema<Match> = object<Match>({ protocol: byte, mark: byte })
const limit: Schema<Limit> = object<Limit>({ packets: byte, interval: byte })

function refusal<Value>(schema: Schema<Value>, given: unknown): string {
  try {
    readOptions('open', schema, given)
  } catch (error) {
    if (error instanceof OptionError) return error.message
    throw error
  }
  return 'accepted'
}

describe('an object that is one of two alternatives', () => {
  test('names the member that has a key which was given beside it', () => {
    const rule = object<{ rule?: Match | readonly Match[] | undefined }>({ rule: either(match, list(match, 1)) })
    expect(refusal(rule, { protocol: 6 })).toBe('open: unknown key protocol, did you mean rule.protocol?')
    const listFirst = object<{ rule?: Match | readonly Match[] | undefined }>({ rule: either(list(match, 1), match) })
    expect(refusal(listFirst, { mark: 6 })).toBe('open: unknown key mark, did you mean rule.mark?')
  })

  test('is read as the alternative that knows its keys', () => {
    const schema = object<{ when?: Match | Limit | undefined }>({ when: either(match, limit) })
    expect(readOptions('open', schema, { when: { packets: 3 } })).toEqual({ when: { packets: 3 } })
    expect(readOptions('open', schema, { when: { protocol: 3 } })).toEqual({ when: { protocol: 3 } })
    expect(refusal(schema, { when: { pakets: 3 } })).toBe('open: unknown key when.pakets, did you mean packets?')
    expect(refusal(schema, { when: { intervall: 3, packets: 2 } })).toBe(
      'open: unknown key when.intervall, did you mean interval?',
    )
  })
})

/** Names of which none is within a few typing errors of another, or part of one. */
const NAMES = ['protocol', 'copyRange', 'threshold', 'signal', 'bufferSize', 'failOpen', 'device', 'wakeUp', 'queue']

interface Described {
  readonly schema: Schema<unknown>
  /** a value of it in which the key `from` of one object is called `to` */
  value(from: string, to: string): unknown
  /** keys of its innermost object */
  readonly keys: readonly string[]
}

const leaf = object as (members: Record<string, Schema<unknown>>) => Schema<unknown>
const ofKeys = (names: readonly string[]): Described => ({
  schema: leaf(Object.fromEntries(names.map((name) => [name, byte]))),
  value: (from, to) => Object.fromEntries(names.map((name) => [name === from ? to : name, 1])),
  keys: names,
})

/** Ways to put a description into another one, with an alternative of another type or of other keys. */
const wrappings: readonly ((inner: Described) => Described)[] = [
  (inner) => ({ ...inner, schema: either(inner.schema, integer(0, 9)) }),
  (inner) => ({ ...inner, schema: either(text(1, 9), inner.schema) }),
  (inner) => ({ ...inner, schema: either(leaf({ unrelated: byte, somethingElse: byte }), inner.schema) }),
  (inner) => ({ ...inner, schema: either(inner.schema, leaf({ unrelated: byte, somethingElse: byte })) }),
  (inner) => ({
    schema: either(inner.schema, list(inner.schema, 1)),
    value: (from, to) => [inner.value(from, to)],
    keys: inner.keys,
  }),
  (inner) => ({
    schema: leaf({ outermost: inner.schema }),
    value: (from, to) => ({ outermost: inner.value(from, to) }),
    keys: inner.keys,
  }),
]

/** One letter of a name removed, doubled, replaced, or swapped with the next one. */
const slips: readonly ((name: string, at: number) => string)[] = [
  (name, at) => name.slice(0, at) + name.slice(at + 1),
  (name, at) => name.slice(0, at) + name[at] + name.slice(at),
  (name, at) => `${name.slice(0, at)}z${name.slice(at + 1)}`,
  (name, at) => name.slice(0, at) + (name[at + 1] ?? '') + name[at] + name.slice(at + 2),
]

test('for any description with alternatives, a key with one wrong letter is answered with the key', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
      fc.array(fc.constantFrom(...wrappings), { maxLength: 4 }),
      fc.nat(),
      fc.nat(),
      fc.constantFrom(...slips),
      (names, wraps, which, where, slip) => {
        const described = wraps.reduce((inner, wrap) => wrap(inner), ofKeys(names))
        const key = names[which % names.length] as string
        const wrong = slip(key, where % key.length)
        fc.pre(!NAMES.includes(wrong))
        const message = refusal(described.schema, described.value(key, wrong))
        expect(message).toContain(`${wrong}, did you mean ${key}`)
        expect(refusal(described.schema, described.value(key, key))).toBe('accepted')
      },
    ),
    { numRuns: runs },
  )
})
