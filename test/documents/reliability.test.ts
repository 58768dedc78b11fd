import { spawnSync } from 'node:child_process'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

test('docs/reliability.md is what the records of its runs say', () => {
  const check = [join('scripts', 'reliability.mjs'), '--check']
  const { status, stderr } = spawnSync(process.execPath, check, { cwd: root, encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
})
