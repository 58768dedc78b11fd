import { describe, expect, it, test } from 'vitest'
import { parseOptions } from '../../src/log/options.ts'

describe('the command line', () => {
  it('is read', () => {
    const words = [
      '--group',
      '5,6',
      '--group',
      '5',
      '--write',
      'x.pcapng',
      '--rotate-size',
      '10M',
      '--rotate-time',
      '5m',
    ]
    expect(parseOptions([...words, '--keep', '3', '--json'])).toMatchObject({
      groups: [5, 6],
      write: 'x.pcapng',
      rotation: { size: 10_000_000, time: 300_000, keep: 3 },
      lines: true,
      count: Number.POSITIVE_INFINITY,
    })
    expect(parseOptions(['--read', 'x'])).toMatchObject({ read: 'x', lines: true, stats: false })
    expect(parseOptions(['--group', '5', '--stats'])).toMatchObject({ lines: false })
    expect(parseOptions(['--group', '5', '--stats', '--print'])).toMatchObject({ lines: true })
    expect(parseOptions(['--help'])).toBe('help')
  })

  test.each([
    [[], '--group is missing'],
    [['--group', '70000'], '--group 70000: a whole number from 0 to 65535 is wanted'],
    [['--group', '5,'], '--group'],
    [['--read', 'x', '--group', '5'], 'without --group'],
    [['--group', '5', '--rotate-size', '10M'], 'need --write'],
    [['--group', '5', '--write', 'x', '--keep', '3'], '--keep needs'],
    [['--group', '5', '--write', 'x', '--rotate-size', '10Q'], 'a size (500k, 10M, 1G) is wanted'],
    [['--group', '5', '--write', 'x', '--rotate-time', '0s'], 'a time (60s, 5m, 1h) is wanted'],
    [['--group', '5', '--transport', 'pigeon'], 'there is socket'],
    [['--group', '5', '--copy-range', '65532'], '--copy-range 65532'],
    [['--group', '5', '--what'], '--what'],
  ])('%j is refused', (words, problem) => {
    expect(() => parseOptions(words)).toThrow(problem)
  })
})
