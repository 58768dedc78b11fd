/** `ringlink conntrack` on the simulated kernel: every action, and what is refused. */
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type BuiltCommand, buildCommand } from '../support/bundle.ts'

let command: BuiltCommand
beforeAll(() => {
  command = buildCommand()
})
afterAll(() => command[Symbol.dispose]())

function run(...words: string[]) {
  const line = [command.path, 'conntrack', ...words, '--transport', 'sim']
  const { status, stdout, stderr } = spawnSync(process.execPath, line, { encoding: 'utf8', timeout: 60_000 })
  return { status, stderr, lines: stdout.split('\n').filter((text) => text !== '') }
}

test('list, count and stats show the connections of the traffic', () => {
  const { status, lines } = run('list', '--count', '40')
  expect(status).toBe(0)
  expect(lines).toHaveLength(40)
  for (const protocol of ['tcp      6', 'udp      17', 'icmp     1'])
    expect(lines).toContainEqual(expect.stringContaining(protocol))
  expect(Number(run('count', '--filter', 'udp dport 53').lines[0])).toBeGreaterThanOrEqual(20)
  const [listed = ''] = run('list', '--filter', 'tcp dport 443', '--count', '1', '--json').lines
  expect(JSON.parse(listed)).toMatchObject({ family: 'ip', original: { protocol: 'tcp', destinationPort: 443 } })
  expect(run('stats').lines.at(-1)).toMatch(/^connections=\d+ maximum=\d+$/)
})

test('watch shows events as they come', () => {
  const { status, lines } = run('watch', '--event', 'new', '--filter', 'udp', '--count', '3')
  expect(status).toBe(0)
  expect(lines).toHaveLength(3)
  for (const line of lines) expect(line).toMatch(/^ +\[NEW\] udp +17 .* dport=53 \[UNREPLIED\]/)
  const events = run('watch', '--seconds', '1', '--json').lines.map((line) => JSON.parse(line))
  expect(events[0]).toEqual({ event: 'open', transport: 'sim' })
  expect(events.at(-1)).toMatchObject({ event: 'summary', new: expect.any(Number), lost: 0 })
})

test('update and delete change what a filter selects', () => {
  const [updated = ''] = run('update', '--set-mark', '7', '--filter', 'icmp').lines
  expect(updated).toMatch(/^updated [1-9]\d* connections$/)
  expect(run('delete', '--filter', 'udp').lines[0]).toMatch(/^deleted [1-9]\d* connections$/)
})

test.each([
  [['list', '--transport', 'tcp'], '--transport'],
  [['list', '--state', 'establised'], 'established'],
  [['list', '--zone', '65536'], '--zone'],
  [['list', '--family', 'ipv4'], '--family'],
  [['list', '--filter', 'dport'], '--filter'],
  [['list', '--filter', "text 'x'"], 'content'],
  [['list', '--set-mark', '5'], 'update'],
  [['count', '--event', 'new'], 'watch'],
  [['update', '--set-mark', '3/1', '--all'], 'mask'],
  [['delete'], '--all'],
  [['flush'], 'ACTION'],
])('%j is refused', (words, text) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command.path, 'conntrack', ...words], {
    encoding: 'utf8',
  })
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toContain(text)
})
