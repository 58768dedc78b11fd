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
