/** The measurement of a fleet, with a few records: that it runs, and accounts for each of them. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { expect, test } from 'vitest'
import { serverTests, serverUnavailable } from './support/server.ts'

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const skipped = kernelUnavailable !== undefined || serverUnavailable !== undefined

test.skipIf(skipped)(
  kernelTests(serverTests('bench/fleet.mjs measures all parties with a few records')),
  async ({ signal }) => {
    // Its processes run the built files.
    expect(existsSync(pathOf('../dist/index.js'))).toBe(true)
    const words = ['-n', process.execPath, pathOf('../bench/fleet.mjs'), '--quick', '--storage', 'memory']
    const { stdout: text } = await promisify(execFile)('unshare', words, { signal })
    const [sent, stored, dropped, lost, decoded] = (text.match(/\d+/g) ?? []).map(Number)
    expect(text).toMatch(/^stream in memory: \d+ records sent = \d+ stored \+ \d+ dropped \+ \d+ lost; \d+ decoded$/m)
    expect(sent).toBe(7680)
    expect((stored ?? 0) + (dropped ?? 0) + (lost ?? 0)).toBe(sent)
    expect(decoded).toBe(stored)
  },
)
