import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { guestScript, hasFailed, outcomeTable, outcomeText, parseOutcome } from '../../scripts/kernels/guest.mjs'

const results = mkdtempSync(join(tmpdir(), 'ringlink-guest-'))
afterAll(() => rmSync(results, { recursive: true }))

function run(script: string): string[] {
  const environment = { ...process.env, RESULTS: results }
  const { stdout, stderr, status } = spawnSync('bash', ['-c', script], { encoding: 'utf8', env: environment })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout.trimEnd().split('\n')
}

test('each check is run within its own limit, and what failed is shown', () => {
  const checks = [
    { limit: 60, command: 'echo "fine $((1 + 1)) $(scaled 120)"' },
    { limit: 60, command: 'cat; for i in $(seq 40); do echo "line $i"; done\nexit 3' },
    { limit: 0, command: 'while true; do :; done' },
  ]
  const lines = run(guestScript(checks, 1000))
  expect(lines[0]).toBe('limits are multiplied by 1')
  expect(lines.filter((line) => line.startsWith('line '))).toEqual(
    Array.from({ length: 25 }, (_, index) => `line ${index + 16}`),
  )
  const outcomes = lines.map(parseOutcome).filter((outcome) => outcome !== undefined)
  expect(outcomes.map(({ index, status }) => [index, status])).toEqual([
    [0, 0],
    [1, 3],
    [2, 124],
  ])
  expect(readFileSync(join(results, 'check-0.log'), 'utf8')).toBe('fine 2 121\n')
})

test('limits grow on a machine where Node.js starts slower', () => {
  const lines = run(guestScript([], 0.0001))
  expect(Number(/by ([\d.]+)$/.exec(lines[0] ?? '')?.[1])).toBeGreaterThan(10)
})

test('the table has a column for each kernel, and what was not reached has failed', () => {
  const columns = [
    {
      version: '6.1.0',
      outcomes: new Map([
        ['demo', { status: 0, seconds: 12.3 }],
        ['tests', { status: 124, seconds: 60 }],
      ]),
    },
    { version: '6.12.1', outcomes: new Map([['demo', { status: 2, seconds: 0.4 }]]) },
  ]
  expect(outcomeTable(['demo', 'tests'], columns)).toBe(
    [
      '| check | 6.1.0                  | 6.12.1             |',
      '| ----- | ---------------------- | ------------------ |',
      '| demo  | PASS 12 s              | FAIL (exit 2) 0 s  |',
      '| tests | FAIL (time limit) 60 s | FAIL (not reached) |',
    ].join('\n'),
  )
})

test.each([
  [0, 'PASS 3 s', false],
  [1, 'FAIL (exit 1) 3 s', true],
  [77, 'not for it', false],
  [124, 'FAIL (time limit) 3 s', true],
])('exit code %i of a check is %s', (status, text, isFailure) => {
  const outcome = { status, seconds: 3 }
  expect(outcomeText(outcome)).toBe(text)
  expect(hasFailed(outcome)).toBe(isFailure)
})

test("exit code 77 of the user's own command is a failure", () => {
  const outcome = { status: 77, seconds: 3, isCommand: true }
  expect(outcomeText(outcome)).toBe('FAIL (exit 77) 3 s')
  expect(hasFailed(outcome)).toBe(true)
})
