import { Memory } from '@ringlink/codec'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AuditRule, readAuditRule, writeAuditRule } from '../../src/by-hand/audit-rule.ts'
import { AuditField, AuditOperator } from '../../src/by-hand/audit-rule-constants.ts'

const read = (bytes: Uint8Array) => readAuditRule(Memory.from(bytes), 0, bytes.length)
const word = fc.integer({ min: 0, max: 0xffff_ffff })
const condition = fc.oneof(
  fc.record({ field: fc.constantFrom(AuditField.Uid, AuditField.Exit, AuditField.Arg3), operator: word, value: word }),
  fc.record({
    field: fc.constantFrom(AuditField.Filterkey, AuditField.Watch, AuditField.ObjRole),
    operator: fc.constant(AuditOperator.Equal),
    value: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 }),
  }),
)
const rules: fc.Arbitrary<AuditRule> = fc.record({
  list: word,
  action: word,
  syscalls: fc
    .uniqueArray(fc.integer({ min: 0, max: 2047 }), { maxLength: 60 })
    .map((all) => all.sort((a, b) => a - b)),
  conditions: fc.array(condition, { maxLength: 64 }),
})

test('what is written is read', () => {
  const property = fc.property(rules, (rule) => {
    expect(read(writeAuditRule(rule))).toEqual(rule)
  })
  fc.assert(property)
})

test('the struct has the places that the kernel gives it', () => {
  const conditions = [{ field: AuditField.Filterkey, operator: AuditOperator.Equal, value: 'abc' }]
  const bytes = writeAuditRule({ list: 4, action: 2, syscalls: [33], conditions })
  const words = new Uint32Array(bytes.slice(0, 1040).buffer)
  expect(bytes).toHaveLength(1043)
  expect([...words.subarray(0, 3)]).toEqual([4, 2, 1])
  expect([words[4], words[67], words[131], words[195], words[259]]).toEqual([2, 210, 3, 0x4000_0000, 3])
  expect(new TextDecoder().decode(bytes.subarray(1040))).toBe('abc')
})

test('malformed and impossible rules are refused', () => {
  const whole = writeAuditRule({
    ...{ list: 4, action: 2, syscalls: [] },
    conditions: [{ field: AuditField.Watch, operator: AuditOperator.Equal, value: '/etc' }],
  })
  for (const length of [0, 1039, 1042]) {
    expect(() => read(whole.slice(0, length))).toThrow(expect.objectContaining({ code: 'ATTRIBUTE_SIZE' }))
  }
  const rule = { list: 4, action: 2, syscalls: [], conditions: [] }
  for (const wrong of [
    { ...rule, list: -1 },
    { ...rule, action: '2' },
    { ...rule, syscalls: [2048] },
    { ...rule, conditions: 'none' },
    { ...rule, conditions: new Array(65).fill({ field: 1, operator: 0, value: 0 }) },
  ]) {
    expect(() => writeAuditRule(wrong)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
  }
})

test('what a rule does not have, or has of a wrong type, is refused by its path', () => {
  const rule = { list: 4, action: 2, syscalls: [], conditions: [{ field: 1, operator: 0, value: 0 }] }
  const [known] = rule.conditions
  const cases: [unknown, string][] = [
    [undefined, 'audit rule must be an object, got undefined'],
    [5, 'audit rule must be an object, got 5'],
    [[], 'audit rule must be an object, got an array'],
    [{}, 'audit rule: conditions must be an array of at most 64 elements, got undefined'],
    [{ ...rule, syscals: [] }, 'audit rule has no field "syscals"; did you mean "syscalls"?'],
    [{ ...rule, syscalls: undefined }, 'audit rule: syscalls must be an array of at most 2048 elements, got undefined'],
    [{ ...rule, syscalls: ['5'] }, "audit rule: syscalls[0] must be an integer from 0 to 2047, got '5' (string)"],
    [{ ...rule, conditions: [null] }, 'audit rule: conditions[0] must be an object, got null'],
    [
      { ...rule, conditions: [known, { ...known, valeu: 5 }] },
      'audit rule: conditions[1] has no field "valeu"; did you mean "value"?',
    ],
    [
      { ...rule, conditions: [{ ...known, value: true }] },
      'audit rule: conditions[0].value must be an integer from 0 to 4294967295, got true (boolean)',
    ],
  ]
  for (const [given, message] of cases) expect(() => writeAuditRule(given)).toThrow(message)
})

test('no rule makes the writer fail otherwise than by a code', () => {
  const property = fc.property(
    fc.anything(),
    fc.constantFrom('list', 'action', 'syscalls', 'conditions'),
    (value, name) => {
      const rule = { list: 4, action: 2, syscalls: [], conditions: [], [name]: value }
      for (const given of [value, rule, { ...rule, conditions: [value] }]) {
        try {
          writeAuditRule(given)
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(VALUE_RANGE|ATTRIBUTE_UNKNOWN)$/) })
        }
      }
    },
  )
  fc.assert(property)
})
