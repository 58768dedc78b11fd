import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Experiment, Outcome } from './experiment.ts'
import { BUILD, DIST } from './paths.ts'
import { Program } from './program.ts'
import { Port } from './rules.ts'

const WARM = 20_000
const SECONDS = 1

/** Bytes that the batch interface allocates for each packet. */
export const allocationExperiment: Experiment = {
  name: 'allocations',
  group: 'queue',
  title: 'bytes of the heap that a packet costs with the batch interface, socket transport',
  unit: 'bytes/packet',
  better: 'less',
  contenders: ['ringlink'],
  obstacle: () => undefined,
  async run() {
    const options = ['--expose-gc', '--max-semi-space-size=128', '--min-semi-space-size=128']
    const program = new Program('allocations', process.execPath, [...options, join(DIST, 'allocations.js')])
    try {
      const { perPacket, perBatch } = await program.json<{ perPacket: number; perBatch: number }>()
      // Less than nothing is the noise of the measurement; the details have it.
      return { value: Math.max(0, perPacket), details: { perPacket, perBatch } }
    } finally {
      await program.stop()
    }
  },
}

/** All system calls of the handler's process, as the kernel sees them and not as we count them. */
export const systemCallExperiment: Experiment = {
  name: 'system-calls',
  group: 'queue',
  title: 'system calls of the whole process, counted by strace, at most 1024 in flight',
  unit: 'calls/packet',
  better: 'less',
  contenders: ['ringlink'],
  obstacle: () => (spawnSync('strace', ['-V']).status === 0 ? undefined : 'strace is not installed'),
  run: countSystemCalls,
}

async function countSystemCalls(): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'ringlink-bench-'))
  const programs: Program[] = []
  const start = (command: string, args: string[]): Program => {
    const program = new Program(command, command, args)
    programs.push(program)
    return program
  }
  const send = (args: string[]) => start(join(BUILD, 'send'), [`port=${Port.Queue}`, 'size=64', 'mode=closed', ...args])
  try {
    const args = ['range=128', 'maxlength=4096', `warm=${WARM}`, `window=${SECONDS}`]
    const handler = start(process.execPath, [join(DIST, 'handlers', 'queue.js'), ...args])
    await handler.expect('READY')
    const warming = send(['window=64', `count=${WARM}`])
    await warming.expect('READY')
    await warming.json()
    await handler.expect('WARM')
    await warming.stop()
    const output = join(directory, 'calls')
    const tracer = start('strace', ['-f', '-c', '-o', output, '-p', String(handler.pid)])
    await tracer.complaint(/attached/)
    handler.go()
    const sender = send(['window=1024', `seconds=${SECONDS}`])
    await sender.expect('READY')
    const { sent } = await sender.json<{ sent: number }>()
    await tracer.interrupt()
    return { value: totalCalls(readFileSync(output, 'utf8')) / sent, details: { packets: sent } }
  } finally {
    await Promise.all(programs.map((program) => program.stop()))
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The number in the column `calls` of the line `total`. */
export function totalCalls(summary: string): number {
  const calls = /^\s*100\.00\s+[\d.]+\s+\d+\s+(\d+).*total$/m.exec(summary)?.[1]
  if (calls === undefined) throw new Error(`strace counted nothing: ${summary.slice(0, 200)}`)
  return Number(calls)
}
