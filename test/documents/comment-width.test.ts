import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
/** Columns, as the formatter has it for code; it leaves comments as they are. */
const WIDTH = 120

/** The numbers of the lines of comments that are wider, except those of tables and drawings. */
function wideComments(source: string): number[] {
  return source.split('\n').flatMap((line, index) => {
    const isComment = /^\s*(\/\/|\/?\*)/.test(line)
    const isDrawing = /\S {3,}\S/.test(line.trimStart().slice(3)) || line.includes(' | ')
    return isComment && !isDrawing && [...line].length > WIDTH ? [index + 1] : []
  })
}

test('comments are as wide as code at most', () => {
  const sources = execFileSync('git', ['ls-files', '*.ts', '*.mjs', '*.js', '*.c', '*.h'], {
    cwd: root,
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .filter((path) => existsSync(join(root, path)) && !path.includes('/generated/'))
  const found = sources.flatMap((path) =>
    wideComments(readFileSync(join(root, path), 'utf8')).map((line) => `${path}:${line}`),
  )
  expect(found).toEqual([])
})

test('the check finds wide comments of every form, and leaves drawings and code', () => {
  const wide = 'x '.repeat(80)
  expect(wideComments(`// ${wide}\n/** ${wide}*/\n/*\n * ${wide}\n */\n\t// ${wide}`)).toEqual([1, 2, 4, 6])
  expect(wideComments(`const a = '${wide}' // here\n * a | ${wide}\n//   npm run a    ${wide}\n// short`)).toEqual([])
})
