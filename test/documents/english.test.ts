/** The phrases that docs/contributing/style.md replaces. A folder is added here once its text has been rewritten. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const REWRITTEN = ['*.md', 'docs', '.github', 'bench', 'scripts', 'test']
/** The word list itself, and what is generated or quoted. */
const EXCEPT =
  /^(docs\/contributing\/style\.md|docs\/performance(\/|\.md)|test\/documents\/english\.test\.ts|packages\/|examples\/|vectors\/)/

const phrases: readonly RegExp[] = [
  /\bbehind\b/,
  /\bwanted\b/,
  /\bgo(es)? on\b/,
  /\bgoing on\b/,
  /\bat the (most|least)\b/,
  /\bbut for\b/,
  /\b(whoever|whatever|whichever)\b/,
  /\btold of\b/,
  /\btells? of\b/,
  /\ball the same\b/,
  /\bfor ever\b/,
  /\banew\b/,
  /\bone behind the other\b/,
  /\b(to|can) be had\b/,
  /\bin vain\b/,
  /\bthat is all\b/,
  /\bmeanwhile\b/,
  /\bsees? to it\b/,
  /\bAgain: nothing\b/,
  /\bis none\b/,
]

test('documents, comments and messages are in plain English', () => {
  const files = execFileSync('git', ['ls-files', ...REWRITTEN], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
  const found: string[] = []
  for (const file of files) {
    if (!/\.(md|ts|mjs|c|h)$/.test(file) || EXCEPT.test(file)) continue
    for (const [index, line] of readFileSync(join(root, file), 'utf8').split('\n').entries()) {
      if (phrases.some((phrase) => phrase.test(line))) found.push(`${file}:${index + 1}: ${line.trim()}`)
    }
  }
  expect(found).toEqual([])
})
