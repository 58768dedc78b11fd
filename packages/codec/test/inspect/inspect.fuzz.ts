import { runs } from '@ringlink/test-support/fuzz'
import { loadVectors } from '@ringlink/test-support/vectors'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type InspectNode, inspect, inspectText } from '../../src/inspect/index.ts'

const options = fc.record({
  protocol: fc.constantFrom(0, 4, 12, 16, 99),
  byteOrder: fc.constantFrom('little' as const, 'big' as const),
})
const vectors = (['queue', 'log', 'nftables', 'invalid'] as const).flatMap(loadVectors)

/** Every node lies inside its parent. */
function expectInside(nodes: readonly InspectNode[], start: number, end: number): void {
  for (const node of nodes) {
    expect(node.offset).toBeGreaterThanOrEqual(start)
    expect(node.offset + node.length).toBeLessThanOrEqual(end)
    if ('children' in node) expectInside(node.children, node.offset, node.offset + node.length)
  }
}

function inspectWhole(bytes: Uint8Array, how: { protocol: number; byteOrder: 'little' | 'big' }): void {
  const nodes = inspect(bytes, how)
  expect(nodes.length > 0).toBe(bytes.length > 0)
  expectInside(nodes, 0, bytes.length)
  expect(inspectText(bytes, how).length > 0).toBe(bytes.length > 0)
}

test('random bytes never make it throw', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 300 }), options, inspectWhole)
  fc.assert(property, { numRuns: runs })
})

test('random bytes after a valid header never make it throw', () => {
  const types = [1, 2, 3, 4, 16, 0x100, 0x200, 0x300, 0x301, 0x302, 0x303, 0x307, 0x400, 0x401, 0xa01, 0xa03, 0xa06]
  const type = fc.constantFrom(...types)
  const property = fc.property(
    fc.uint8Array({ maxLength: 300 }),
    type,
    fc.nat(0xffff),
    options,
    (body, kind, flags, how) => {
      const bytes = new Uint8Array(16 + body.length)
      const data = new DataView(bytes.buffer)
      const little = how.byteOrder === 'little'
      data.setUint32(0, bytes.length, little)
      data.setUint16(4, kind, little)
      data.setUint16(6, flags, little)
      bytes.set(body, 16)
      inspectWhole(bytes, how)
    },
  )
  fc.assert(property, { numRuns: runs })
})

test('changed and truncated vectors never make it throw', () => {
  const change = fc.tuple(fc.nat(), fc.oneof(fc.nat(255), fc.constantFrom(0, 3, 4, 0x80, 0xff)))
  const changes = fc.array(change, { maxLength: 8 })
  const property = fc.property(fc.constantFrom(...vectors), changes, fc.nat(), options, (vector, list, cut, how) => {
    const bytes = vector.bytes.slice()
    for (const [at, byte] of list) bytes[at % bytes.length] = byte
    inspectWhole(cut % 3 === 0 ? bytes.slice(0, cut % (bytes.length + 1)) : bytes, how)
  })
  fc.assert(property, { numRuns: runs * 2 })
})
