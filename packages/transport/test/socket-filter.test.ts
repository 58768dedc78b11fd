import { Memory } from '@ringlink/codec'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeFilter, FilterExtension, type FilterInstruction, FilterOperation, runFilter } from '../src/index.ts'

const put = (code: FilterOperation, k: number, ifTrue = 0, ifFalse = 0): FilterInstruction => ({
  code,
  k,
  ifTrue,
  ifFalse,
})
const KEEP = put(FilterOperation.Return, 0xffffffff)
const DROP = put(FilterOperation.Return, 0)
/** A message with attribute 3, which nests attribute 5 with the payload 0x01020304. */
const message = Memory.from(Uint8Array.of(0, 0, 0, 0, 12, 0, 3, 0x80, 8, 0, 5, 0, 1, 2, 3, 4))
const run = (...program: FilterInstruction[]) => runFilter(program, message, 0, 16)

test('loads are in network order and end the program outside of the message', () => {
  expect(run(put(FilterOperation.LoadWord, 12), put(FilterOperation.JumpIfEqual, 0x01020304, 0, 1), KEEP, DROP)).toBe(
    0xffffffff,
  )
  expect(run(put(FilterOperation.LoadHalfWord, 14), put(FilterOperation.JumpIfEqual, 0x0304, 0, 1), KEEP, DROP)).toBe(
    0xffffffff,
  )
  for (const [code, at] of [
    [FilterOperation.LoadWord, 13],
    [FilterOperation.LoadHalfWord, 15],
    [FilterOperation.LoadByte, 16],
  ] as const)
    expect(run(put(code, at), KEEP)).toBe(0)
})

test('attributes are found, nested ones too, and are 0 where there is none', () => {
  const find = (outer: number, inner: number) =>
    run(
      put(FilterOperation.LoadConstant, 4),
      put(FilterOperation.LoadIndex, outer),
      put(FilterOperation.LoadWord, FilterExtension.Attribute),
      put(FilterOperation.JumpIfEqual, 0, 4, 0),
      put(FilterOperation.LoadIndex, inner),
      put(FilterOperation.LoadWord, FilterExtension.NestedAttribute),
      put(FilterOperation.JumpIfEqual, 8, 0, 1),
      KEEP,
      DROP,
    )
  expect(find(3, 5)).toBe(0xffffffff)
  expect(find(3, 6)).toBe(0)
  expect(find(4, 5)).toBe(0)
})

test('any program on any message ends, and reads nothing outside of it', () => {
  const instruction = fc.record({
    code: fc.constantFrom(...Object.values(FilterOperation)),
    ifTrue: fc.nat(255),
    ifFalse: fc.nat(255),
    k: fc.oneof(fc.nat(40), fc.constantFrom(...Object.values(FilterExtension)), fc.nat(0xffffffff)),
  })
  fc.assert(
    fc.property(fc.array(instruction, { maxLength: 30 }), fc.uint8Array({ maxLength: 40 }), (program, bytes) => {
      const result = runFilter(program, Memory.from(bytes), 0, bytes.length)
      expect(result >= 0 && result <= 0xffffffff).toBe(true)
    }),
  )
})

test('the kernel takes eight bytes for each instruction', () => {
  const bytes = encodeFilter([put(FilterOperation.JumpIfEqual, 0x01020304, 1, 2), KEEP])
  expect(bytes.length).toBe(16)
  const view = new DataView(bytes.buffer)
  const isLittle = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
  expect([view.getUint16(0, isLittle), bytes[2], bytes[3], view.getUint32(4, isLittle)]).toEqual([
    0x15, 1, 2, 0x01020304,
  ])
})
