import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import type { Machine } from './results.ts'

/** The properties of the machine on which results depend. */
export function describeMachine(): Machine {
  const compiler = spawnSync('cc', ['--version'], { encoding: 'utf8' }).stdout?.split('\n', 1)[0]
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    system: system ?? 'unknown',
    node: process.version,
    compiler: compiler ?? 'none',
  }
}
