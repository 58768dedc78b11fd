import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BuiltCommand, buildCommand } from '../support/bundle.ts'
import { onTerminal } from '../support/terminal.ts'

const hasNft = spawnSync('nft', ['--version']).error === undefined

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
    expect(stdout).toMatch(/ 1 +\d+ +udp dport 53 queue to 7/)
    expect(stdout).toMatch(/ 0 +0 +tcp sport 80-90 queue to 7/)
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

  it.skipIf(!hasNft)(`shows sets and maps with their elements${hasNft ? '' : ' (skipped: nft is missing)'}`, () => {
    const sets = [
      'add table inet ringlink-sets',
      'add set inet ringlink-sets blocked { type ipv4_addr . inet_service; flags interval, timeout; }',
      'add map inet ringlink-sets ways { type ipv4_addr : verdict; size 100; }',
      'add chain inet ringlink-sets input { type filter hook input priority 0; }',
      'add rule inet ringlink-sets input ip saddr . udp dport @blocked counter drop',
      'add rule inet ringlink-sets input ip saddr vmap @ways',
      'add element inet ringlink-sets blocked { 10.0.0.0/8 . 53, 192.0.2.1 . 80-90 }',
      'add element inet ringlink-sets ways { 192.0.2.1 : drop }',
    ]
    const { status, stdout } = run(`nft '${sets.join('; ')}' && ringlink rules && ringlink rules --json`)
    expect(status).toBe(0)
    for (const line of [
      "  set 'blocked'  type ipv4_addr . inet_service; flags interval,timeout; 2 elements",
      '    10.0.0.0/8 . 53',
      '    192.0.2.1 . 80-90',
      "  map 'ways'  type ipv4_addr : verdict; size 100; 1 element",
      '    192.0.2.1 : drop',
    ])
      expect(stdout.split('\n')).toContain(line)
    expect(stdout).toMatch(/ 0 +0 +ip saddr \. udp dport @blocked drop\n/)
    expect(stdout).toMatch(/ - +- +ip saddr vmap @ways\n/)
    expect(stdout).toContain(
      '{"event":"map","family":"inet","table":"ringlink-sets","name":"ways","type":"ipv4_addr : verdict","properties":["size 100"],"elements":["192.0.2.1 : drop"]}',
    )
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
