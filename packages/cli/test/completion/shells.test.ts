import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { allOptions } from '../../src/command-line/command.ts'
import { bashCompletion, fishCompletion, zshCompletion } from '../../src/completion/shells.ts'
import { descriptions } from '../../src/descriptions.ts'

/** What bash proposes for the last of these words. */
function complete(...words: string[]): string[] {
  const script = `${bashCompletion(descriptions)}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _ringlink; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
  expect(stderr).toBe('')
  return stdout.split('\n').filter(Boolean).sort()
}

describe('completion in bash', () => {
  test.each([
    [['ringlink', ''], ['--help', '--version', ...descriptions.map(({ name }) => name)].sort()],
    [['ringlink', 'qu'], ['queue']],
    [['ringlink', 'queue', '--tr'], ['--transport']],
    [
      ['ringlink', 'queue', '--transport', ''],
      ['mmap', 'sim', 'socket'],
    ],
    [
      ['ringlink', 'queue', '--on-exit', 'b'],
      ['block', 'bypass'],
    ],
    [['ringlink', 'queue', '--mark', ''], []],
    [['ringlink', 'completion', 'z'], ['zsh']],
  ])('%j', (words, proposals) => {
    expect(complete(...words)).toEqual(proposals)
  })
})

describe('completion in every shell', () => {
  test.each([
    ['bash', bashCompletion(descriptions)],
    ['zsh', zshCompletion(descriptions)],
    ['fish', fishCompletion(descriptions)],
  ])('%s has every command and option', (shell, script) => {
    for (const command of descriptions) {
      expect(script).toContain(command.name)
      for (const option of Object.keys(allOptions(command))) {
        expect(script).toContain(shell === 'fish' ? ` -l ${option} ` : `--${option}`)
      }
    }
  })

  test('zsh and fish quote what summaries have', () => {
    const command = {
      name: 'x',
      summary: "it's: a [test]",
      description: [],
      operands: [],
      examples: [],
      options: { a: { summary: "it's: [b]", value: 'N:M' } },
    }
    expect(zshCompletion([command])).toContain(`'--a[it'\\''s\\: \\[b\\]]:N\\:M: '`)
    expect(fishCompletion([command])).toContain(`-l a -x -d 'it\\'s: [b]'`)
  })
})
