import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: root,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((path) => existsSync(join(root, path)))

describe('links in documents', () => {
  test.each(documents)('%s', (path) => {
    const text = readFileSync(join(root, path), 'utf8').replaceAll(/```[\s\S]*?```/g, '')
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    const local = links.filter((link) => !/^(https?:|mailto:|#)/.test(link)).map((link) => link.split('#')[0] ?? '')
    const missing = local.filter((link) => !existsSync(resolve(root, dirname(path), link)))
    expect(missing, `links of ${path} that lead nowhere`).toEqual([])
  })
})

test('source files that comments name exist', () => {
  const sources = execFileSync('git', ['ls-files', '*.ts', '*.mjs'], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter((path) => existsSync(join(root, path)))
  const names = new Set(sources.map((path) => basename(path)))
  const missing = sources.flatMap((path) =>
    readFileSync(join(root, path), 'utf8')
      .split('\n')
      .filter((line) => /^\s*(\/\/|\/?\*)/.test(line))
      .flatMap((line) => [...line.matchAll(/(?<![\w./-])(?:[\w-]+\/)*([a-z][\w-]*(?:\.\w+)*\.(?:ts|mjs))\b/g)])
      .filter(([, name = '']) => !names.has(name))
      .map(([mentioned]) => `${path}: ${mentioned}`),
  )
  expect(missing).toEqual([])
})

test('the files that CONTRIBUTING.md sends a newcomer to are at most three for each change', () => {
  const rows = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| (change|add|fix) /.test(line))
  expect(rows.length).toBeGreaterThanOrEqual(5)
  for (const row of rows) {
    // Two alternatives are parted by a dot: a newcomer follows one of them.
    const [, , start = '', then = ''] = row.split('|')
    const links = (cell: string) => Math.max(...cell.split(' · ').map((it) => it.match(/\]\(/g)?.length ?? 0))
    expect(links(start) + links(then)).toBeLessThanOrEqual(3)
  }
})
