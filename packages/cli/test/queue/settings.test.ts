import { describe, expect, test } from 'vitest'
import { readArguments } from '../../src/command-line/arguments.ts'
import { queueDescription } from '../../src/commands/queue.ts'
import { readSettings } from '../../src/queue/settings.ts'

function read(words: readonly string[]) {
  return readSettings(readArguments(queueDescription, words))
}

describe('the options of ringlink queue', () => {
  test('are read', () => {
    expect(read(['--queue', '0:3'])).toMatchObject({ queues: [0, 1, 2, 3], onExit: 'bypass', unanswered: 'drop' })
    expect(read(['--queue', '7', '--rule', 'output udp', '--on-exit', 'block', '--mark', '0x10'])).toMatchObject({
      queues: [7],
      rules: [{ hook: 'output', match: { protocol: 'udp' } }],
      onExit: 'block',
      mark: 16,
    })
  })

  test.each([
    [[], '--queue is missing'],
    [['--queue', '-1'], "--queue must be an integer from 0 to 65535, got '-1'"],
    [['--queue', '5:3'], "--queue must be a number (0) or a range (0:3), got '5:3'"],
    [['--queue', '1:2:3'], 'must be a number (0) or a range'],
    [['--queue', '1', '--queue', '2'], '--queue is given twice'],
    [['--queue', '0:1', '--rule', 'output'], '--rule feeds one queue'],
    [['--queue', '0', '--rule', 'output', '--transport', 'sim'], '--rule is for the real kernel'],
    [['--queue', '0', '--on-exit', 'block'], '--on-exit needs --rule'],
    [['--queue', '0', '--filter', 'udp'], '--filter needs --print'],
    [['--queue', '0', '--drop', 'udp dport'], '--drop: dport: '],
    [['--queue', '0', '--unanswered', 'acept'], "must be accept or drop, got 'acept', did you mean accept?"],
    [['--queue', '0', '--drpo', 'udp'], "unknown option '--drpo', did you mean --drop?"],
    [['--queue', '0', '--json=yes'], "--json takes no value, got 'yes'"],
    [['--queue'], '--queue N|N:M: the value is missing'],
    [['--queue', '0', 'udp'], "unexpected argument 'udp'"],
    [['--queue', '0', '--count', '1\u001b[2J'], "got '1\\u{1b}[2J'"],
  ])('%j are refused', (words, problem) => {
    expect(() => read(words)).toThrow(problem)
  })
})
