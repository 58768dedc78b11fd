/** The examples of `--help` work unchanged: a shell runs each in new namespaces, where `ringlink` is in the path. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { descriptions } from '../src/descriptions.ts'
import { type CommandFolder, makeCommandFolder } from './support/command-folder.ts'

let command: CommandFolder

beforeAll(() => {
  command = makeCommandFolder()
  writeFileSync(join(command.folder, 'rules.txt'), 'output udp dport 53 accept\n')
})
afterAll(() => command[Symbol.dispose]())

/** The output of a program that runs until it is stopped. */
const RUNS_ON = /Ctrl-C ends it|"event":"open"/
/** Of these lines every program ends by itself. */
const ENDS = /--(count|seconds) /

async function runExample(line: string) {
  const shell = spawn('unshare', ['-Urn', 'bash', '-c', `ip link set lo up; ${line}`], {
    cwd: command.folder,
    env: command.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    timeout: 60_000,
  })
  let text = ''
  let isStopped = false
  const take = (chunk: Buffer) => {
    text += chunk.toString()
    if (isStopped || ENDS.test(line) || !RUNS_ON.test(text)) return
    isStopped = true
    // As Ctrl-C does: to the whole group.
    if (shell.pid !== undefined) process.kill(-shell.pid, 'SIGINT')
  }
  shell.stdout.on('data', take)
  shell.stderr.on('data', take)
  const [code, signal] = (await once(shell, 'close')) as [number | null, string | null]
  return { code, signal, text }
}

describe.each(descriptions.map(({ name, examples }) => [name, examples] as const))('ringlink %s', (_, examples) => {
  test('has three examples', () => {
    expect(examples.length).toBeGreaterThanOrEqual(3)
  })

  test.each(examples.map(({ line }) => [line] as const))('%s', async (line) => {
    const { code, signal, text } = await runExample(line)
    expect(text).not.toMatch(/ringlink( \w+)?: (?!no table|watching|\d)/)
    // A shell that the signal reached with its program ends by it.
    if (signal !== 'SIGINT') expect([0, 130]).toContain(code)
  })
})
