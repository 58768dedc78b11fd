import { spawnSync } from 'node:child_process'

/** The command that runs another in a network namespace of its own: root makes one as it is, others in a user namespace. */
export const unshare =
  spawnSync('unshare', ['-n', 'true']).status === 0 ? ['/usr/bin/unshare', '-n'] : ['/usr/bin/unshare', '-Urn']
