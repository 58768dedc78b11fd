import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { describe, expect, test } from 'vitest'

/** The checks that any transport passes. */
const GENERAL = [
  'acked requests, more than the ring has frames',
  'a reply by the receive queue, then its acknowledgement',
  'a notification, by the receive queue',
  'dumps, in a ring that they go round',
  'dumps in large frames, before and after a long receive',
  'packet queue',
]

const script = fileURLToPath(new URL('../../scripts/check-kernel.mjs', import.meta.url))
const fixture = fileURLToPath(new URL('../fixtures/check-uring.mjs', import.meta.url))

// From the built packages, as the script is used.
describe.skipIf(kernelUnavailable)(kernelTests('check-kernel.mjs on this kernel'), () => {
  test('says whether it has rings, and fails nothing', () => {
    const { status, stdout } = spawnSync(process.execPath, [script, '--json'], { encoding: 'utf8' })
    const { rings, results } = JSON.parse(stdout)
    expect(status).toBe(rings.errno === 1 ? 2 : 0)
    expect(results.filter(({ status }: { status: string }) => status === 'FAIL')).toEqual([])
    if (rings !== 'there') expect(rings).toMatchObject({ step: 'setsockopt(NETLINK_RX_RING)' })
  })

  test('explains itself, and refuses what it does not know', () => {
    const help = spawnSync(process.execPath, [script, '--help'], { encoding: 'utf8' })
    expect([help.status, help.stdout.includes('--json')]).toEqual([0, true])
    const unknown = spawnSync(process.execPath, [script, '--foo'], { encoding: 'utf8' })
    expect([unknown.status, unknown.stdout.includes('--foo is no option')]).toEqual([2, true])
  })

  test('what it does beside the rings works: namespace, tables, rules and traffic, over io_uring', () => {
    const command = ['-n', process.execPath, fixture, ...GENERAL]
    const { stdout, stderr, status } = spawnSync('unshare', command, { encoding: 'utf8', timeout: 50_000 })
    expect([stderr, status]).toEqual(['', 0])
    expect(
      JSON.parse(stdout).map(({ name, status, detail }: Record<string, string>) => [name, status, detail]),
    ).toEqual(GENERAL.map((name) => [name, 'PASS', expect.any(String)]))
  })
})
