import { expect, test } from 'vitest'
import { readArguments } from '../../src/command-line/arguments.ts'
import { conntrackDescription } from '../../src/commands/conntrack.ts'
import { readSettings } from '../../src/conntrack/settings.ts'

const read = (...words: string[]) => readSettings(readArguments(conntrackDescription, words))

test('a command line becomes a filter of the kernel and one of ours', () => {
  const settings = read('list', '--family', 'ip', '--state', 'established', '--status', 'assured', '--zone', '5')
  expect(settings).toMatchObject({ action: 'list', filter: { family: 'ip', state: ['established'], zone: 5 } })
  expect(settings.isWanted).toBeUndefined()
  expect(read('watch', '--event', 'new').events).toEqual(new Set(['new']))
  expect(read('update', '--all', '--set-mark', '1/3', '--set-timeout', '5m').changes).toEqual({
    mark: { value: 1, mask: 3 },
    timeout: 300_000,
  })
})

test.each([
  [[], 'ACTION is missing'],
  [['lst'], 'did you mean list'],
  [['list', '--state', 'estblished'], 'did you mean established'],
  [['list', '--filter', "text 'x'"], 'text cannot be looked for'],
  [['list', '--filter', 'gre'], "unknown word 'gre'"],
  [['list', '--all'], '--all is for delete and update'],
  [['delete'], 'needs a filter, or --all'],
  [['delete', '--all', '--zone', '1'], '--all is for'],
  [['update', '--all'], 'needs --set-mark or --set-timeout'],
  [['list', '--set-mark', '1'], 'no other action takes them'],
  [['update', '--all', '--set-mark', '4/3'], 'bits outside the mask'],
  [['list', '--event', 'new'], '--event is for watch'],
  [['list', '--zone', '70000'], 'from 0 to 65535'],
])('%j is refused: %s', (words, message) => {
  expect(() => read(...words)).toThrow(message)
})
