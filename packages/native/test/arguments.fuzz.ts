/** The addon trusts no argument: random calls of every function, in a process that would show a crash. */

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { runs } from '@ringlink/test-support/fuzz'
import { expect, test } from 'vitest'

const FIXTURE = fileURLToPath(new URL('fixtures/arguments.mjs', import.meta.url))
const CALLS_PER_PROCESS = 20_000
const processes = Math.ceil(runs / 200)

/** A namespace, because one that may send could change the machine's network. */
const namespace = [['-n'], ['-Urn']].find((flags) => spawnSync('unshare', [...flags, 'true']).status === 0)

test.skipIf(namespace === undefined)(
  'no arguments crash, hang or leak (needs a network namespace of its own: root or user namespaces)',
  () => {
    for (let index = 0; index < processes; index++) {
      const seed = Number(process.env.FAST_CHECK_SEED ?? 1 + Math.floor(Math.random() * 0x7fff_fffe)) + index
      const words = [...(namespace ?? []), process.execPath, '--expose-gc', FIXTURE, `${seed}`, `${CALLS_PER_PROCESS}`]
      const { status, signal, stdout, stderr } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 60_000 })
      const repeat = `repeat: unshare ${words.join(' ')}\n${stderr}`
      expect([status, signal], repeat).toEqual([0, null])
      expect(stdout, repeat).toMatch(/^\d+ calls, 0 handles, few descriptors$/)
    }
  },
  processes * 60_000,
)
