/** The console blocks of README.md that need no privileges print what they say. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BuiltCommand, buildCommand } from './support/bundle.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
let command: BuiltCommand

beforeAll(() => {
  command = buildCommand()
})
afterAll(() => command[Symbol.dispose]())

/** `$ ringlink ...` and the lines up to the next command, of every console block. */
function transcripts(): { line: string; output: string }[] {
  return [...readme.matchAll(/```console\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [line = '', ...output] = part.split('\n')
        return { line, output: output.join('\n') }
      })
      .filter(({ line, output }) => line.startsWith('ringlink ') && output.trim() !== ''),
  )
}

test('has transcripts', () => {
  expect(transcripts().length).toBeGreaterThanOrEqual(2)
})

test.each(transcripts().map(({ line, output }) => [line, output] as const))('%s', (line, output) => {
  const { stdout, stderr } = spawnSync(
    'bash',
    ['-c', `ringlink() { "${process.execPath}" "${command.path}" "$@"; }; ${line}`],
    { encoding: 'utf8', timeout: 60_000 },
  )
  expect(`${stdout}${stderr}`).toBe(output)
})
