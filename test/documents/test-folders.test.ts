import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'packages'], {
  cwd: root,
  encoding: 'utf8',
}).split('\n')
const packages = [
  ...new Set(files.map((file) => /^packages\/([^/]+)\/test\//.exec(file)?.[1]).filter((it) => it !== undefined)),
]
const TEST = /(\.property)?(\.kernel)?\.(test|fuzz)\.ts$/

/**
 * What is wrong with the place of a test. `test/queue/packet.test.ts` tests `src/queue/packet.ts` or the folder
 * `src/queue/packet`, and `test/queue/queue.test.ts` the folder `src/queue`. A test of several files lies in their
 * folder and begins with a comment that says what it tests.
 */
function misplaced(name: string, test: string, sources: readonly string[], text: string): string | undefined {
  const subject = test.replace(TEST, '')
  const folder = dirname(subject)
  const folders = new Set(['.', ...sources.map((source) => dirname(source))])
  if (!folders.has(folder)) return `there is no folder src/${folder}`
  const stems = sources.map((source) => source.replace(/\.(ts|c)$/, ''))
  const mirrors = stems.includes(subject) || folders.has(subject) || basename(subject) === basename(folder)
  if (mirrors || basename(subject) === name || /^(\/\*\*|\/\/) /.test(text) || text.startsWith('/**\n'))
    return undefined
  return `there is no src/${subject}.ts, and no comment at the top that says what it tests`
}

describe.each(packages)('the tests of %s', (name) => {
  test('have the folders and names of the sources', () => {
    const inside = (folder: string) =>
      files
        .filter((file) => file.startsWith(`packages/${name}/${folder}/`))
        .map((file) => file.split('/').slice(3).join('/'))
    const sources = inside('src')
    const found = inside('test')
      .filter((file) => TEST.test(file))
      .map((file) => [
        file,
        misplaced(name, file, sources, readFileSync(join(root, 'packages', name, 'test', file), 'utf8')),
      ])
      .filter(([, problem]) => problem !== undefined)
    expect(found).toEqual([])
  })
})

test('the check finds a test in a folder that the sources do not have, and one without a subject', () => {
  const sources = ['queue/packet.ts', 'index.ts']
  expect(misplaced('client', 'queue/packet.test.ts', sources, '')).toBeUndefined()
  expect(misplaced('client', 'queue/queue.kernel.test.ts', sources, '')).toBeUndefined()
  expect(misplaced('client', 'packets/packet.test.ts', sources, '')).toBe('there is no folder src/packets')
  expect(misplaced('client', 'queue/other.test.ts', sources, 'import')).toContain('no src/queue/other.ts')
  expect(misplaced('client', 'queue/other.test.ts', sources, '/** Holding. */')).toBeUndefined()
})
