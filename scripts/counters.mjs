// The equations of docs/counters.md with a million packets for each transport, and random faults:
//
//   npm run test:counters                          all of it, about ten minutes
//   npm run test:counters -- --packets N --seed S  more or fewer packets, and the same faults again
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { packets: { type: 'string' }, seed: { type: 'string' } } })
const packets = wholeNumber('--packets', values.packets, 1_000_000)
const seed = wholeNumber('--seed', values.seed, Math.floor(Math.random() * 0x7fffffff))
process.stdout.write(`counters: ${packets} packets for each transport, seed ${seed}\n`)
const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', 'test/counters'], {
  cwd: dirname(dirname(fileURLToPath(import.meta.url))),
  stdio: 'inherit',
  env: { ...process.env, RINGLINK_PACKETS: `${packets}`, RINGLINK_SEED: `${seed}` },
})
process.exitCode = status ?? 1

function wholeNumber(option, text, preset) {
  if (text === undefined) return preset
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  process.stderr.write(`counters: ${option} must be a whole number, got '${text}'\n`)
  process.exit(2)
}
