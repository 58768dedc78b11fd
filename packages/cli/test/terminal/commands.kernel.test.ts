/**
 * Every command on a pseudo-terminal, in pipes and with closed streams, in namespaces of its own on the real kernel.
 */
import { spawnSync } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { descriptions } from '../../src/descriptions.ts'
import { type CommandFolder, makeCommandFolder } from '../support/command-folder.ts'
import { CTRL_C, onTerminal, type Step } from '../support/terminal.ts'

let command: CommandFolder

beforeAll(() => {
  command = makeCommandFolder()
})
afterAll(() => command[Symbol.dispose]())

/** Where the first example is not the plain command. */
const LINES: Readonly<Record<string, string>> = {
  log: `ringlink log --group 5 --rule 'output udp' --stats`,
  queue: `ringlink queue --queue 0 --rule 'output udp 53'`,
  completion: 'ringlink completion bash',
  conntrack: 'ringlink conntrack watch',
}
/** Those that run until Ctrl-C, unless they are told otherwise. */
const ENDING: Readonly<Record<string, string>> = {
  log: ' --seconds 1',
  queue: ' --seconds 1',
  conntrack: ' --seconds 1',
}
const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'

function lineOf({ name, examples }: (typeof descriptions)[number]): string {
  return LINES[name] ?? examples[0]?.line.split('|')[0] ?? `ringlink ${name}`
}

function inNamespace(line: string): string[] {
  return ['unshare', '-Urn', 'bash', '-c', `ip link set lo up; ${line}`]
}

/** What a line of a shell prints and says. */
function run(line: string) {
  const [program = '', ...rest] = inNamespace(line)
  const { status, stdout, stderr } = spawnSync(program, rest, {
    encoding: 'utf8',
    timeout: 60_000,
    cwd: command.folder,
    env: command.env,
  })
  return { status, stdout, stderr }
}

function terminal(line: string, steps: readonly Step[], size?: readonly [number, number]) {
  return onTerminal(['env', `PATH=${command.env.PATH}`, ...inNamespace(`exec ${line}`)], steps, size)
}

/** As a shell shows it: 0, or the end by Ctrl-C of a command that has nothing to finish. */
const ENDED_AS_ASKED = [0, -2, 130]

describe.each(descriptions.map((description) => [description.name, lineOf(description)] as const))(
  'ringlink %s',
  (name, line) => {
    const endingLine = `${line}${ENDING[name] ?? ''}`

    test('prints on a terminal, also one that changes its size, and Ctrl-C ends it', () => {
      const { output, status } = terminal(line, [
        { wait: '\\S', orEnd: true },
        { resize: [5, 20] },
        { resize: [50, 200] },
        { send: CTRL_C },
      ])
      expect(ENDED_AS_ASKED).toContain(status)
      expect(stripVTControlCharacters(output).trim()).not.toBe('')
      expect(output).not.toMatch(/Error:|\n {4}at /)
      expect(output.lastIndexOf(SHOW_CURSOR)).toBeGreaterThanOrEqual(output.lastIndexOf(HIDE_CURSOR))
    })

    test('works on a terminal of one row and one column', () => {
      const { output, status } = terminal(line, [{ wait: '\\S', orEnd: true }, { send: CTRL_C }], [1, 1])
      expect(ENDED_AS_ASKED).toContain(status)
      expect(output).not.toMatch(/Error:|\n {4}at /)
    })

    test('prints plain text into a pipe, also without standard input', () => {
      const { status, stdout, stderr } = run(`${endingLine} <&-`)
      expect(stderr).not.toMatch(/Error:|\n {4}at /)
      expect(status).toBe(0)
      // That there are no rules is said on standard error.
      expect((stdout + stderr).trim()).not.toBe('')
      expect(stdout + stderr).not.toContain('\x1b')
    })

    test('ends quietly if the reader of its pipe goes away', () => {
      const { status, stderr } = run(`${endingLine} | head -1 >/dev/null; exit "\${PIPESTATUS[0]}"`)
      expect(stderr).not.toMatch(/EPIPE|error:|\n {4}at /i)
      expect(status).toBe(0)
    })

    test('says so if standard output is closed, and ends', () => {
      const { status, stderr } = run(`${endingLine} >&-`)
      expect(stderr).not.toMatch(/\n {4}at |Uncaught|node:/)
      expect([0, 1]).toContain(status)
    })
  },
)
