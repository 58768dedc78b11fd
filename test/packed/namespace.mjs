import { spawnSync } from 'node:child_process'

/** The command that runs another one in a new network namespace: root makes it directly, others in a user namespace. */
export const unshare =
  spawnSync('unshare', ['-n', 'true']).status === 0 ? ['/usr/bin/unshare', '-n'] : ['/usr/bin/unshare', '-Urn']
