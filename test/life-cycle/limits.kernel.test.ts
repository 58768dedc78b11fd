/**
 * Queues of a process that may have few descriptors, or little memory: each is refused by name, leaves nothing, and
 * opens once there is room.
 */

import { spawnSync } from 'node:child_process'
import { Bundle } from '@ringlink/test-support/bundle'
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { probeUring } from '@ringlink/transport-mmap'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ways } from './life.ts'

interface Attempt {
  /** the kind of transport, or the error */
  readonly outcome: string | { readonly code: string; readonly message: string }
  /** descriptors that were not closed */
  readonly left: number
}

const hasRing = kernelUnavailable === undefined && (await probeUring()).works
const transports = hasRing ? [...ways, 'the best'] : ['socket', 'the best']

describe.skipIf(kernelUnavailable)(kernelTests('a queue over'), () => {
  let bundle: Bundle
  beforeAll(() => {
    bundle = new Bundle(new URL('limited.ts', import.meta.url))
  })
  afterAll(() => bundle[Symbol.dispose]())

  test.each(transports)('%s with few descriptors', (way) => {
    const [first, ...others] = run(bundle.path, 'ulimit -n 40', 'descriptors', way)
    expect(first?.outcome).toBeTypeOf('string')
    const last = others.pop()
    expect(last).toMatchObject({ outcome: expect.any(String), left: 0 })
    // A socket each for the queue and its rule; a ring needs more.
    expect(others.length).toBeGreaterThanOrEqual(2)
    for (const { outcome, left } of others) {
      expect(outcome).toMatchObject({
        code: expect.toBeOneOf(['SYSTEM', 'RING_UNSUPPORTED']),
        message: expect.stringContaining('EMFILE'),
      })
      expect(left).toBe(0)
    }
  })

  test.each(transports)('%s with little memory', (way) => {
    const [limited, after] = run(bundle.path, 'true', 'memory', way)
    expect(limited?.left).toBe(0)
    expect(after?.outcome).toBeTypeOf('string')
    if (way === 'the best') {
      expect(limited?.outcome).toBe('socket')
      return
    }
    expect(limited?.outcome).toMatchObject({
      code: way === 'socket' ? 'SYSTEM' : 'RING_UNSUPPORTED',
      message: expect.stringMatching(/ENOMEM.*ulimit -v/),
    })
  })
})

function run(program: string, prepare: string, limit: string, way: string): Attempt[] {
  const inside = ['sh', '-c', `ip link set lo up && ${prepare} && exec "$@"`, 'sh']
  const words = ['-n', ...inside, process.execPath, program, limit, way]
  const { stdout, stderr, status } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 100_000 })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}
