/** The scripts that people call say how, and refuse what they do not know before they do anything. */
import { spawnSync } from 'node:child_process'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const scripts = [
  'scripts/counters.mjs',
  'scripts/fuzz.mjs',
  'scripts/soak/main.mjs',
  'scripts/kernels/main.mjs',
  'scripts/reliability-checks.mjs',
  'scripts/release.mjs',
  'test/packed/run.mjs',
]

function call(script: string, ...args: string[]) {
  return spawnSync(process.execPath, [join(root, script), ...args], { cwd: root, encoding: 'utf8' })
}

describe.each(scripts)('%s', (script) => {
  test('--help says how it is called', () => {
    const { status, stdout, stderr } = call(script, '--help')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^ {2,}(npm run|node) /m)
    expect(stdout).not.toContain('//')
  })

  test('an unknown option is refused in one line', () => {
    const { status, stdout, stderr } = call(script, '--nonsense')
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/^\S+: Unknown option '--nonsense'; --help says how it is called\n$/)
  })
})

test.each([
  ['scripts/counters.mjs', '--packets', 'many'],
  ['scripts/counters.mjs', '--transport', 'pigeon'],
  ['scripts/fuzz.mjs', '--count', '-1'],
  ['scripts/soak/main.mjs', '--share', '2'],
  ['scripts/kernels/main.mjs', '2.6'],
  ['scripts/kernels/main.mjs', '--only', 'no such check'],
  ['scripts/reliability-checks.mjs', 'no such check'],
  ['scripts/release.mjs', 'toString'],
  ['test/packed/run.mjs', '--only', 'no such check'],
])('%s refuses %s %s', (script, ...args) => {
  const { status, stdout, stderr } = call(script, ...args)
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr.split('\n')).toHaveLength(2)
})
