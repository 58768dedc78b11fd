import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BuiltCommand, buildCommand } from '../support/bundle.ts'
import { onTerminal } from '../support/terminal.ts'

let command: BuiltCommand

beforeAll(() => {
  command = buildCommand()
})
afterAll(() => command[Symbol.dispose]())

/** Runs shell lines in new namespaces, in which `ringlink` is the command; first, a queue leaves a table. */
function script(lines: string): string {
  const path = join(command.folder, 'script.sh')
  const left = `ringlink queue --queue 7 --rule 'output udp 53' --rule 'input tcp sport 80:90' --on-exit block --seconds 1 --json >/dev/null`
  writeFileSync(
    path,
    `ip link set lo up\nringlink() { "${process.execPath}" "${command.path}" "$@"; }\n${left} || exit 9\n${lines}\n`,
  )
  return path
}

function run(lines: string) {
  const { status, stdout, stderr } = spawnSync('unshare', ['-Urn', 'bash', script(lines)], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { status, stdout, stderr }
}

describe('ringlink rules', () => {
  it('lists what a queue left, with what was counted', () => {
    const { status, stdout } = run('echo x > /dev/udp/127.0.0.1/53; ringlink rules')
    expect(status).toBe(0)
    expect(stdout).toContain("table inet 'ringlink-queue-7'  stays until it is removed")
    expect(stdout).toMatch(/ 1 +\d+ +meta l4proto udp udp dport 53 queue to 7/)
    expect(stdout).toMatch(/ 0 +0 +meta l4proto tcp tcp sport .* queue to 7/)
  })

  it('lists as JSON, one object per rule', () => {
    const { stdout } = run('ringlink rules --json')
    const rules = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string; table: string; chain: string })
    expect(rules.map(({ event, table, chain }) => [event, table, chain])).toEqual([
      ['rule', 'ringlink-queue-7', 'output'],
      ['rule', 'ringlink-queue-7', 'input'],
    ])
  })

  it('removes a table, and reports a missing one', () => {
    const { status, stdout, stderr } = run(
      'ringlink rules --remove ringlink-queue-7 && ringlink rules && ringlink rules --remove ringlink-queue-7',
    )
    expect(stdout).toBe("removed table inet 'ringlink-queue-7'\n")
    expect(stderr).toContain('no table of ringlink in this network namespace\n')
    expect(stderr).toContain("there is no table 'ringlink-queue-7'")
    expect(status).toBe(1)
  })

  it('doctor leaves no table', () => {
    const { stdout } = run(
      'ringlink rules --remove ringlink-queue-7 >/dev/null; ringlink doctor >/dev/null; ringlink rules --all --json',
    )
    expect(stdout).toBe('')
  })

  it('is painted on a terminal', () => {
    const { output, status } = onTerminal(['unshare', '-Urn', 'bash', script('ringlink rules')])
    expect(status).toBe(0)
    expect(output).toContain('\x1b[1mtable inet')
  })
})
