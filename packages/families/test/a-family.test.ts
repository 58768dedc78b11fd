/** Follows docs/contributing/a-family.md literally, with the specification and the table that it shows. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FamilyDescription } from '@ringlink/codec'
import ts from 'typescript'
import { afterAll, expect, test } from 'vitest'
import { generate } from '../src/generate/index.ts'

const root = join(import.meta.dirname, '../../..')
const document = readFileSync(join(root, 'docs/contributing/a-family.md'), 'utf8')
const folder = mkdtempSync(join(import.meta.dirname, 'generated-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const blocks = (language: string) =>
  [...document.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) => code)
const [specification = ''] = blocks('yaml')
const [byHand = '', use = ''] = blocks('ts')

const load = async (name: string) =>
  (await import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href)) as { orchard: FamilyDescription }

test('the specification and the table describe the same family', async () => {
  writeFileSync(join(folder, 'orchard.ts'), generate(specification, 'orchard.yaml'))
  writeFileSync(join(folder, 'orchard-by-hand.ts'), byHand)
  const generated = (await load('orchard.ts')).orchard
  const written = (await load('orchard-by-hand.ts')).orchard
  expect(JSON.parse(JSON.stringify(generated))).toEqual(JSON.parse(JSON.stringify(written)))
  expect(Object.keys(generated.operations)).toEqual(['treeGet', 'treeNtf'])
})

test('all of it passes the type checker', () => {
  const files = ['orchard.ts', 'orchard-by-hand.ts', 'use.ts'].map((name) => join(folder, name))
  writeFileSync(join(folder, 'use.ts'), use)
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, files }, ts.sys, root)
  const program = ts.createProgram(files, { ...options, types: ['node'], noEmit: true })
  const problems = files.flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)))
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '))).toEqual([])
})

test('the files and the command that it names are there', () => {
  for (const [, path = ''] of document.matchAll(/`(packages\/[\w./-]+)`/g)) {
    expect(spawnSync('ls', [join(root, path)]).status, path).toBe(0)
  }
  const manifest = JSON.parse(readFileSync(join(root, 'packages/families/package.json'), 'utf8')) as { bin: object }
  expect(Object.keys(manifest.bin)).toEqual(['ringlink-families'])
})
