/** `npm run test:kernels` as people call it, on this machine and where there can be no guest. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../scripts/kernels/main.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ringlink-kernels-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

function run(words: readonly string[], environment: Record<string, string> = {}) {
  const env = { ...process.env, TMPDIR: folder, ...environment }
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...words], { encoding: 'utf8', env })
  return { stdout, stderr, status }
}

describe.skipIf(process.platform !== 'linux')('a command', () => {
  test.each([
    ['echo "it says $((40 + 2))"', 0, 'it says 42', 'PASS'],
    ['echo "no" && exit 3', 1, 'no', 'FAIL (exit 3)'],
    ['echo "not for it" && exit 77', 1, 'not for it', 'FAIL (exit 77)'],
  ])('%s ends with exit code %i, after what it prints', (command, code, output, outcome) => {
    const { stdout, stderr, status } = run(['here', '--', command])
    expect({ stderr, status }).toEqual({ stderr: '', status: code })
    expect(stdout).toContain(`here: ${output}\n`)
    expect(stdout.split('\n')).toContainEqual(expect.stringContaining(`| command | ${outcome} `))
  })
})

test('guests are skipped by name where QEMU is missing and cannot be installed', () => {
  // Nothing but a shell: no QEMU, and no apt-get that could bring it.
  symlinkSync('/bin/sh', join(folder, 'sh'))
  const { stdout, status } = run(['6.1', '6.12', '--', 'true'], { PATH: folder })
  expect(status).toBe(0)
  expect(stdout).toMatch(/^test:kernels \(skipped: .*qemu-system-x86_64.* missing; on Debian: apt-get install .*\)\n$/)
})
