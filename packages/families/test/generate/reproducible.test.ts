/** The modules in src/generated are what the generator makes of the specifications. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { generate } from '../../src/generate/index.ts'

const root = join(import.meta.dirname, '../../../..')
const generated = join(root, 'packages/families/src/generated')
const modules = readdirSync(generated).filter((name) => name.endsWith('.ts'))
const specifications = [join(root, '../shared/ynl'), join(root, '../../shared/ynl')].find((path) => existsSync(path))
const manifest = JSON.parse(readFileSync(join(root, 'packages/families/package.json'), 'utf8')) as {
  exports: Record<string, unknown>
}

test('every module has an entry of its own', () => {
  const entries = Object.entries(manifest.exports).filter(([, target]) => !/by-hand/.test(JSON.stringify(target)))
  expect(entries.map(([name]) => name).sort()).toEqual(
    ['./generate', ...modules.map((name) => `./${name.replace('.ts', '')}`)].sort(),
  )
})

describe.skipIf(specifications === undefined)(
  "from ../shared/ynl (skipped where the kernel's specifications are not there)",
  () => {
    const files =
      specifications === undefined ? [] : readdirSync(specifications).filter((name) => name.endsWith('.yaml'))

    test('each specification has a module', () => {
      const names = files.map((name) => `${name.replace('.yaml', '').replaceAll('_', '-')}.ts`)
      expect(modules).toEqual(expect.arrayContaining(names))
    })

    test.each(files)('%s gives what is committed', (file) => {
      const text = readFileSync(join(specifications as string, file), 'utf8')
      const module = join(generated, `${file.replace('.yaml', '').replaceAll('_', '-')}.ts`)
      expect(generate(text, file)).toBe(readFileSync(module, 'utf8'))
    })

    test.each(files)('%s lends no sentence to its module', (file) => {
      const text = readFileSync(join(specifications as string, file), 'utf8')
      const module = readFileSync(join(generated, `${file.replace('.yaml', '').replaceAll('_', '-')}.ts`), 'utf8')
      const sentences = [...text.matchAll(/\bdoc: *(?:\|\s*)?([^\n]+)/g)].map(([, sentence = '']) => sentence.trim())
      for (const sentence of sentences) if (sentence.split(/\s+/).length > 3) expect(module).not.toContain(sentence)
    })
  },
)
