import { readFileSync } from 'node:fs'
import {
  type AttributeSet,
  attributeSet,
  ConntrackMessage,
  conntrackAttributes,
  LogRecordView,
  Memory,
  NewFlag,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { attributesArbitrary } from '@ringlink/codec/arbitrary'
import { attributeByNumber } from '@ringlink/codec/internal'
import { loadVectors, parseVector, type Vector } from '@ringlink/test-support/vectors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { swapNetfilterFrame } from '../src/byte-order.ts'

/** Fields of `struct nlmsghdr`, `struct nlattr` and `struct nlmsgerr`: all that is in host order. */
const HOST_ORDER = /^(nlmsg_(len|type|flags|seq|pid)|nla_(len|type)|error)$/

/** What a machine with the other byte order sends, by the comments of a vector. */
function reversed({ bytes, fields }: Vector): Uint8Array {
  const result = bytes.slice()
  for (const { name, offset } of fields) {
    const size = HOST_ORDER.test(name) ? (/^(nlmsg_(type|flags)|nla_)/.test(name) ? 2 : 4) : 0
    result.subarray(offset, offset + size).reverse()
  }
  return result
}

const NOTHING_KNOWN = attributeSet('nothing known', {})

/** The same for a message of an attribute set, by the set's own table of what is nested. */
function reversedBy(set: AttributeSet, message: Uint8Array): Uint8Array {
  const bytes = message.slice()
  const swap = (at: number, size: number) => bytes.subarray(at, at + size).reverse()
  const data = new DataView(message.buffer, message.byteOffset, message.length)
  const walk = (from: number, to: number, inner: AttributeSet): void => {
    for (let at = from; at + 4 <= to; at += Math.max(4, (data.getUint16(at, true) + 3) & ~3)) {
      const length = data.getUint16(at, true)
      const format = attributeByNumber(inner, data.getUint16(at + 2, true) & 0x3fff)?.format
      const isUnknownNest = format === undefined && (data.getUint16(at + 2, true) & 0x8000) !== 0
      const nest = format?.kind === 'nested' ? format.set() : isUnknownNest ? NOTHING_KNOWN : undefined
      if (nest !== undefined && length >= 4) walk(at + 4, Math.min(to, at + length), nest)
      swap(at, 2)
      swap(at + 2, 2)
      if (length < 4) return
    }
  }
  walk(20, message.length, set)
  for (const [at, size] of [
    [0, 4],
    [4, 2],
    [6, 2],
    [8, 4],
    [12, 4],
  ] as const)
    swap(at, size)
  return bytes
}

/** Extended acknowledgements answer requests, and are never published. */
const kernelVectors = loadVectors('log').filter(
  ({ from, fields }) => from === 'kernel' && !fields.some(({ value }) => value.includes('NLMSGERR_ATTR')),
)

describe('frames of a machine with the other byte order', () => {
  test.each(kernelVectors.map((vector) => [vector.name, vector] as const))(
    '%s becomes what it is here',
    (_, vector) => {
      const bytes = reversed(vector)
      swapNetfilterFrame(bytes, 0, bytes.length, true)
      expect(bytes).toEqual(vector.bytes)
    },
  )

  test('a record of a big-endian host, written by hand from the structures, is decoded', () => {
    const file = new URL('big-endian-record.hex', import.meta.url)
    const { bytes } = parseVector(readFileSync(file, 'utf8'))
    swapNetfilterFrame(bytes, 0, bytes.length, true)
    const record = new LogRecordView().wrap(Memory.from(bytes), 0, bytes.length)
    expect(record).toMatchObject({ family: 2, group: 5, hook: 3, mark: 0x12345678, sequence: 0x01020304 })
    expect(record.prefix()).toBe('be: ')
    expect(record.outputDevice).toBe(3)
    expect(Buffer.from(record.payload()).toString('hex')).toBe(
      '4500001c000000004011f9cd0a0000010a0000020035138800080000',
    )
  })

  test('events of connections become what they are here', () => {
    fc.assert(
      fc.property(attributesArbitrary(conntrackAttributes, 24), (attributes) => {
        const memory = new Memory(16384)
        const header = { type: ConntrackMessage.New, flags: NewFlag.Create, sequence: 9, resourceId: 0, family: 2 }
        const end = writeNfnetlinkMessage(memory, 0, memory.byteLength, conntrackAttributes, { ...header, attributes })
        const expected = memory.copy(0, end)
        const bytes = reversedBy(conntrackAttributes, expected)
        swapNetfilterFrame(bytes, 0, bytes.length, true)
        expect(bytes).toEqual(expected)
      }),
    )
  })

  test('swapping twice restores any bytes, whole messages or not, and changes nothing outside', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), fc.nat(20), (bytes, before, after) => {
        const whole = Uint8Array.from([
          ...new Uint8Array(before).fill(0xaa),
          ...bytes,
          ...new Uint8Array(after).fill(0xbb),
        ])
        swapNetfilterFrame(whole, before, bytes.length, true)
        expect(whole.subarray(0, before).every((byte) => byte === 0xaa)).toBe(true)
        expect(whole.subarray(before + bytes.length).every((byte) => byte === 0xbb)).toBe(true)
        swapNetfilterFrame(whole, before, bytes.length, false)
        expect(whole.subarray(before, before + bytes.length)).toEqual(bytes)
      }),
    )
  })
})
