/** scripts/check-kernel.mjs on the real kernel. */

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import { describe, expect, test } from 'vitest'

/** The checks that any transport passes. */
const GENERAL = [
  'acked requests, more than the ring has frames',
  'a reply through the receive queue, then its acknowledgement',
  'a notification, through the receive queue',
  'dumps that are longer than the ring',
  'dumps in large frames, before and after a long receive',
  'packet queue',
]

const script = fileURLToPath(new URL('../../scripts/check-kernel.mjs', import.meta.url))
const fixture = fileURLToPath(new URL('../fixtures/check-uring.mjs', import.meta.url))

// From the built packages, as the script is used.
describe.skipIf(kernelUnavailable)(kernelTests('check-kernel.mjs on this kernel'), () => {
  test('reports whether it has rings, and no check fails', () => {
    const { status, stdout } = spawnSync(process.execPath, [script, '--json'], { encoding: 'utf8' })
    const { rings, results } = JSON.parse(stdout)
    expect(status).toBe(rings.errno === 1 ? 2 : 0)
    expect(results.filter(({ status }: { status: string }) => status === 'FAIL')).toEqual([])
    if (rings !== 'there') expect(rings).toMatchObject({ step: 'setsockopt(NETLINK_RX_RING)' })
  })

  test('has --help, and refuses unknown options', () => {
    const help = spawnSync(process.execPath, [script, '--help'], { encoding: 'utf8' })
    expect([help.status, help.stdout.includes('--json')]).toEqual([0, true])
    const unknown = spawnSync(process.execPath, [script, '--foo'], { encoding: 'utf8' })
    expect([unknown.status, unknown.stdout.includes('unknown option --foo')]).toEqual([2, true])
  })

  test('its parts without rings work over io_uring: namespace, tables, rules and traffic', () => {
    const command = ['-n', process.execPath, fixture, ...GENERAL]
    const { stdout, stderr, status } = spawnSync('unshare', command, { encoding: 'utf8', timeout: patience(100_000) })
    expect([stderr, status]).toEqual(['', 0])
    expect(
      JSON.parse(stdout).map(({ name, status, detail }: Record<string, string>) => [name, status, detail]),
    ).toEqual(GENERAL.map((name) => [name, 'PASS', expect.any(String)]))
  })
})
