/** Bounds of inspect for input of up to a mebibyte. */

import { runs } from '@ringlink/test-support/fuzz'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inspect, inspectText, MAXIMUM_BYTES, MAXIMUM_NODES } from '../../src/inspect/index.ts'
import { countNodes } from './nodes.ts'

const MEBIBYTE = 1024 * 1024
/** Maximum nodes besides the counted ones: fields of headers and structs, and problems. */
const NODES_BESIDE = 40
/** Maximum characters of a line (offset, name, sixteen bytes twice), and of the lines for one byte of input. */
const CHARACTERS_A_NODE = 200
const CHARACTERS_A_BYTE = 16

/** A piece that is repeated until the input is long enough: nested, consecutive, or neither. */
interface Pattern {
  readonly name: string
  readonly fill: (view: DataView, at: number, end: number) => number
}

/** A header whose message reaches to the end, so that all following bytes are inside it. */
const message = (type: number, length: number, flags = 0): Pattern => ({
  name: `message ${type}`,
  fill: (view, at, end) => {
    view.setUint32(at, end - at, true)
    view.setUint16(at + 4, type, true)
    view.setUint16(at + 6, flags, true)
    return length
  },
})
const consecutive = (type: number, length: number): Pattern => ({
  name: `consecutive ${type}`,
  fill: (view, at) => {
    view.setUint32(at, length, true)
    view.setUint16(at + 4, type, true)
    return length
  },
})
const attribute = (type: number, length: number): Pattern => ({
  name: `attribute ${type} of ${length}`,
  fill: (view, at) => {
    view.setUint16(at, length, true)
    view.setUint16(at + 2, type, true)
    return (length + 3) & ~3
  },
})
const nest = (type: number): Pattern => ({
  name: `nest ${type}`,
  fill: (view, at, end) => {
    view.setUint16(at, Math.min(end - at, 0xfffc), true)
    view.setUint16(at + 2, type | 0x8000, true)
    return 4
  },
})
const bytes = (values: Uint8Array): Pattern => ({
  name: 'bytes',
  fill: (view, at) => {
    for (const [index, value] of values.entries()) if (at + index < view.byteLength) view.setUint8(at + index, value)
    return Math.max(4, values.length)
  },
})

const patterns = fc.oneof(
  fc.constantFrom(
    message(2, 20),
    message(2, 20, 0x200),
    message(3, 20, 0x202),
    message(0x300, 20),
    message(0xa06, 20),
    consecutive(1, 16),
    consecutive(0x300, 20),
    consecutive(99, 24),
    attribute(1, 4),
    attribute(10, 8),
    attribute(0x4001, 8),
    attribute(9, 1000),
    nest(1),
    nest(4),
  ),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map(bytes),
)

// A mebibyte takes about a second, so this runs a twentieth as often as other properties.
const inputs = fc
  .record({
    length: fc.oneof(fc.nat(4096), fc.integer({ min: 4096, max: MEBIBYTE })),
    first: fc.array(patterns, { maxLength: 6 }),
    repeated: fc.array(patterns, { minLength: 1, maxLength: 3 }),
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
  })
  .map(({ length, first, repeated, changes }) => {
    const input = new Uint8Array(length)
    const view = new DataView(input.buffer)
    let at = 0
    const add = (pattern: Pattern) => {
      if (at + 24 <= length) at += pattern.fill(view, at, length)
      else at = length
    }
    for (const pattern of first) add(pattern)
    while (at < length) for (const pattern of repeated) add(pattern)
    for (const [offset, value] of changes) if (length > 0) input[offset % length] = value
    return input
  })

const options = fc.record({
  protocol: fc.constantFrom(0, 4, 12, 16, 99),
  byteOrder: fc.constantFrom('little' as const, 'big' as const),
})

test('up to a mebibyte of any bytes becomes a tree and a text of bounded size, and never throws', () => {
  const property = fc.property(inputs, options, (input, how) => {
    const nodes = countNodes(inspect(input, how))
    expect(nodes).toBeLessThanOrEqual(Math.min(MAXIMUM_NODES, input.length + 1) * NODES_BESIDE)
    const text = inspectText(input, how)
    expect(text.length).toBeLessThanOrEqual(
      nodes * CHARACTERS_A_NODE + Math.min(input.length, MAXIMUM_BYTES) * CHARACTERS_A_BYTE,
    )
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the test asserts their absence
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/)
  })
  fc.assert(property, { numRuns: Math.ceil(runs / 20) })
})

test('limits of the caller hold, and are reported', () => {
  const limits = fc.record({ maximumNodes: fc.nat(50), maximumBytes: fc.nat(200), maximumDepth: fc.nat(4) })
  const property = fc.property(inputs, limits, (input, limit) => {
    const nodes = inspect(input, limit)
    expect(countNodes(nodes)).toBeLessThanOrEqual((limit.maximumNodes + 2) * NODES_BESIDE)
    if (input.length > 0 && limit.maximumNodes === 0) expect(nodes.map(({ name }) => name)).toContain('NODE_COUNT')
  })
  fc.assert(property, { numRuns: Math.ceil(runs / 20) })
})
