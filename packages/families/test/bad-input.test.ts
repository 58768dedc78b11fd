/**
 * Bad input of every attribute of every family: refused by its path and the nearest name, and what no table describes
 * is kept.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Attribute,
  type AttributeSet,
  AttributeWriter,
  attributesFrom,
  isNetlinkError,
  Memory,
  readAttributes,
  writeAttributes,
} from '@ringlink/codec'
import { describe, expect, test } from 'vitest'

const source = join(import.meta.dirname, '../src')
const files = ['generated', 'by-hand'].flatMap((folder) =>
  readdirSync(join(source, folder)).map((name) => `${folder}/${name}`),
)

function isSet(value: unknown): value is AttributeSet {
  return typeof value === 'object' && value !== null && 'members' in value && 'names' in value
}

function errorOf(set: AttributeSet, given: unknown): { code: string; message: string } {
  try {
    attributesFrom(set, given, 'request')
  } catch (error) {
    if (isNetlinkError(error)) return error
    throw error
  }
  return { code: 'none', message: `${JSON.stringify(given)} was accepted` }
}

/** A typing error: the last two letters change places, or one is doubled where they are the same. */
function mistyped(name: string): string {
  const [first, last] = [name.at(-2) ?? '', name.at(-1) ?? '']
  return first === last ? `${name}${last}` : `${name.slice(0, -2)}${last}${first}`
}

/** A value that no attribute of the format takes. */
function wrong({ format }: Attribute): unknown {
  return format.kind === 'text' || format.kind === 'flag' ? 5 : Symbol.iterator
}

describe.each(files)('%s', async (file) => {
  const module = (await import(join(source, file))) as Record<string, unknown>
  const sets = Object.values(module)
    .filter(isSet)
    .filter(({ members }) => Object.keys(members).length > 0)

  test('a mistyped attribute is refused with the nearest one', () => {
    for (const set of sets) {
      for (const [name, { format }] of Object.entries(set.members)) {
        const given = mistyped(name)
        if (format.kind === 'padding' || name.length < 4 || Object.keys(set.members).includes(given)) continue
        const { code, message } = errorOf(set, { [given]: 1 })
        expect([code, message]).toEqual(['ATTRIBUTE_UNKNOWN', expect.stringMatching(/^request: .* did you mean "/)])
        expect(message).toContain(`has no attribute "${given}"`)
      }
    }
  })

  test('a value of another type is refused by its path', () => {
    for (const set of sets) {
      for (const [name, attribute] of Object.entries(set.members)) {
        if (attribute.format.kind === 'padding' || attribute.format.kind === 'union') continue
        const { code, message } = errorOf(set, { [name]: wrong(attribute) })
        expect([code, message]).toEqual(['VALUE_RANGE', expect.stringMatching(`^request\\.${name}.* must be `)])
      }
    }
  })

  test('an unknown word of an enum, and a bit of flags, is refused with the nearest one', () => {
    for (const set of sets) {
      for (const [name, { format }] of Object.entries(set.members)) {
        if (format.kind !== 'integer' || format.constants === undefined) continue
        const [key] = Object.keys(format.constants.values)
        if (key === undefined || key.length < 4) continue
        const word = `${key}zzq`
        const { code, message } = errorOf(set, { [name]: format.constants.isFlags ? [word] : word })
        expect([code, message]).toEqual(['VALUE_RANGE', expect.stringContaining(`request.${name}`)])
        expect(message).toMatch(/an integer or one of/)
      }
    }
  })

  test('an attribute without a description is kept, and written again', () => {
    for (const set of sets) {
      const unknown = [{ type: 0x3ffe, bits: 0, payload: Uint8Array.of(1, 2, 3, 4) }]
      const memory = new Memory(256)
      const writer = new AttributeWriter().wrap(memory, 0, memory.byteLength)
      writeAttributes(writer, set, { unknown })
      const values = readAttributes(set, memory, 0, writer.position)
      expect(values.unknown).toMatchObject(unknown)
      const again = new Memory(256)
      const second = new AttributeWriter().wrap(again, 0, again.byteLength)
      writeAttributes(second, set, values)
      expect(again.copy(0, second.position)).toEqual(memory.copy(0, writer.position))
    }
  })
})
