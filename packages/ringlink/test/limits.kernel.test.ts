/** Many queues of an ordinary user under a low limit of locked memory. */

import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { dirname } from 'node:path'
import { Bundle } from '@ringlink/test-support/bundle'
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import { describe, expect, test } from 'vitest'

/** An ordinary user to switch to as root; in our own user namespace we already are one. */
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
const ordinary = spawnSync('setpriv', [...NOBODY.slice(1), 'true']).status === 0 ? NOBODY : []
const QUEUES = 50
/** KiB that may be locked: the former limit of Linux, one in between, and the current one of Linux and systemd. */
const limits = [64, 512, 8192]

const namespaces =
  spawnSync('unshare', ['-Urn', 'true']).status === 0 ? undefined : 'no user namespaces can be made here'
const unavailable = kernelUnavailable ?? namespaces
const title = `${QUEUES} queues of an ordinary user`

describe.skipIf(unavailable)(
  unavailable === undefined ? kernelTests(title) : `${title} (skipped: ${unavailable})`,
  () => {
    test.each(limits)('open with ulimit -l %i, on sockets if no ring can be set up, and work', (limit) => {
      using bundle = new Bundle(new URL('fixtures/many-queues.ts', import.meta.url))
      chmodSync(dirname(bundle.path), 0o755)
      const [command = '', ...rest] = [
        ...ordinary,
        ...['unshare', '-Urn', 'sh', '-c', `ip link set lo up && ulimit -l ${limit} && exec "$@"`, 'sh'],
        ...[process.execPath, bundle.path, String(QUEUES)],
      ]
      const { stdout, stderr, status } = spawnSync(command, rest, { encoding: 'utf8', timeout: patience(100_000) })
      expect(stderr).toBe('')
      expect(status).toBe(0)
      const { kinds, accepted, refusal } = JSON.parse(stdout)
      const { socket = 0, uring = 0, 'netlink-ring': netlink = 0 } = kinds
      expect(socket + uring + netlink).toBe(QUEUES)
      expect(accepted).toBe(1)
      if (socket === 0) return
      expect(refusal).toMatchObject({ code: 'RING_UNSUPPORTED', message: expect.stringContaining('uring: ') })
      if (refusal.message.includes('ENOMEM')) expect(refusal.message).toContain('ulimit -l')
    })
  },
)
