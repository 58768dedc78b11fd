import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { join } from 'node:path'
import { BUILD } from './paths.ts'
import type { Machine, Prices } from './results.ts'

/** The properties of the machine on which results depend. */
export function describeMachine(): Machine {
  const compiler = spawnSync('cc', ['--version'], { encoding: 'utf8' }).stdout?.split('\n', 1)[0]
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1]
  const prices = measurePrices()
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    kernel: release(),
    system: system ?? 'unknown',
    node: process.version,
    compiler: compiler ?? 'none',
    ...(prices === undefined ? {} : { prices }),
  }
}

function measurePrices(): Prices | undefined {
  const { status, stdout } = spawnSync(join(BUILD, 'prices'), { encoding: 'utf8', timeout: 60_000 })
  return status === 0 ? (JSON.parse(stdout) as Prices) : undefined
}
