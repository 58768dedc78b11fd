import { describe, expect, it, test } from 'vitest'
import { readArguments } from '../../src/command-line/arguments.ts'
import { logDescription } from '../../src/commands/log.ts'
import { readSettings } from '../../src/log/settings.ts'

function read(words: readonly string[]) {
  return readSettings(readArguments(logDescription, words))
}

describe('the options of ringlink log', () => {
  it('are read', () => {
    const files = ['--write', 'x.pcapng', '--rotate-size', '10M', '--rotate-time', '5m', '--keep', '3']
    expect(read(['--group', '5,6', '--group', '5', ...files, '--json'])).toMatchObject({
      groups: [5, 6],
      write: 'x.pcapng',
      rotation: { size: 10_000_000, time: 300_000, keep: 3 },
      lines: true,
      count: Number.POSITIVE_INFINITY,
    })
    expect(read(['--read', 'x'])).toMatchObject({ read: 'x', lines: true, stats: false })
    expect(read(['--group', '5', '--stats'])).toMatchObject({ lines: false })
    expect(read(['--group', '5', '--stats', '--print'])).toMatchObject({ lines: true })
  })

  test.each([
    [[], '--group is missing'],
    [['--group', '70000'], "--group must be an integer from 0 to 65535, got '70000'"],
    [['--group', '5,'], "--group must be an integer from 0 to 65535, got ''"],
    [['--read', 'x', '--group', '5'], 'cannot be combined with --group'],
    [['--group', '5', '--rotate-size', '10M'], 'need --write'],
    [['--group', '5', '--write', 'x', '--keep', '3'], '--keep needs'],
    [['--group', '5', '--write', 'x', '--rotate-size', '10Q'], 'must be a size (500k, 10M, 1G)'],
    [['--group', '5', '--write', 'x', '--rotate-size', '10constructor'], 'must be a size (500k, 10M, 1G)'],
    [['--group', '5', '--write', 'x', '--rotate-time', '0s'], 'must be a time (60s, 5m, 1h)'],
    [['--group', '5', '--transport', 'pigeon'], 'must be socket, mmap or sim'],
    [['--group', '5', '--copy-range', '65532'], '--copy-range must be'],
    [['--group', '5', '--what'], "unknown option '--what'"],
    [['--group', '5', '--filter', 'udp dport http'], 'udp dport http\n            ^^^^'],
    [['--group', '5', '--rule', 'output udp', '--group', '6'], '--group must name one'],
    [['--group', '5', '--prefix', 'x'], '--prefix needs --rule'],
  ])('%j are refused', (words, problem) => {
    expect(() => read(words)).toThrow(problem)
  })
})
