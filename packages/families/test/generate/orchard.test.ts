/** A generated module for a specification that uses every construct, and the refusal of broken specifications. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AttributeSet, FamilyDescription } from '@ringlink/codec'
import { afterAll, describe, expect, test } from 'vitest'
import { generate, SpecificationError } from '../../src/generate/index.ts'

const here = import.meta.dirname
const specification = readFileSync(join(here, '../specifications/orchard.yaml'), 'utf8')
// Inside the package, so that it finds the codec.
const folder = mkdtempSync(join(here, 'generated-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function load(text: string): Promise<Record<string, unknown>> {
  const path = join(folder, `${Math.abs(hash(text))}.ts`)
  writeFileSync(path, generate(text, 'orchard.yaml'))
  return (await import(/* @vite-ignore */ pathToFileURL(path).href)) as Record<string, unknown>
}

function hash(text: string): number {
  let value = 0
  for (const letter of text) value = (value * 31 + letter.charCodeAt(0)) | 0
  return value
}

describe('the module of a specification with every construct', () => {
  test('is a family with operations, numbers and groups', async () => {
    const { orchard } = (await load(specification)) as { orchard: FamilyDescription }
    expect(orchard).toMatchObject({ name: 'orchard', protocol: 16, generic: { name: 'orchard', version: 3 } })
    const { get, plant, getNtf, fell } = orchard.operations
    expect(get).toMatchObject({
      kernelName: 'ORCHARD_CMD_GET',
      do: { request: 3, reply: 4 },
      dump: { request: 3, reply: 4 },
    })
    expect(plant).toMatchObject({ do: { request: 4 }, dump: undefined })
    expect(getNtf).toMatchObject({ event: 9, attributes: get?.attributes })
    expect(fell).toMatchObject({ event: 10 })
    expect(orchard.groups).toEqual({ harvest: 'harvest' })
    expect(get?.header?.fields.map(({ name }) => name)).toEqual(['index', 'fruit', undefined])
  })

  test('names constants and attributes as the kernel does', async () => {
    const { Fruit, Season, orchardAttributes, treeAttributes } = (await load(specification)) as {
      Fruit: object
      Season: object
      orchardAttributes: AttributeSet
      treeAttributes: AttributeSet
    }
    expect(Fruit).toEqual({ Apple: 0, Pear: 5, Plum_2: 6 })
    expect(Season).toEqual({ Spring: 1, Summer: 2, Winter: 16 })
    const { members } = orchardAttributes
    expect(members.headerAttribute).toMatchObject({ number: 2, kernelName: 'ORCHARD_A_HEADER' })
    expect(members.unknownAttribute).toMatchObject({ number: 3 })
    expect(members.address).toMatchObject({ number: 40, format: { kind: 'bytes', hint: 'ipv4-or-v6' } })
    expect(members.level?.number).toBe(41)
    expect(members.name?.format).toEqual({ kind: 'text', maximum: 16 })
    expect(members.unspec).toBeUndefined()
    expect(treeAttributes.members.graft).toMatchObject({ kernelName: 'ORCHARD_TREE_GRAFT', format: { kind: 'nested' } })
    expect(orchardAttributes.selecting).toEqual(['kind'])
  })

  test('selects sub-messages by the numbers of constants', async () => {
    const { extraAttributes } = (await load(specification)) as { extraAttributes: AttributeSet }
    expect(extraAttributes.members.data?.format).toMatchObject({ kind: 'union', outer: true })
    const { more } = extraAttributes.members
    expect(more?.format.kind === 'union' && Object.keys(more.format.sets)).toEqual(['5'])
  })
})

describe('a specification that cannot be read', () => {
  const change = (from: string, to: string) => specification.replace(from, to)
  const lineOf = (text: string) => specification.slice(0, specification.indexOf(text)).split('\n').length

  test.each([
    [
      '- { name: id, type: u16 }',
      '- { name: id, type: u17 }',
      /attribute-sets\[1\]\.attributes\[0\]\.type: "u17" is not known; did you mean "u16"/,
    ],
    ['nested-attributes: extra }', 'nested-attributes: extras }', /no attribute set "extras"; did you mean "extra"\?/],
    [
      'sub-message: details-msg',
      'sub-message: detail-msg',
      /no sub-message "detail-msg"; did you mean "details-msg"\?/,
    ],
    ['fixed-header: crate }', 'fixed-header: crates }', /"crates" is not defined; did you mean "crate"\?/],
    ['enum: season }', 'enum: weight }', /"weight" must be enum or flags, got struct/],
    ['notify: get,', 'notify: gte,', /no operation "gte"; did you mean "get"\?/],
    ['value: pear,', 'value: peach,', /"peach" is not in "fruit"/],
    ['subset-of: orchard', 'subset-of: orchid', /no set "orchid"; did you mean "orchard"\?/],
    ['- { name: oh-index, type: u32 }', '- { type: u32 }', /name is missing/],
    ['entries: [spring,', 'entries: [{ name: spring, value: 70 },', /value 70 cannot be a bit/],
    ['value: 40', 'value: x', /must be an integer, got "x"/],
    ['value: 40', 'value: 70000', /must be from 0 to 16383, got 70000/],
    [
      'multi-attr: true',
      'mutli-attr: true',
      /"mutli-attr" is not a key of specifications; did you mean "multi-attr"\?/,
    ],
    ['mcast-groups:', 'mcast-group:', /"mcast-group" is not a key of specifications; did you mean "mcast-groups"\?/],
    ['multi-attr: true', 'multi-attr: 1', /must be true or false, got "1"/],
  ])('%s -> %s: line and reason', (from, to, reason) => {
    const text = change(from, to)
    let error: unknown
    try {
      generate(text, 'my.yaml')
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(SpecificationError)
    expect(error).toMatchObject({ code: 'SPECIFICATION', file: 'my.yaml' })
    expect((error as Error).message).toMatch(reason)
    expect(Math.abs((error as SpecificationError).line - lineOf(from))).toBeLessThanOrEqual(6)
  })

  test.each([
    ['a: [1', 'not YAML'],
    ['- 1', 'must be a map'],
    ['name: x', 'attribute-sets is missing'],
    ['', 'must be a map'],
    ['name: &a [*a]', 'nested more than 64 levels deep'],
  ])('%j', (text, reason) => {
    expect(() => generate(text, 'my.yaml')).toThrow(reason)
  })
})
