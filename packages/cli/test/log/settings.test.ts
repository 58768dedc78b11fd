import { describe, expect, test } from 'vitest'
import { readArguments } from '../../src/command-line/arguments.ts'
import { logDescription } from '../../src/commands/log.ts'
import { readSettings } from '../../src/log/settings.ts'

function read(words: readonly string[]) {
  return readSettings(readArguments(logDescription, words))
}

describe('the options of ringlink log', () => {
  test('are read', () => {
    const files = ['--write', 'x.pcapng', '--rotate-size', '10M', '--rotate-time', '5m', '--keep', '3']
    expect(read(['--group', '5,6', '--group', '5', ...files, '--json'])).toMatchObject({
      groups: [5, 6],
      write: 'x.pcapng',
      rotation: { size: 10_000_000, time: 300_000, keep: 3 },
      lines: true,
      count: Number.POSITIVE_INFINITY,
    })
    expect(read(['--read', 'x'])).toMatchObject({ read: 'x', lines: true, stats: false })
    expect(read(['--from', 'tls://a:b@host:4000/LOGS', '--consumer', 'c', '--start', '7'])).toMatchObject({
      groups: [],
      nats: {
        direction: 'from',
        servers: 'tls://a:b@host:4000',
        stream: 'LOGS',
        consumer: 'c',
        start: { sequence: 7 },
      },
    })
    expect(read(['--group', '5', '--to', 'nats://host/LOGS', '--buffer', '10M', '--stats'])).toMatchObject({
      nats: { direction: 'to', bufferSize: 10_000_000 },
    })
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
    [['--from', 'nats://host/S', '--to', 'nats://host/S'], '--to and --from cannot be combined'],
    [['--from', 'nats://host'], "must be the address of a stream (nats://HOST/STREAM), got 'nats://host'"],
    [['--from', 'nats://user:secret@host'], "got 'nats://...@host'"],
    [['--to', 'nats://host/S'], '--group is missing'],
    [['--from', 'nats://host/S', '--start', 'yesterday'], '--start must be all, new, a sequence number'],
    [['--group', '5', '--start', 'all'], '--start needs --from'],
    [['--group', '5', '--to', 'nats://host/S', '--consumer', 'c'], '--consumer needs --from'],
    [['--from', 'nats://host/S', '--buffer', '1M'], '--buffer needs --to'],
    [['--group', '5', '--credentials', 'x'], '--credentials needs --to or --from'],
    [['--from', 'nats://host/S', '--rule', 'output udp'], '--rule cannot be combined with --from'],
    [['--from', 'nats://host/S', '--threshold', '5'], '--threshold cannot be combined with --from'],
    [['--group', '5', '--to', 'nats://host/S', '--filter', 'udp'], '--filter cannot be combined with --to'],
    [['--read', 'x', '--from', 'nats://host/S'], 'cannot be combined with --from'],
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
