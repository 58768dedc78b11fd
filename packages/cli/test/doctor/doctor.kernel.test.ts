import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BuiltCommand, buildCommand } from '../support/bundle.ts'

let command: BuiltCommand

beforeAll(() => {
  command = buildCommand()
  chmodSync(command.folder, 0o755)
})
afterAll(() => command[Symbol.dispose]())

function run(words: readonly string[]) {
  const [program = '', ...rest] = words
  const { status, stdout, stderr } = spawnSync(program, [...rest], { encoding: 'utf8', timeout: 60_000 })
  const events = stdout
    .split('\n')
    .filter(Boolean)
    .map(
      (line) =>
        JSON.parse(line) as { event: string; id?: string; state?: string; found?: string; worksForQueues?: boolean },
    )
  const states = Object.fromEntries(events.flatMap(({ id, state }) => (id === undefined ? [] : [[id, state]])))
  return { status, stderr, states, events }
}

const doctor = () => [process.execPath, command.path, 'doctor', '--json']

/** Runs a program under a seccomp filter that answers io_uring_setup (425, on every architecture) with EPERM. */
const WITHOUT_URING = `
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 425), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
program = b''.join(struct.pack('HBBI', *line) for line in code)
buffer = ctypes.create_string_buffer(program)
fprog = struct.pack('HxxxxxxP', len(code), ctypes.addressof(buffer))
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, fprog, 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])
`

describe('ringlink doctor on this machine', () => {
  test('finds queues, logs and rules in a new namespace, and leaves nothing there', () => {
    const { status, states, stderr } = run(['unshare', '-Urn', ...doctor()])
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(states).toMatchObject({
      'system.privileges': 'ok',
      'system.addon': 'ok',
      'queue.subsystem': 'ok',
      'log.subsystem': 'ok',
      'rules.nftables': 'ok',
      loss: 'ok',
    })
  })

  test('says what is missing to a user without privileges', () => {
    const { status, states } = run(['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', ...doctor()])
    expect(status).toBe(1)
    expect(states).toMatchObject({ 'system.privileges': 'fail', 'queue.subsystem': 'unknown', 'system.addon': 'ok' })
  })

  test('does not call a network its own that belongs to another user namespace', () => {
    const { status, states } = run(['unshare', '-Ur', ...doctor()])
    expect(status).toBe(1)
    expect(states).toMatchObject({ 'system.privileges': 'ok', 'queue.subsystem': 'unknown' })
  })

  test('works in a container without io_uring', () => {
    const { status, states, events } = run(['unshare', '-Urn', 'python3', '-c', WITHOUT_URING, ...doctor()])
    expect(status).toBe(0)
    expect(states).toMatchObject({ 'ring.io_uring': 'warn', 'system.seccomp': 'info', 'queue.subsystem': 'ok' })
    expect(events.find(({ id }) => id === 'ring.io_uring')?.found).toContain('EPERM')
  })

  test('works without the addon', () => {
    const folder = join(command.folder, 'empty')
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), '{ "name": "@ringlink/native", "version": "0.0.0" }')
    using other = buildCommand(folder)
    const { status, states } = run(['unshare', '-Urn', process.execPath, other.path, 'doctor', '--json'])
    expect(status).toBe(1)
    expect(states).toMatchObject({ 'system.addon': 'fail' })
    expect(states).not.toHaveProperty('queue.subsystem')
  })
})
