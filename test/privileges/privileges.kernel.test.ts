import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kernelTests, kernelUnavailable } from '@ringlink/test-support/namespace'
import { afterAll, describe, expect, test } from 'vitest'

// The recipes of docs/privileges.md, each as the kernel sees it: what Docker, Kubernetes and systemd set is set here by
// setpriv.
const program = fileURLToPath(new URL('./open.mjs', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'ringlink-privileges-'))
chmodSync(work, 0o755)
afterAll(() => rmSync(work, { recursive: true }))

const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups']
const isRoot = process.getuid?.() === 0

interface Outcome {
  uid: number
  transport: string
  queue: string
}

function run(command: string[], environment: Record<string, string> = {}): Outcome {
  const [name, ...rest] = command as [string, ...string[]]
  const env = { ...process.env, ...environment }
  return JSON.parse(execFileSync(name, rest, { encoding: 'utf8', env }))
}

/** Runs the program in a network namespace of its own, with the privileges that `setpriv` leaves it. */
function runAs(setpriv: string[], node: string = process.execPath): Outcome {
  return run(['unshare', '-n', 'setpriv', ...setpriv, node, program])
}

describe.skipIf(kernelUnavailable || !isRoot)(
  kernelTests(isRoot ? 'a queue with a rule is opened by' : 'skipped: only root can give privileges up'),
  () => {
    test('root', () => {
      expect(runAs(['--reset-env'])).toMatchObject({ uid: 0, queue: 'open' })
    })

    test('an ordinary user in a user namespace', () => {
      const inside = ['setpriv', ...NOBODY, 'unshare', '-Urn', process.execPath, program]
      expect(run(inside)).toMatchObject({ uid: 0, queue: 'open' })
    })

    test('an ordinary user with the ambient capability, as systemd gives it', () => {
      const ambient = [...NOBODY, '--inh-caps=+net_admin', '--ambient-caps=+net_admin', '--no-new-privs']
      expect(runAs(ambient)).toMatchObject({ uid: 65534, queue: 'open' })
    })

    test('an ordinary user with a Node that has the capability, which then ignores NODE_OPTIONS', () => {
      const node = join(work, 'node-net-admin')
      copyFileSync(process.execPath, node)
      execFileSync('setcap', ['cap_net_admin+ep', node])
      const command = ['unshare', '-n', 'setpriv', ...NOBODY, node, program]
      const outcome = run(command, { NODE_OPTIONS: '--require=/does/not/exist' })
      expect(outcome).toMatchObject({ uid: 65534, queue: 'open' })
    })

    test('root of a container with only NET_ADMIN', () => {
      const onlyNetAdmin = ['--bounding-set=-all,+net_admin', '--inh-caps=-all']
      expect(runAs(onlyNetAdmin)).toMatchObject({ uid: 0, queue: 'open' })
    })

    test('the same without a way to more privileges, as in a pod of Kubernetes', () => {
      const onlyNetAdmin = ['--bounding-set=-all,+net_admin', '--inh-caps=-all', '--no-new-privs']
      expect(runAs(onlyNetAdmin)).toMatchObject({ uid: 0, queue: 'open' })
    })
  },
)

describe.skipIf(kernelUnavailable || !isRoot)(
  kernelTests(isRoot ? 'a queue is refused, and the message names the capability, to' : 'skipped: only root can'),
  () => {
    const refused = { queue: expect.stringMatching(/^[A-Z_]+: .*CAP_NET_ADMIN/) }

    test('an ordinary user', () => {
      expect(runAs(NOBODY)).toMatchObject({ uid: 65534, ...refused })
    })

    test('an ordinary user of a container with NET_ADMIN', () => {
      const onlyNetAdmin = ['--bounding-set=-all,+net_admin', '--inh-caps=-all']
      expect(runAs([...onlyNetAdmin, ...NOBODY])).toMatchObject({ uid: 65534, ...refused })
    })

    test('root of a user namespace that does not own the network', () => {
      expect(run(['unshare', '-Ur', process.execPath, program])).toMatchObject({ uid: 0, ...refused })
    })

    test('root of a container without NET_ADMIN', () => {
      expect(runAs(['--bounding-set=-net_admin', '--inh-caps=-net_admin'])).toMatchObject({ uid: 0, ...refused })
    })
  },
)

describe.skipIf(kernelUnavailable || !isRoot)(kernelTests('under a seccomp filter without io_uring'), () => {
  test('the plain socket is taken', () => {
    const filter = join(work, 'without-io-uring')
    const source = fileURLToPath(new URL('./without-io-uring.c', import.meta.url))
    const { status, stderr } = spawnSync('cc', ['-Wall', '-Werror', source, '-o', filter], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    const outcome = run(['unshare', '-n', filter, process.execPath, program])
    expect(outcome).toEqual({ uid: 0, transport: 'socket', queue: 'open' })
  })
})

const systemd = spawnSync('systemd-analyze', ['--version']).error === undefined

describe.skipIf(!systemd)(
  systemd ? 'the unit of docs/privileges.md' : 'skipped: systemd-analyze is not installed',
  () => {
    test('is one that systemd reads without a complaint', () => {
      const document = readFileSync(new URL('../../docs/privileges.md', import.meta.url), 'utf8')
      const [, unit] = /^```ini\n([\s\S]*?)^```/m.exec(document) as RegExpExecArray
      const file = join(work, 'filter.service')
      writeFileSync(file, (unit as string).replace(/^ExecStart=.*/m, `ExecStart=${process.execPath} ${program}`))
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
      expect(stderr).toBe('')
      expect(status).toBe(0)
    })
  },
)
