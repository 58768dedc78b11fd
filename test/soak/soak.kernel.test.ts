import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { afterAll, describe, expect, test } from 'vitest'
import type { SoakResult } from './soak.ts'

const program = fileURLToPath(new URL('../../scripts/soak/main.mjs', import.meta.url))
const results = mkdtempSync(join(tmpdir(), 'ringlink-soak-'))
afterAll(() => rmSync(results, { recursive: true }))

describe.skipIf(kernelUnavailable)(kernelTests('a soak'), () => {
  test('of ten seconds accounts for every packet, leaves nothing open, and draws its chart', () => {
    const words = [program, '--minutes', '0.17', '--seed', '18', '--results', results]
    const { stdout, status } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 100_000 })
    expect({ stdout, status }).toMatchObject({ status: 0 })
    const result = JSON.parse(readFileSync(join(results, 'soak.json'), 'utf8')) as SoakResult
    expect(result.problems).toEqual([])
    expect(result.rounds).toBeGreaterThan(2)
    expect(result.samples.at(-1)?.handles).toBe(0)
    expect(readFileSync(join(results, 'soak.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<polyline [\s\S]*<\/svg>\n$/)
  })
})
