import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AttributeSet,
  AttributeWriter,
  attributesFrom,
  type FamilyDescription,
  Memory,
  plainAttributes,
  readAttributes,
  writeAttributes,
} from '@ringlink/codec'
import { attributesArbitrary } from '@ringlink/codec/arbitrary'
import { runsOf } from '@ringlink/test-support/fuzz'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as {
  exports: Record<string, { 'ringlink-source': string }>
}
const source = join(import.meta.dirname, '../src')
/** The generated modules, and those by hand that have an entry of their own. */
const files = [
  ...readdirSync(join(source, 'generated')).map((name) => `generated/${name}`),
  ...Object.values(manifest.exports).flatMap(({ 'ringlink-source': path }) =>
    path.startsWith('./src/by-hand/') ? [path.slice('./src/'.length)] : [],
  ),
]
// For each of some 350 sets.
const RUNS = runsOf(5)

function isSet(value: unknown): value is AttributeSet {
  return typeof value === 'object' && value !== null && 'members' in value && 'names' in value
}

function isFamily(value: unknown): value is FamilyDescription {
  return typeof value === 'object' && value !== null && 'operations' in value
}

describe.each(files)('%s', async (file) => {
  const module = (await import(join(source, file))) as Record<string, unknown>
  const sets = Object.values(module).filter(isSet)

  test('exports one family, whose operations have tables', () => {
    const families = Object.values(module).filter(isFamily)
    // What several families share has an entry, too.
    expect(families).toHaveLength(/\/sock-diag|constants/.test(file) ? 0 : 1)
    expect(Object.values(families[0]?.operations ?? {}).every(({ attributes }) => isSet(attributes))).toBe(true)
  })

  test('what is written is read, as values and as JSON', () => {
    const memory = new Memory(1 << 20)
    for (const set of sets) {
      if (Object.keys(set.members).length === 0) continue
      const property = fc.property(attributesArbitrary(set, 24), (values) => {
        const writer = new AttributeWriter().wrap(memory, 0, memory.byteLength)
        writeAttributes(writer, set, values)
        expect(readAttributes(set, memory, 0, writer.position)).toEqual(values)
        expect(attributesFrom(set, JSON.parse(JSON.stringify(plainAttributes(set, values))))).toEqual(values)
      })
      fc.assert(property, { numRuns: RUNS })
    }
  })
})
